//! Collects everything that is wrong, so that it is told at once, and keeps one mistake from being told twice.

use std::collections::BTreeSet;

use super::diagnostics::Spot;
use super::source::{At, Path, Source};

/// A mistake in the file.
pub(super) struct Fault {
    message: String,
    places: Vec<(At, String)>,
    remedy: Option<String>,
}

impl Fault {
    /// Something is wrong with this key.
    pub(super) fn key(path: &Path, message: impl Into<String>) -> Self {
        Self::at(At::Key(path.clone()), message)
    }

    /// Something is wrong with this value.
    pub(super) fn value(path: &Path, message: impl Into<String>) -> Self {
        Self::at(At::Value(path.clone()), message)
    }

    fn at(at: At, message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            places: vec![(at, String::new())],
            remedy: None,
        }
    }

    /// What to write beside the underlined text.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        if let Some((_, text)) = self.places.first_mut() {
            *text = label.into();
        }
        self
    }

    /// Another value that has to do with it.
    pub(super) fn also(mut self, path: &Path, label: impl Into<String>) -> Self {
        self.places.push((At::Value(path.clone()), label.into()));
        self
    }

    /// What would be right.
    pub(super) fn remedy(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = Some(remedy.into());
        self
    }
}

/// Collects faults.
#[derive(Default)]
pub(super) struct Faults {
    list: Vec<Fault>,
    /// Values that are unusable and replaced by others, so that no fault may be derived from them.
    unusable: BTreeSet<Path>,
}

impl Faults {
    /// Tells a fault that makes a value unusable.
    pub(super) fn unusable(&mut self, path: &Path, fault: Fault) {
        self.add(fault);
        self.unusable.insert(path.clone());
    }

    /// Tells a fault, unless it follows from one that was told before.
    pub(super) fn add(&mut self, fault: Fault) {
        if !fault
            .places
            .iter()
            .any(|(at, _)| self.is_unusable(at.path()))
        {
            self.list.push(fault);
        }
    }

    /// Whether a value, or a table around it, is unusable.
    pub(super) fn is_unusable(&self, path: &Path) -> bool {
        path.way().any(|step| self.unusable.contains(&step))
    }

    /// Whether anything in a table is unusable, so that what is counted in it may be wrong.
    pub(super) fn is_unusable_within(&self, path: &Path) -> bool {
        self.is_unusable(path) || self.unusable.iter().any(|unusable| path.leads_to(unusable))
    }

    /// Whether nothing is wrong.
    pub(super) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Finds the places in the text.
    pub(super) fn into_spots(self, source: &Source<'_>) -> Vec<Spot> {
        self.list
            .into_iter()
            .map(|fault| Spot {
                message: fault.message,
                marks: fault
                    .places
                    .into_iter()
                    .map(|(at, label)| (source.span(&at), label))
                    .collect(),
                remedy: fault.remedy,
            })
            .collect()
    }
}
