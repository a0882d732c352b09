//! An error as people read it: what failed, the causes below it, and what to do.

use std::collections::BTreeMap;
use std::error::Error as StdError;
use std::fmt::Write;

use super::style::{BAD, STRONG, paint};
use crate::plan::Refusal;

/// So many of one owner's things are named; the others are counted.
const NAMED: usize = 6;

/// The error with its causes, and the hint if there is one.
pub fn failure(error: &(dyn StdError + 'static), hint: Option<&str>) -> String {
    let mut text = format!(
        "{} {}\n",
        paint(BAD, "error:"),
        indented(&error.to_string())
    );
    let mut cause = error.source();
    let mut last = error.to_string();
    while let Some(error) = cause {
        let said = error.to_string();
        // A transparent wrapper says what its cause says.
        if said != last {
            let _ = writeln!(text, "  because {}", indented(&said));
        }
        last = said;
        cause = error.source();
    }
    text + &hinted(hint)
}

/// Why there is no plan. What is there already and not ours is told by whose it is, which mostly is one lineage's.
pub fn refused(refusals: &[Refusal], hint: Option<&str>) -> String {
    let mut text = format!(
        "{} there is no plan, and nothing was changed\n",
        paint(BAD, "error:")
    );
    let mut foreign: BTreeMap<Option<&str>, Vec<(&str, String)>> = BTreeMap::new();
    for refusal in refusals {
        match refusal {
            Refusal::Foreign {
                address,
                kind,
                name,
                id,
                lineage,
            } => {
                let known_by = if id == name { "" } else { &format!(" ({id})") };
                let what = format!("{kind} `{name}`{known_by}");
                let theirs = foreign.entry(lineage.as_deref()).or_default();
                theirs.push((address.as_str(), what));
            }
            Refusal::OtherCluster { .. }
            | Refusal::OtherSort { .. }
            | Refusal::UnknownKind { .. }
            | Refusal::Ring(_) => {
                let _ = writeln!(text, "  {}", indented(&refusal.to_string()));
            }
        }
    }
    for (lineage, theirs) in foreign {
        let whose = match lineage {
            Some(lineage) => format!("belongs to another lineage ({lineage})"),
            None => "was not made by groundwork".to_owned(),
        };
        let _ = writeln!(
            text,
            "  names that the file asks for are taken by what {whose}:"
        );
        // One that stands alone takes no more room than the line that counts it.
        let named = match theirs.len() {
            all if all <= NAMED + 1 => all,
            _ => NAMED,
        };
        let (named, more) = theirs.split_at(named);
        let widths = named.iter().map(|(address, _)| address.len());
        let column = widths.max().unwrap_or(0);
        for (address, what) in named {
            let _ = writeln!(text, "    {address:<column$}  {what}");
        }
        if !more.is_empty() {
            let _ = writeln!(text, "    … and {} more", more.len());
        }
    }
    text + &hinted(hint)
}

fn hinted(hint: Option<&str>) -> String {
    let line = |hint| format!("{} {}\n", paint(STRONG, "hint:"), indented(hint));
    hint.map_or_else(String::new, line)
}

/// Lines after the first stand below it.
fn indented(text: &str) -> String {
    text.replace('\n', "\n  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{said}")]
    struct Failed {
        said: &'static str,
        source: Option<Box<Failed>>,
    }

    #[test]
    fn whose_things_are_is_said_once() {
        let foreign =
            |address: &str, name: &str, id: &str, lineage: Option<&str>| Refusal::Foreign {
                address: address.parse().expect("an address"),
                kind: address.split('.').next().expect("a word").to_owned(),
                name: name.to_owned(),
                id: id.to_owned(),
                lineage: lineage.map(str::to_owned),
            };
        let refusals = [
            foreign("cache.main", "cache", "cache", Some("1f0c")),
            foreign("network.vpc", "staging", "vpc-1", Some("1f0c")),
            foreign("iam.group.x", "x", "x", None),
        ];
        let text = refused(&refusals, Some("rename ours"));
        assert_eq!(
            anstream::adapter::strip_str(&text).to_string(),
            "error: there is no plan, and nothing was changed\n  \
             names that the file asks for are taken by what was not made by groundwork:\n    \
             iam.group.x  iam `x`\n  \
             names that the file asks for are taken by what belongs to another lineage (1f0c):\n    \
             cache.main   cache `cache`\n    \
             network.vpc  network `staging` (vpc-1)\n\
             hint: rename ours\n"
        );
    }

    #[test]
    fn of_many_taken_names_a_handful_is_told_and_the_rest_counted() {
        let refusals = |count: usize| {
            let foreign = (0..count).map(|number| Refusal::Foreign {
                address: format!("network.subnet.a{number}")
                    .parse()
                    .expect("an address"),
                kind: "network.subnet".to_owned(),
                name: "a".to_owned(),
                id: format!("subnet-{number}"),
                lineage: Some("1f0c".to_owned()),
            });
            refused(&foreign.collect::<Vec<_>>(), None)
        };
        let many = refusals(70);
        assert_eq!(many.lines().count(), 2 + NAMED + 1, "{many}");
        assert!(many.contains("… and 64 more"), "{many}");
        assert!(!refusals(NAMED + 1).contains("more"));
    }

    #[test]
    fn causes_stand_below_what_failed_and_none_is_said_twice() {
        let chain = |said, source: Option<Failed>| Failed {
            said,
            source: source.map(Box::new),
        };
        let inner = chain("the disk is full", None);
        let error = chain(
            "two\nlines",
            Some(chain("same", Some(chain("same", Some(inner))))),
        );
        let text = anstream::adapter::strip_str(&failure(&error, Some("buy a disk"))).to_string();
        assert_eq!(
            text,
            "error: two\n  lines\n  because same\n  because the disk is full\nhint: buy a disk\n"
        );
    }
}
