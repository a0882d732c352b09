//! What is wrong with a file, for people and for programs.

use std::fmt;
use std::ops::Range;

use annotate_snippets::renderer::DecorStyle;
use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use serde::Serialize;

/// More than this many are counted, not drawn: nobody reads on.
const DRAWN: usize = 40;

/// Everything that is wrong with one file, in the order of the file. There is always at least one.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnostics {
    /// The file, as it was named.
    pub file: String,
    /// What is wrong with it.
    pub faults: Vec<Diagnostic>,
    /// Its text, with what may be a password overwritten.
    #[serde(skip)]
    text: String,
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Diagnostic {
    /// What is wrong.
    pub message: String,
    /// Where.
    #[serde(flatten)]
    pub mark: Mark,
    /// What would be right.
    pub remedy: Option<String>,
    /// Other places that have to do with it.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub related: Vec<Mark>,
}

/// A place in the file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Mark {
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The text that is meant.
    pub text: String,
    /// What there is to say about it.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub label: String,
    #[serde(skip)]
    span: Range<usize>,
}

/// A fault before its place is counted out in lines and columns.
pub(super) struct Spot {
    /// What is wrong.
    pub message: String,
    /// Where, and what there is to say about it; then other places.
    pub marks: Vec<(Range<usize>, String)>,
    /// What would be right.
    pub remedy: Option<String>,
}

impl Diagnostics {
    /// Counts out where the faults are. `text` is quoted, so it must not hold passwords.
    pub(super) fn new(file: &str, text: String, spots: Vec<Spot>) -> Self {
        let line_starts: Vec<usize> = std::iter::once(0)
            .chain(text.match_indices('\n').map(|(newline, _)| newline + 1))
            .collect();
        let mark = |(span, label): (Range<usize>, String)| {
            let start = text.floor_char_boundary(span.start.min(text.len()));
            let end = text.ceil_char_boundary(span.end.clamp(start, text.len()));
            let line = line_starts.partition_point(|line_start| *line_start <= start);
            let line_start = line_starts[line - 1];
            Mark {
                line,
                column: text[line_start..start].chars().count() + 1,
                text: text[start..end].to_owned(),
                label,
                span: start..end,
            }
        };
        let mut faults: Vec<Diagnostic> = spots
            .into_iter()
            .map(|spot| {
                let mut marks = spot.marks.into_iter().map(mark);
                Diagnostic {
                    message: spot.message,
                    mark: marks.next().unwrap_or_else(|| mark((0..0, String::new()))),
                    related: marks.collect(),
                    remedy: spot.remedy,
                }
            })
            .collect();
        faults
            .sort_by(|a, b| (a.mark.span.start, &a.message).cmp(&(b.mark.span.start, &b.message)));
        faults.dedup();
        Self {
            file: file.to_owned(),
            faults,
            text,
        }
    }

    /// Draws all of them as compilers do, with terminal colours if `colour`, for a terminal of so many columns.
    pub fn render(&self, colour: bool, columns: usize) -> String {
        let renderer = if colour {
            Renderer::styled()
        } else {
            Renderer::plain()
        };
        let renderer = renderer.decor_style(DecorStyle::Ascii).term_width(columns);
        let mut drawn: Vec<String> = self
            .faults
            .iter()
            .take(DRAWN)
            .map(|fault| renderer.render(&[self.group(fault)]))
            .collect();
        if self.faults.len() > DRAWN {
            drawn.push(format!("… and {} more", self.faults.len() - DRAWN));
        }
        drawn.join("\n\n")
    }

    fn group<'a>(&'a self, fault: &'a Diagnostic) -> Group<'a> {
        let title = Level::ERROR.primary_title(fault.message.as_str());
        let annotations = std::iter::once((AnnotationKind::Primary, &fault.mark))
            .chain(
                fault
                    .related
                    .iter()
                    .map(|mark| (AnnotationKind::Context, mark)),
            )
            .map(|(kind, mark)| {
                let label = Some(mark.label.as_str()).filter(|label| !label.is_empty());
                kind.span(mark.span.clone()).label(label)
            });
        let snippet = Snippet::source(self.text.as_str())
            .path(self.file.as_str())
            .annotations(annotations);
        let group = title.element(snippet);
        match &fault.remedy {
            Some(remedy) => group.element(Level::HELP.message(remedy.as_str())),
            None => group,
        }
    }
}

impl fmt::Display for Diagnostics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.render(false, 140))
    }
}

impl std::error::Error for Diagnostics {}
