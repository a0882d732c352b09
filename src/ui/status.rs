//! Status and outputs as tables.

use std::collections::BTreeMap;
use std::fmt::Write;

use super::format::{count, cut, duration};
use super::style::{BAD, CHANGE, FAINT, GOOD, STRONG, paint};
use crate::ops::{Remains, ResourceStatus, Status};
use crate::resources::Outputs;

/// How wide the column of ages is.
const AGE: usize = 5;

/// What stands on a line beside its address: a short state, an age and the id of most resources.
const BESIDE: usize = 36;

/// The least of an id that is worth showing.
const ID: usize = 8;

/// The status for a terminal of `width` columns; nothing is cut where there is none.
pub fn status(status: &Status, width: Option<usize>) -> String {
    let mut text = String::new();
    let Status {
        environment,
        provider,
        account,
        region,
        ..
    } = status;
    let _ = writeln!(
        text,
        "{} on {provider}, account {account}, {region}",
        paint(STRONG, environment)
    );
    if was_never_applied(status) {
        let _ = writeln!(text, "never applied");
    } else {
        expiry(&mut text, status);
    }
    if status.protected {
        let _ = writeln!(text, "protected: destroy refuses");
    }
    if let Some(run) = &status.last_run {
        let how = if run.complete {
            "complete"
        } else {
            "incomplete: run it again"
        };
        let _ = writeln!(text, "last run: {} at {:.0}, {how}", run.operation, run.at);
    }
    if let Some(host) = &status.ingress {
        let _ = writeln!(text, "ingress: {host}");
    }
    match (&status.running, status.unfinished) {
        (Some(holder), _) => {
            let _ = writeln!(text, "at work: {holder}");
        }
        (None, 0) => {}
        (None, open) => {
            let open = count(open, "action");
            let _ = writeln!(
                text,
                "a run did not end, with {open} unfinished: run it again"
            );
        }
    }
    if status.resources.is_empty() {
        text.push_str("nothing exists and nothing is asked for\n");
        return text;
    }
    table(&mut text, &status.resources, width);
    let ready = status
        .resources
        .iter()
        .filter(|resource| resource.state == "ready")
        .count();
    let _ = writeln!(
        text,
        "\n{} of {} ready",
        ready,
        count(status.resources.len(), "resource")
    );
    text
}

/// Whether no run ever touched anything: none ended, and none left anything behind.
fn was_never_applied(status: &Status) -> bool {
    let mut resources = status.resources.iter();
    status.last_run.is_none()
        && resources.all(|resource| resource.id.is_none() && resource.age_seconds.is_none())
}

fn expiry(text: &mut String, status: &Status) {
    let (Some(moment), Some(left)) = (&status.expires, status.expires_in_seconds) else {
        return;
    };
    let time = duration(left.unsigned_abs());
    let said = if left >= 0 {
        format!("expires in {time} ({moment})")
    } else {
        paint(BAD, format!("expired {time} ago ({moment})"))
    };
    let _ = writeln!(text, "{said}");
}

/// One line for each resource. Its address is always whole, its id as far as there is room.
fn table(text: &mut String, resources: &[ResourceStatus], width: Option<usize>) {
    let widest = |cell: fn(&ResourceStatus) -> &str, least: usize| {
        let widths = resources.iter().map(|one| cell(one).chars().count());
        widths.max().unwrap_or(0).max(least)
    };
    let mut address = widest(|one| one.address.as_str(), 7);
    let mut state = widest(|one| &one.state, 5);
    if let Some(width) = width {
        // One that is longer pushes its own line only.
        address = address.min(width.saturating_sub(BESIDE));
        state = state.min(20);
    }
    let head = format!(
        "{:<address$}  {:<state$}  {:<AGE$}  ID",
        "ADDRESS", "STATE", "AGE"
    );
    let _ = writeln!(text, "\n{}", paint(FAINT, head));
    for resource in resources {
        let style = match resource.state.as_str() {
            "ready" => GOOD,
            "absent" | "not in the file" => FAINT,
            state if state.starts_with("failed") => BAD,
            _ => CHANGE,
        };
        let age = resource
            .age_seconds
            .map_or_else(|| "-".to_owned(), short_age);
        let word = paint(style, format!("{:<state$}", cut(&resource.state, state)));
        let name = resource.address.as_str();
        let mut id = resource.id.as_deref().unwrap_or("-").to_owned();
        if let Some(width) = width {
            let used = name.chars().count().max(address) + state + AGE + 6;
            let room = width.saturating_sub(used);
            id = if room < ID.min(id.chars().count()) {
                String::new()
            } else {
                cut(&id, room)
            };
        }
        let line = format!("{name:<address$}  {word}  {age:<AGE$}  {id}");
        let _ = writeln!(text, "{}", line.trim_end());
    }
}

/// An age in one unit, as `kubectl` shows it.
fn short_age(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds}s"),
        120..7_200 => format!("{}m", seconds / 60),
        7_200..172_800 => format!("{}h", seconds / 3_600),
        _ => format!("{}d", seconds / 86_400),
    }
}

/// What the environment gives, one line each.
///
/// On a terminal of `width` columns a long value stands on a line of its own, whole, so that it can be copied.
pub fn outputs(outputs: &Outputs, width: Option<usize>) -> String {
    let column = outputs.keys().map(String::len).max().unwrap_or(0);
    let line = |mut text: String, (name, value): (&String, &String)| {
        let fits = width.is_none_or(|width| 4 + column + value.chars().count() <= width);
        let _ = if fits {
            writeln!(
                text,
                "  {}  {value}",
                paint(STRONG, format!("{name:<column$}"))
            )
        } else {
            writeln!(text, "  {}\n    {value}", paint(STRONG, name))
        };
        text
    };
    outputs.iter().fold(String::new(), line)
}

/// What the last look after a teardown found.
pub fn remains(environment: &str, remains: &[Remains]) -> String {
    if remains.is_empty() {
        return format!("{} nothing of {environment} is left\n", paint(GOOD, "✓"));
    }
    let mut text = format!(
        "{}\n",
        paint(
            BAD,
            format!("still there: {}", count(remains.len(), "resource"))
        )
    );
    let mut found: BTreeMap<&str, Vec<&Remains>> = BTreeMap::new();
    for remains in remains {
        found.entry(remains.found_by).or_default().push(remains);
    }
    for (found_by, these) in found {
        let _ = writeln!(text, "  found by {found_by}:");
        let widest = |cell: fn(&Remains) -> &str| {
            let widths = these.iter().map(|remains| cell(remains).chars().count());
            widths.max().unwrap_or(0)
        };
        let kinds = widest(|remains| &remains.kind);
        // An ARN would push the other names out of sight.
        let ids = widest(|remains| &remains.id).min(24);
        for Remains { kind, id, name, .. } in these {
            let name = if name == id { "" } else { name };
            let line = format!("    {kind:<kinds$}  {id:<ids$}  {name}");
            let _ = writeln!(text, "{}", line.trim_end());
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::address::Address;
    use crate::state::Holder;

    const ARN: &str = "arn:aws:eks:us-east-1:123456789012:nodegroup/staging/general/0001";

    fn with(address: &str, id: Option<&str>) -> Status {
        Status {
            environment: "staging".to_owned(),
            provider: "sandbox".to_owned(),
            account: "123456789012".to_owned(),
            region: "us-east-1".to_owned(),
            expires: Some("2026-01-01T08:00:00Z".to_owned()),
            expires_in_seconds: Some(28_800),
            protected: false,
            last_run: None,
            ingress: None,
            running: None,
            unfinished: 0,
            resources: vec![ResourceStatus {
                address: address.parse::<Address>().expect("an address"),
                kind: "cluster.node-group".to_owned(),
                id: id.map(str::to_owned),
                state: "ready".to_owned(),
                age_seconds: id.map(|_| 60),
            }],
        }
    }

    fn shown(status: &Status, width: Option<usize>) -> String {
        anstream::adapter::strip_str(&super::status(status, width)).to_string()
    }

    #[test]
    fn a_pipe_gets_every_cell_whole() {
        let long = format!("bootstrap.agent.{}", "long-".repeat(30) + "name");
        let text = shown(&with(&long, Some(ARN)), None);
        let whole = format!("{long}  ready  60s    {ARN}\n");
        assert!(text.contains(&whole), "{text}");
    }

    #[test]
    fn on_a_terminal_the_address_wins_over_the_id() {
        let long = "bootstrap.agent.customresourcedefinition.applicationsets.example";
        let text = shown(&with(long, Some(ARN)), Some(80));
        assert!(text.contains(&format!("{long}  ready  60s\n")), "{text}");
        let text = shown(&with("cluster.node-group.general", Some(ARN)), Some(80));
        let line = text.lines().find(|line| line.contains("60s")).expect("it");
        assert!(line.chars().count() == 80 && line.ends_with('…'), "{text}");
    }

    #[test]
    fn who_is_at_work_is_told_and_what_was_left_undone() {
        let mut status = with("network.vpc", Some("vpc-1"));
        status.unfinished = 2;
        let left = shown(&status, Some(80));
        assert!(
            left.contains("\na run did not end, with 2 actions unfinished: run it again\n"),
            "{left}"
        );
        status.running = Some(Holder {
            pid: 42,
            machine: None,
            operation: "destroy".to_owned(),
            since: jiff::Timestamp::UNIX_EPOCH,
        });
        let busy = shown(&status, Some(80));
        let who = "\nat work: process 42 has been running `destroy` since 1970-01-01T00:00:00Z\n";
        assert!(busy.contains(who) && !busy.contains("unfinished"), "{busy}");
    }

    #[test]
    fn what_was_never_applied_does_not_expire() {
        let never = shown(&with("network.vpc", None), Some(80));
        assert!(never.contains("\nnever applied\n"), "{never}");
        assert!(!never.contains("expires"), "{never}");
        let cut_off = shown(&with("network.vpc", Some("vpc-1")), Some(80));
        assert!(cut_off.contains("expires in 8 h ("), "{cut_off}");
    }
}
