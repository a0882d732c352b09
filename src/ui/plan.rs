//! A plan as text: the summary first, then one line for each action with its reason.

use std::fmt::Write;

use serde_json::Value;

use super::format::{count, cut, estimate};
use super::style::{BAD, FAINT, STRONG, paint, verb};
use crate::plan::{Action, After, Danger, FieldChange, Goal, Plan, Verb};
use crate::resources::kinds;

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
    summary(&mut text, plan);
    let column = actions
        .iter()
        .map(|action| action.address.as_str().len())
        .max()
        .unwrap_or(0);
    for action in actions {
        line(&mut text, action, column.min(width / 2), width);
    }
    text
}

fn summary(text: &mut String, plan: &Plan) {
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
    let head = match plan.goal {
        Goal::Apply => format!("Plan for {}", plan.environment),
        Goal::Destroy => format!("Plan to destroy {}", plan.environment),
    };
    let _ = writeln!(
        text,
        "{}: {}, about {}",
        paint(STRONG, head),
        parts.join(", "),
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
    text.push('\n');
}

fn line(text: &mut String, action: &Action, column: usize, width: usize) {
    let (sign, style, word) = verb(action.verb);
    let mark = match action.danger {
        Some(Danger::LosesData) => paint(BAD, "! loses its data; "),
        Some(Danger::Disrupts) => paint(BAD, "! disrupts; "),
        None => String::new(),
    };
    let head = format!(
        "  {} {:<column$}",
        paint(style, format!("{sign} {word:<7}")),
        action.address
    );
    let used = 2 + 9 + 1 + action.address.as_str().len().max(column);
    let reason = if action.surplus.is_empty() {
        action.reason.clone()
    } else {
        format!(
            "{} made twice: {} goes",
            action.reason,
            action.surplus.join(", ")
        )
    };
    if used + 2 + reason.chars().count() + mark.chars().count().min(18) <= width {
        let _ = writeln!(text, "{head}  {mark}{}", paint(FAINT, reason));
    } else {
        let _ = writeln!(
            text,
            "{}\n      {mark}{}",
            head.trim_end(),
            paint(FAINT, cut(&reason, width.saturating_sub(6)))
        );
    }
    for change in &action.changes {
        let _ = writeln!(
            text,
            "      {}",
            cut(&difference(change), width.saturating_sub(6))
        );
    }
}

fn difference(change: &FieldChange) -> String {
    let after = match &change.after {
        After::Value(value) => shown(value),
        After::KnownAfterApply => "(known after apply)".to_owned(),
    };
    let forces = if change.forces_replacement {
        " (forces replacement)"
    } else {
        ""
    };
    let drift = if change.drift {
        " (changed behind our back)"
    } else {
        ""
    };
    format!(
        "{}: {} → {after}{forces}{drift}",
        change.field,
        shown(&change.before)
    )
}

fn shown(value: &Value) -> String {
    match value {
        Value::Null => "(none)".to_owned(),
        Value::String(text) => text.clone(),
        Value::Bool(_) | Value::Number(_) | Value::Array(_) | Value::Object(_) => value.to_string(),
    }
}
