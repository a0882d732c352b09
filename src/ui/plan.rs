//! A plan as text: the summary first, then one line for each action with its reason.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use anstyle::Style;
use serde_json::{Map, Value};

use super::format::{count, estimate, wrap};
use super::style::{BAD, FAINT, STRONG, paint, verb};
use crate::plan::{Action, After, Danger, FieldChange, Goal, Plan, Verb};
use crate::resources::kinds;

/// How wide the column of durations is.
const TIME: usize = 6;

/// How many of a kind are too many to tell one by one.
const MANY: usize = 4;

/// How far in stands what belongs to an action.
const INDENT: usize = 6;

/// What the sandbox has instead of something that it can't fetch.
pub fn stand_in(name: &str) -> String {
    let text = format!("A stand-in takes the place of {name}: its objects without their programs.");
    format!("{}\n", paint(FAINT, text))
}

/// The plan for a terminal of `width` columns.
pub fn plan(plan: &Plan, width: usize) -> String {
    let mut text = String::new();
    let mut actions: Vec<&Action> = plan.work().collect();
    if actions.is_empty() {
        let nothing = match plan.goal {
            Goal::Apply => "is as its file says: nothing to do",
            Goal::Destroy => "does not exist: nothing to destroy",
        };
        return format!("{} {nothing}.\n", paint(STRONG, &plan.environment));
    }
    // In the order of the file's sections, which is roughly that of the work.
    let rank = |action: &Action| kinds().iter().position(|kind| kind.name() == action.kind);
    actions.sort_by_key(|action| (rank(action), &action.address));
    let folded = folded(plan.goal, &mut actions);
    let shared = shared_reason(&actions);
    summary(&mut text, plan, shared);
    let column = actions
        .iter()
        .map(|action| action.address.as_str().len())
        .max()
        .unwrap_or(0);
    for action in actions {
        line(&mut text, action, column.min(width * 3 / 5), width, shared);
    }
    for (reason, number) in folded {
        let (sign, style, word) = verb(Verb::Forget);
        let doing = paint(style, format!("{sign} {word:<7}"));
        let why = paint(FAINT, format!("each because {reason}"));
        let these = count(number, "resource");
        let _ = writeln!(text, "  {doing} {:TIME$} {these}, {why}", "");
    }
    text
}

/// Takes out what a teardown only forgets, where many go for one reason, and counts it by that reason: nobody loses
/// anything by it.
fn folded(goal: Goal, actions: &mut Vec<&Action>) -> BTreeMap<String, usize> {
    let mut forgets: BTreeMap<String, usize> = BTreeMap::new();
    let forgotten = |action: &&Action| goal == Goal::Destroy && action.verb == Verb::Forget;
    for action in actions.iter().copied().filter(forgotten) {
        *forgets.entry(action.reason.clone()).or_insert(0) += 1;
    }
    forgets.retain(|_, number| *number >= MANY);
    actions.retain(|action| !(forgotten(action) && forgets.contains_key(&action.reason)));
    forgets
}

/// The reason that most actions have, if repeating it on each line would only be noise.
fn shared_reason<'a>(actions: &[&'a Action]) -> Option<&'a str> {
    let mut times: BTreeMap<&str, usize> = BTreeMap::new();
    for action in actions {
        *times.entry(&action.reason).or_insert(0) += 1;
    }
    let (reason, times) = times.into_iter().max_by_key(|(_, times)| *times)?;
    (times >= MANY && times * 2 > actions.len()).then_some(reason)
}

/// How many actions of each sort there are: `2 to create, 1 to replace`.
pub fn tally(plan: &Plan) -> String {
    let counts = plan.counts();
    let of = |wanted: Verb| counts.get(&wanted).copied().unwrap_or(0);
    let named = [
        Verb::Create,
        Verb::Update,
        Verb::Replace,
        Verb::Delete,
        Verb::Adopt,
        Verb::Forget,
    ];
    let parts: Vec<String> = named
        .into_iter()
        .filter(|wanted| of(*wanted) > 0)
        .map(|wanted| {
            let (_, style, word) = verb(wanted);
            paint(style, format!("{} to {word}", of(wanted)))
        })
        .collect();
    parts.join(", ")
}

fn summary(text: &mut String, plan: &Plan, shared: Option<&str>) {
    let head = match plan.goal {
        Goal::Apply => format!("Plan for {}", plan.environment),
        Goal::Destroy => format!("Plan to destroy {}", plan.environment),
    };
    let _ = writeln!(
        text,
        "{}: {}, about {}",
        paint(STRONG, head),
        tally(plan),
        estimate(plan.expected_seconds)
    );
    let lost = plan
        .work()
        .filter(|action| action.danger == Some(Danger::LosesData))
        .count();
    if lost > 0 {
        let _ = writeln!(
            text,
            "{}",
            paint(
                BAD,
                format!("! the data in {} will be lost", count(lost, "resource"))
            )
        );
    }
    if let Some(reason) = shared {
        let _ = writeln!(
            text,
            "{}",
            paint(FAINT, format!("Where no other reason stands: {reason}."))
        );
    }
    text.push('\n');
}

fn line(text: &mut String, action: &Action, column: usize, width: usize, shared: Option<&str>) {
    let (sign, style, word) = verb(action.verb);
    let doing = paint(style, format!("{sign} {word:<7}"));
    let (address, time) = (&action.address, time(action.expected_seconds));
    let (mark, reason) = why(action, shared);
    let head = format!(
        "  {doing} {} {address}",
        paint(FAINT, format!("{time:>TIME$}"))
    );
    let used = 12 + TIME + 1 + address.as_str().len().max(column) + 2;
    let fits = used + mark.chars().count() + reason.chars().count() <= width;
    let _ = if fits && !(mark.is_empty() && reason.is_empty()) {
        let padding = column.saturating_sub(address.as_str().len());
        let (mark, reason) = (paint(BAD, &mark), paint(FAINT, &reason));
        writeln!(text, "{head}{:padding$}  {mark}{reason}", "")
    } else {
        writeln!(text, "{head}")
    };
    if !fits {
        let style = if mark.is_empty() { FAINT } else { BAD };
        below(text, &format!("{mark}{reason}"), width, style);
    }
    for difference in action.changes.iter().flat_map(differences) {
        below(text, &difference, width, Style::new());
    }
}

/// How long an action takes, if it is worth telling.
fn time(seconds: u64) -> String {
    match seconds {
        0..120 => String::new(),
        120..3_600 => format!("{} min", seconds.div_ceil(60)),
        _ => format!("{} h", seconds.div_ceil(3_600)),
    }
}

/// What there is to say about an action: a warning, and its reason unless that was said above.
fn why(action: &Action, shared: Option<&str>) -> (String, String) {
    let mark = match action.danger {
        Some(Danger::LosesData) => "! loses its data; ",
        Some(Danger::TakesOthers) => "! takes along what others made; ",
        Some(Danger::Disrupts) => "! disrupts; ",
        None => "",
    };
    let mut said = Vec::new();
    if !mark.is_empty() || shared != Some(&action.reason) {
        said.push(action.reason.clone());
    }
    if !action.surplus.is_empty() {
        said.push(format!("made twice: {} goes", action.surplus.join(", ")));
    }
    said.retain(|part| !part.is_empty());
    (mark.to_owned(), said.join("; "))
}

/// Lines of their own, below that of their action.
fn below(text: &mut String, part: &str, width: usize, style: Style) {
    for line in wrap(part, width.saturating_sub(INDENT)) {
        let _ = writeln!(text, "{:INDENT$}{}", "", paint(style, line));
    }
}

/// What changes in one field, a line for each part of it that does. Which field forces a replacement, and which
/// changed behind our back, is in the reason already.
fn differences(change: &FieldChange) -> Vec<String> {
    match &change.after {
        After::Value(after) => parts(&change.field, &change.before, after),
        // What becomes of a part of it is not known, so that showing all its parts says nothing.
        After::KnownAfterApply => {
            let before = match &change.before {
                Value::Object(_) | Value::Array(_) => String::new(),
                before => format!("{} → ", shown(before)),
            };
            vec![format!("{}: {before}(known after apply)", change.field)]
        }
    }
}

fn parts(field: &str, before: &Value, after: &Value) -> Vec<String> {
    match (before, after) {
        (Value::Object(old), Value::Object(new)) => {
            let keys: BTreeSet<&String> = old.keys().chain(new.keys()).collect();
            let part = |key: &String| {
                let of = |all: &Map<String, Value>| all.get(key).cloned().unwrap_or_default();
                (of(old) != of(new)).then(|| parts(&format!("{field}.{key}"), &of(old), &of(new)))
            };
            keys.into_iter().filter_map(part).flatten().collect()
        }
        (Value::Array(old), Value::Array(new)) if old.len().max(new.len()) > 1 => {
            let only = |these: &[Value], others: &[Value], sign: &str| -> Vec<String> {
                let only = these.iter().filter(|one| !others.contains(one));
                only.map(|one| format!("{field}: {sign} {}", shown(one)))
                    .collect()
            };
            [only(old, new, "-"), only(new, old, "+")].concat()
        }
        _ => vec![format!("{field}: {} → {}", shown(before), shown(after))],
    }
}

fn shown(value: &Value) -> String {
    let listed = |parts: Vec<String>| match parts.len() {
        0 => "(none)".to_owned(),
        _ => parts.join(", "),
    };
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::Array(elements) => listed(elements.iter().map(shown).collect()),
        Value::Object(fields) => listed(
            fields
                .iter()
                .map(|(key, value)| format!("{key} {}", shown(value)))
                .collect(),
        ),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn of_what_is_partly_unknown_no_part_is_told() {
        let change = |before| FieldChange {
            field: "data".to_owned(),
            before,
            after: After::KnownAfterApply,
            forces_replacement: false,
            drift: false,
        };
        let told = |before| differences(&change(before));
        assert_eq!(told(json!("a")), ["data: a → (known after apply)"]);
        let parts = json!({"host": "a", "user": "b"});
        assert_eq!(told(parts), ["data: (known after apply)"]);
    }
}
