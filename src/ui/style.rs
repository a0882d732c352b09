//! The few styles that are used, and what they mean.

use anstyle::{AnsiColor, Style};

use crate::plan::Verb;

/// Headings and names.
pub const STRONG: Style = Style::new().bold();
/// What can be passed over.
pub const FAINT: Style = Style::new().dimmed();
/// What was done, or is well.
pub const GOOD: Style = AnsiColor::Green.on_default();
/// What changes.
pub const CHANGE: Style = AnsiColor::Yellow.on_default();
/// What is lost or failed.
pub const BAD: Style = AnsiColor::Red.on_default().bold();

/// `text` in `style`.
pub fn paint(style: Style, text: impl std::fmt::Display) -> String {
    format!("{style}{text}{style:#}")
}

/// The sign, style and word of a verb.
pub fn verb(verb: Verb) -> (&'static str, Style, &'static str) {
    match verb {
        Verb::Create => ("+", GOOD, "create"),
        Verb::Update => ("~", CHANGE, "update"),
        Verb::Replace => ("±", BAD, "replace"),
        Verb::Delete => ("-", BAD, "delete"),
        Verb::Adopt => ("=", CHANGE, "adopt"),
        Verb::Forget => ("·", FAINT, "forget"),
        Verb::None => (" ", FAINT, "keep"),
    }
}
