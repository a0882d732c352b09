//! How far a run is: what is left of its longest chain.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::format::{count, estimate, seconds_between};
use crate::address::Address;
use crate::event::Event;
use crate::plan::{Basis, Phase, Plan, Step, Verb, steps};

/// So many of what was not tried are named.
const NAMED: usize = 3;

/// The way ahead of a run, followed by its events.
#[derive(Default)]
pub struct Course {
    /// For each step, how many seconds the longest chain that begins with it is expected to take.
    chains: BTreeMap<Step, u64>,
    flying: BTreeMap<Address, Flight>,
    /// The replaced whose old one is gone: what comes next is the making of the new one.
    removed: Vec<Address>,
    /// What will not be tried in this run.
    skipped: Vec<Address>,
}

/// A step in flight.
struct Flight {
    since: Timestamp,
    expected: u64,
    chain: u64,
}

impl Course {
    /// The course of a run that carries out `plan`.
    pub fn of(plan: &Plan, basis: &Basis<'_>) -> Self {
        let graph = steps(plan, basis).ok();
        let chains = graph.and_then(|graph| graph.remaining(|step| plan.seconds(step)).ok());
        Self {
            // What can't be ordered is refused by the run itself.
            chains: chains.unwrap_or_default(),
            ..Self::default()
        }
    }

    /// Takes the event in, which happened `now`.
    pub fn follow(&mut self, event: &Event, now: Timestamp) {
        match event {
            Event::Started {
                address,
                verb,
                expected_seconds,
            } => {
                let phase = match verb {
                    Verb::Delete => Phase::Remove,
                    Verb::Replace if !self.removed.contains(address) => Phase::Remove,
                    _ => Phase::Make,
                };
                let step = Step {
                    phase,
                    address: address.clone(),
                };
                let chain = self.chains.get(&step).copied().unwrap_or(0);
                self.flying.insert(
                    address.clone(),
                    Flight {
                        since: now,
                        expected: *expected_seconds,
                        chain: chain.max(*expected_seconds),
                    },
                );
            }
            Event::Removed { address, .. } => {
                self.flying.remove(address);
                self.removed.push(address.clone());
            }
            Event::Finished { address, .. }
            | Event::Failed { address, .. }
            | Event::Left { address, .. } => {
                self.flying.remove(address);
            }
            Event::Skipped { address, .. } => self.skipped.push(address.clone()),
            Event::Began { .. }
            | Event::Waiting { .. }
            | Event::Stopping
            | Event::Smoke(_)
            | Event::Ended { .. } => {}
        }
    }

    /// What was not tried, once that is known: how much, and a few names.
    pub fn not_tried(&self) -> Option<String> {
        let (named, more) = self.skipped.split_at(self.skipped.len().min(NAMED));
        let named: Vec<&str> = named.iter().map(Address::as_str).collect();
        let number = count(self.skipped.len(), "action");
        match (named.is_empty(), more.len()) {
            (true, _) => None,
            (false, 0) => Some(format!("{number} not tried: {}", named.join(", "))),
            (false, more) => Some(format!(
                "{number} not tried: {} and {more} more",
                named.join(", ")
            )),
        }
    }

    /// How long the longest chain that is under way still takes: what is left of its step in flight, and all that
    /// waits for it. A step that takes longer than expected shortens nothing any more.
    pub fn left(&self, now: Timestamp) -> String {
        let left = self.flying.values().map(|flight| {
            let elapsed = seconds_between(flight.since, now);
            flight.chain - elapsed.min(flight.expected)
        });
        match left.max() {
            None | Some(0) => "finishing".to_owned(),
            Some(left) => format!("about {} left", estimate(left)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(seconds).expect("a moment")
    }

    fn address(text: &str) -> Address {
        text.parse().expect("an address")
    }

    fn started(name: &str, verb: Verb, expected_seconds: u64) -> Event {
        Event::Started {
            address: address(name),
            verb,
            expected_seconds,
        }
    }

    fn finished(name: &str, verb: Verb) -> Event {
        Event::Finished {
            address: address(name),
            verb,
            seconds: 1,
        }
    }

    fn course(chains: &[(Phase, &str, u64)]) -> Course {
        let chains = chains.iter().map(|(phase, name, chain)| {
            let step = Step {
                phase: *phase,
                address: address(name),
            };
            (step, *chain)
        });
        Course {
            chains: chains.collect(),
            ..Course::default()
        }
    }

    #[test]
    fn what_waits_for_a_late_step_is_still_to_come() {
        let mut course = course(&[
            (Phase::Make, "cluster.control-plane", 900),
            (Phase::Make, "network.vpc", 30),
        ]);
        course.follow(&started("cluster.control-plane", Verb::Create, 600), at(0));
        course.follow(&started("network.vpc", Verb::Create, 30), at(0));
        assert_eq!(course.left(at(60)), "about 14 min left");
        // Ten minutes late, and the five after it are not any shorter.
        assert_eq!(course.left(at(1_200)), "about 5 min left");
        course.follow(&finished("cluster.control-plane", Verb::Create), at(1_200));
        assert_eq!(course.left(at(1_200)), "finishing");
    }

    #[test]
    fn what_was_not_tried_is_counted_and_a_few_are_named() {
        let mut course = course(&[]);
        assert_eq!(course.not_tried(), None);
        let mut said = Vec::new();
        for name in ["a.a", "a.b", "a.c", "a.d"] {
            let skipped = Event::Skipped {
                address: address(name),
                verb: Verb::Create,
            };
            course.follow(&skipped, at(0));
            said.extend(course.not_tried());
        }
        assert_eq!(said[0], "1 action not tried: a.a");
        assert_eq!(said[3], "4 actions not tried: a.a, a.b, a.c and 1 more");
    }

    #[test]
    fn a_replacement_is_removed_and_then_made() {
        let name = "database.main.instance";
        let mut course = course(&[(Phase::Remove, name, 800), (Phase::Make, name, 500)]);
        course.follow(&started(name, Verb::Replace, 300), at(0));
        assert_eq!(course.left(at(0)), "about 14 min left");
        let removed = Event::Removed {
            address: address(name),
            seconds: 300,
        };
        course.follow(&removed, at(300));
        course.follow(&started(name, Verb::Replace, 500), at(300));
        assert_eq!(course.left(at(300)), "about 9 min left");
    }
}
