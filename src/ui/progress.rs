//! Progress: bars in a terminal, one line for each event elsewhere, JSON for machines.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressState, ProgressStyle};
use jiff::Timestamp;

use super::course::Course;
use super::format::{count, duration, estimate, seconds_between, squeeze};
use super::print::{print, tell};
use super::smoke::smoke;
use super::style::{BAD, CHANGE, FAINT, GOOD, paint, verb};
use crate::address::Address;
use crate::clock::Clock;
use crate::event::{Event, Listener};
use crate::plan::Verb;

/// How often the bars are drawn anew.
const TICK: Duration = Duration::from_millis(120);

/// How wide the column of ages is: `12 min 30 s of 15 min` and a little more.
const AGE: usize = 22;

/// What stands on the line of a resource in flight beside its address and its age: a spinner, a sign, the gaps, and
/// the cloud's own word for where it is.
const BESIDE: usize = 22;

/// One line for each event: what a CI log wants.
pub struct Lines {
    clock: Arc<dyn Clock>,
    begun: Timestamp,
    course: Mutex<Course>,
}

impl Lines {
    /// Lines with the cloud's time since now, about a run on `course`.
    pub fn new(clock: Arc<dyn Clock>, course: Course) -> Self {
        Self {
            begun: clock.now(),
            clock,
            course: Mutex::new(course),
        }
    }
}

impl Listener for Lines {
    fn hear(&self, event: &Event) {
        let now = self.clock.now();
        let mut course = lock(&self.course);
        course.follow(event, now);
        let not_tried = not_tried(&course, event);
        drop(course);
        let elapsed = seconds_between(self.begun, now);
        let time = paint(FAINT, format!("[{:>3}:{:02}]", elapsed / 60, elapsed % 60));
        for text in not_tried.into_iter().chain(line(event)) {
            // The run goes on when nobody can follow it any more.
            drop(print(format_args!("{time} {text}\n")));
        }
    }
}

/// One JSON object for each event.
pub struct JsonLines;

impl Listener for JsonLines {
    fn hear(&self, event: &Event) {
        // An event is a plain struct with text keys, which always serialises.
        if let Ok(text) = serde_json::to_string(event) {
            drop(print(format_args!("{text}\n")));
        }
    }
}

/// What is worth a line that stays. What is only forgotten takes no time and changes nothing.
fn line(event: &Event) -> Option<String> {
    Some(match event {
        Event::Began {
            operation,
            environment,
            actions,
            expected_seconds,
        } => {
            format!(
                "{operation} {environment}: {}, about {}",
                count(*actions, "action"),
                estimate(*expected_seconds)
            )
        }
        Event::Started {
            address,
            verb: doing,
            ..
        } => {
            let (sign, style, word) = verb(*doing);
            format!("{} {address}", paint(style, format!("{sign} {word}")))
        }
        Event::Waiting { address, state } => paint(FAINT, format!("  {address}: {state}")),
        Event::Removed { address, seconds } => format!(
            "{} {address} deleted {}, to be made again",
            paint(GOOD, "✓"),
            paint(FAINT, format!("in {}", duration(*seconds)))
        ),
        Event::Finished {
            verb: Verb::Forget, ..
        } => return None,
        Event::Finished {
            address,
            verb: doing,
            seconds,
        } => finished(address, *doing, *seconds),
        Event::Stopping => paint(
            CHANGE,
            "stopping: what is in flight has a moment to finish; a second signal ends at once",
        ),
        Event::Failed {
            address,
            causes,
            hint,
            ..
        } => failed(address, causes, hint.as_deref()),
        Event::Left {
            address,
            verb: doing,
        } => paint(
            CHANGE,
            format!("  {address} is left to the next run ({})", verb(*doing).2),
        ),
        // Said of all at once in the end.
        Event::Skipped { .. } => return None,
        Event::Smoke(test) => smoke(test),
        Event::Ended {
            operation,
            done,
            failed,
            left,
            skipped,
            seconds,
        } => {
            let rest = [
                (*failed, "failed"),
                (*left, "left to the next run"),
                (*skipped, "not tried"),
            ];
            let mut text = format!(
                "{operation}: {} done in {}",
                count(*done, "action"),
                duration(*seconds)
            );
            for (number, what) in rest.into_iter().filter(|(number, _)| *number > 0) {
                let _ = write!(text, ", {}", paint(BAD, format!("{number} {what}")));
            }
            text
        }
    })
}

/// What is said before the last word of a run of which not everything was tried.
fn not_tried(course: &Course, event: &Event) -> Option<String> {
    let ended = matches!(event, Event::Ended { .. });
    let said = ended.then(|| course.not_tried()).flatten()?;
    Some(paint(FAINT, format!("  {said}")))
}

fn finished(address: &Address, doing: Verb, seconds: u64) -> String {
    let word = match doing {
        Verb::Create => "created",
        Verb::Update => "updated",
        Verb::Replace => "replaced",
        Verb::Delete => "deleted",
        Verb::Adopt => "adopted",
        Verb::Forget => "forgotten",
        Verb::None => "tidied",
    };
    format!(
        "{} {address} {word} {}",
        paint(GOOD, "✓"),
        paint(FAINT, format!("in {}", duration(seconds)))
    )
}

fn failed(address: &Address, causes: &[String], hint: Option<&str>) -> String {
    let mut text = format!("{} {address}: {}", paint(BAD, "✗"), causes.join(": "));
    if let Some(hint) = hint {
        let _ = write!(text, "\n    {hint}");
    }
    text
}

/// What is behind the lock, also after a panic elsewhere: nothing here is ever half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One line for each resource in flight, finished ones above, and a bar for the whole below.
pub struct Bars {
    clock: Arc<dyn Clock>,
    colour: bool,
    columns: usize,
    course: Arc<Mutex<Course>>,
    screen: MultiProgress,
    drawn: Mutex<Drawn>,
}

/// What is on the screen.
#[derive(Default)]
struct Drawn {
    whole: Option<ProgressBar>,
    flying: BTreeMap<Address, ProgressBar>,
}

impl Bars {
    /// Bars for a run on `course` on standard error, which is a terminal of so many `columns`; `colour` tells whether
    /// it wants any.
    pub fn new(clock: Arc<dyn Clock>, course: Course, colour: bool, columns: usize) -> Self {
        Self {
            clock,
            colour,
            columns,
            course: Arc::new(Mutex::new(course)),
            screen: MultiProgress::with_draw_target(ProgressDrawTarget::stderr()),
            drawn: Mutex::default(),
        }
    }

    fn drawn(&self) -> MutexGuard<'_, Drawn> {
        lock(&self.drawn)
    }

    fn begin(&self, actions: usize) {
        let (clock, course) = (Arc::clone(&self.clock), Arc::clone(&self.course));
        let left = move |_: &ProgressState, out: &mut dyn Write| {
            // Writing to indicatif's own buffer does not fail.
            let _ = out.write_str(&lock(&course).left(clock.now()));
        };
        let template = self.template("{bar:30.green/dim} {pos}/{len}  {left}");
        let style = template.with_key("left", left).progress_chars("━╸─");
        let bar = ProgressBar::new(actions as u64).with_style(style);
        let bar = self.screen.add(bar);
        bar.enable_steady_tick(TICK);
        self.drawn().whole = Some(bar);
    }

    fn start(&self, address: &Address, doing: Verb, expected_seconds: u64) {
        let (clock, begun) = (Arc::clone(&self.clock), self.clock.now());
        let age = move |_: &ProgressState, out: &mut dyn Write| {
            let elapsed = duration(seconds_between(begun, clock.now()));
            let text = match expected_seconds {
                0..5 => elapsed,
                _ => format!("{elapsed} of {}", estimate(expected_seconds)),
            };
            let _ = out.write_str(&text);
        };
        let (sign, ..) = verb(doing);
        let column = self.columns.saturating_sub(AGE + BESIDE).clamp(16, 72);
        let template = format!(
            "  {{spinner:.cyan}} {sign} {{prefix:{column}}}  {{age:{AGE}.dim}}  {{wide_msg:.dim}}"
        );
        let bar = ProgressBar::new_spinner()
            .with_style(self.template(&template).with_key("age", age))
            .with_prefix(squeeze(address.as_str(), column));
        let mut drawn = self.drawn();
        let bar = match &drawn.whole {
            Some(whole) => self.screen.insert_before(whole, bar),
            None => self.screen.add(bar),
        };
        bar.enable_steady_tick(TICK);
        drawn.flying.insert(address.clone(), bar);
    }

    /// The styles of a template are left out where no colour is wanted.
    fn template(&self, template: &str) -> ProgressStyle {
        let plain = [".green/dim", ".cyan", ".dim"]
            .iter()
            .fold(template.to_owned(), |text, style| text.replace(style, ""));
        let template = if self.colour { template } else { &plain };
        ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar())
    }

    /// Takes the line of `address` away.
    fn land(&self, address: &Address) {
        if let Some(bar) = self.drawn().flying.remove(address) {
            bar.finish_and_clear();
            self.screen.remove(&bar);
        }
    }

    fn count(&self) {
        if let Some(whole) = &self.drawn().whole {
            whole.inc(1);
        }
    }

    /// Prints a line above the bars.
    fn say(&self, text: &str) {
        let text = if self.colour {
            text.to_owned()
        } else {
            anstream::adapter::strip_str(text).to_string()
        };
        // A terminal that went away is nobody to tell.
        let _ = self.screen.println(text);
    }
}

impl Listener for Bars {
    fn hear(&self, event: &Event) {
        let mut course = lock(&self.course);
        course.follow(event, self.clock.now());
        let not_tried = not_tried(&course, event);
        // Whoever draws a bar wants it as well.
        drop(course);
        match event {
            Event::Began { actions, .. } => return self.begin(*actions),
            Event::Started {
                address,
                verb,
                expected_seconds,
            } => return self.start(address, *verb, *expected_seconds),
            Event::Waiting { address, state } => {
                if let Some(bar) = self.drawn().flying.get(address) {
                    bar.set_message(state.clone());
                }
                return;
            }
            Event::Removed { address, .. } | Event::Left { address, .. } => self.land(address),
            Event::Finished {
                verb: Verb::Forget, ..
            } => {}
            Event::Finished { address, .. } | Event::Failed { address, .. } => {
                self.land(address);
                self.count();
            }
            Event::Ended { .. } => {
                if let Some(whole) = self.drawn().whole.take() {
                    whole.finish_and_clear();
                }
                if let Some(text) = not_tried {
                    tell(format_args!("{text}\n"));
                }
                // With the bars gone this leaves the cursor where the next line begins.
                if let Some(text) = line(event) {
                    tell(format_args!("{text}\n"));
                }
                return;
            }
            Event::Skipped { .. } | Event::Stopping | Event::Smoke(_) => {}
        }
        if let Some(text) = line(event) {
            self.say(&text);
        }
    }
}
