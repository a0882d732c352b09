//! Smoke tests as people read them.

use super::format::duration;
use super::style::{BAD, CHANGE, FAINT, GOOD, paint};
use crate::event::{SmokeResult, SmokeTest};

/// One smoke test: what was asked and answered, and what to look at.
pub fn smoke(test: &SmokeTest) -> String {
    let SmokeTest {
        url,
        wanted,
        not_synced,
        ..
    } = test;
    let answered = test.answered.as_deref().unwrap_or("nothing");
    let time = duration(test.seconds);
    let told = match test.result {
        SmokeResult::Passed => {
            let time = paint(FAINT, format!("after {time}"));
            format!("{} {url} answered {answered} {time}", paint(GOOD, "✓"))
        }
        SmokeResult::NotSynced => format!(
            "{} {url} was not asked: nobody has synced {}",
            paint(CHANGE, "-"),
            not_synced.join(", ")
        ),
        SmokeResult::Failed => format!(
            "{} {url} answered {answered} where {wanted} is expected, after {time}",
            paint(BAD, "✗")
        ),
        SmokeResult::Stopped => format!(
            "{} {url} was left when it had answered {answered}, not yet {wanted}",
            paint(CHANGE, "-")
        ),
    };
    let hint = test.hint.iter().map(|hint| format!("\n    {hint}"));
    hint.fold(told, |text, hint| text + &hint)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(result: SmokeResult) -> String {
        let test = SmokeTest {
            url: "http://flightsvc.com/flights".to_owned(),
            result,
            wanted: "200".to_owned(),
            answered: Some("404 (404 page not found)".to_owned()),
            not_synced: vec!["flight-info".to_owned()],
            hint: Some("look there".to_owned()),
            seconds: 300,
        };
        anstream::adapter::strip_str(&smoke(&test)).to_string()
    }

    #[test]
    fn what_was_asked_and_answered_is_told_and_where_to_look() {
        assert_eq!(
            told(SmokeResult::Failed),
            "✗ http://flightsvc.com/flights answered 404 (404 page not found) where 200 is expected, after 5 min\n    look there"
        );
        assert_eq!(
            told(SmokeResult::NotSynced),
            "- http://flightsvc.com/flights was not asked: nobody has synced flight-info\n    look there"
        );
    }
}
