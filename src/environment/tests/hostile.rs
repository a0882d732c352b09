//! Whatever stands in a file, it is either understood or diagnosed.

use proptest::prelude::*;

use super::{LEAST, read};

const STAGING: &str = include_str!("../../../environments/staging.toml");
const DEMO: &str = include_str!("../../../environments/demo.toml");
/// What people and fuzzers write where something else belongs.
const SPOILERS: [&str; 16] = [
    "",
    "0",
    "-1",
    "\"\"",
    "[]",
    "{}",
    "true",
    "\"é\"",
    "=",
    "[[",
    "\n",
    "'''",
    "1e9",
    "\"10.0.0.0/0\"",
    "1979-05-27",
    "\u{0}",
];

/// Understands or diagnoses a text, and looks at what is told.
fn survive(text: &str) -> Result<(), TestCaseError> {
    let Err(diagnostics) = read(text) else {
        return Ok(());
    };
    prop_assert!(!diagnostics.faults.is_empty());
    let lines = text.lines().count().max(1);
    for fault in &diagnostics.faults {
        prop_assert!(!fault.message.is_empty());
        // A fault at the very end is told on the line after the last.
        prop_assert!((1..=lines + 1).contains(&fault.mark.line) && fault.mark.column >= 1);
    }
    prop_assert!(diagnostics.render(false, 80).contains("error"));
    prop_assert!(serde_json::to_string(&diagnostics).is_ok());
    Ok(())
}

/// The places in a text where a word ends or begins.
fn seams(text: &str) -> Vec<usize> {
    let mut seams: Vec<usize> = text
        .char_indices()
        .filter(|(_, c)| !c.is_ascii_alphanumeric())
        .map(|(index, _)| index)
        .collect();
    seams.push(text.len());
    seams
}

fn spoiled(
    mut text: String,
    changes: Vec<(prop::sample::Index, prop::sample::Index, usize)>,
) -> String {
    for (from, to, spoiler) in changes {
        let seams = seams(&text);
        let (from, to) = (from.index(seams.len()), to.index(seams.len().min(6)));
        let end = seams[(from + to).min(seams.len() - 1)];
        text.replace_range(seams[from]..end, SPOILERS[spoiler]);
    }
    text
}

proptest! {
    #[test]
    fn spoiled_examples(
        example in prop::sample::select(vec![STAGING, DEMO, LEAST]),
        changes in prop::collection::vec((any::<prop::sample::Index>(), any::<prop::sample::Index>(), 0..SPOILERS.len()), 1..6),
    ) {
        survive(&spoiled(example.to_owned(), changes))?;
    }

    #[test]
    fn examples_without_some_lines(
        example in prop::sample::select(vec![STAGING, DEMO, LEAST]),
        kept in prop::collection::vec(prop::bool::weighted(0.8), 120),
    ) {
        let lines = example.lines().zip(&kept).filter(|(_, kept)| **kept).map(|(line, _)| line);
        survive(&lines.collect::<Vec<_>>().join("\n"))?;
    }

    #[test]
    fn anything(text in "\\PC{0,200}") {
        survive(&text)?;
    }
}

#[test]
fn deep_nesting_is_diagnosed() {
    for text in [
        "x = ".to_owned() + &"[".repeat(20_000),
        "a.".repeat(20_000) + "b = 1",
    ] {
        assert!(read(&text).is_err());
    }
}

#[test]
fn of_many_faults_all_are_kept_and_some_drawn() {
    let lines: String = (0..5_000)
        .map(|line| format!("k{line} = \"x\"\n"))
        .collect();
    let diagnostics = read(&lines).unwrap_err();
    assert!(diagnostics.faults.len() > 5_000);
    assert!(diagnostics.to_string().ends_with("more"));
}
