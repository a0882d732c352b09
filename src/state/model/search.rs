//! The search through every order of things, as far as its bounds go.
//!
//! A run goes on until it waits, and time goes on once every run waits for it: whoever is slower than that is stopped, like
//! a process by SIGSTOP, or has one gate delayed, like a request on a slow network. The search stops and delays wherever
//! that can be done, as often as its bounds allow. A process that is stopped for good is dead, and what it had sent may
//! still arrive. What a run has seen decides what it does next, so that of two ways to the same sights only one is
//! followed; and what concerns one run alone happens before anything else, as no other can tell.

use std::collections::HashSet;
use std::collections::hash_map::DefaultHasher;
use std::future::Future;
use std::hash::{Hash, Hasher};
use std::io::Write;
use std::pin::Pin;
use std::task::{Context, Waker};
use std::time::Duration;

use super::{Fate, Gate, Point, Shared, locked};
use crate::state::Fence;

/// One thing that may happen next.
#[derive(Clone, Copy, Debug)]
enum Choice {
    Open(usize, Fate),
    Delay(usize),
    Stop(usize),
    Resume(usize),
    Die(usize),
    Tick,
}

/// How far the search goes.
#[derive(Clone, Copy)]
pub(super) struct Bounds {
    pub(super) tick: Duration,
    pub(super) until: Duration,
    pub(super) most: Mischief,
}

/// How often something goes wrong.
#[derive(Clone, Copy, Default, Hash)]
pub(super) struct Mischief {
    /// Writes or their answers that are lost.
    pub(super) losses: usize,
    pub(super) delays: usize,
    pub(super) stops: usize,
    /// Where a run that dies is more than one that is stopped for good.
    pub(super) deaths: usize,
}

pub(super) type Process = Pin<Box<dyn Future<Output = ()>>>;

/// All runs, at some point of one order of things.
pub(super) struct Play {
    world: Shared,
    processes: Vec<Option<Process>>,
    bounds: Bounds,
    spent: Mischief,
    stopped: Vec<bool>,
    /// Which runs took the last step: only there they are stopped or die, which is as good as later.
    fresh: Vec<bool>,
    /// Which run goes on until it waits.
    current: Option<usize>,
    /// A run that begins only once the others have ended.
    later: usize,
    /// Whatever else the world consists of, as text.
    rest: Box<dyn Fn() -> String>,
}

impl Play {
    /// `processes` in `world`, of which the last begins only when the others have come to their end.
    pub(super) fn new(
        world: Shared,
        processes: Vec<Process>,
        bounds: Bounds,
        rest: impl Fn() -> String + 'static,
    ) -> Self {
        let mut play = Self {
            world,
            stopped: vec![false; processes.len()],
            later: processes.len() - 1,
            bounds,
            spent: Mischief::default(),
            fresh: vec![true; processes.len()],
            processes: processes.into_iter().map(Some).collect(),
            current: None,
            rest: Box::new(rest),
        };
        for run in 0..play.later {
            play.poll(run);
        }
        play
    }

    /// Kills a run, if it still lives.
    pub(super) fn kill(&mut self, run: usize) {
        self.processes[run] = None;
    }

    fn choices(&self) -> Vec<Choice> {
        let world = locked(&self.world);
        let (spent, most) = (self.spent, self.bounds.most);
        let mut choices = Vec::new();
        let mut private = None;
        let mut others = Vec::new();
        let mut goes_on = false;
        for (number, gate) in world.gates.iter().enumerate() {
            let Some(Gate {
                run,
                point,
                delayed,
                ..
            }) = gate
            else {
                continue;
            };
            let waits = matches!(point, Point::Wake(at) if *at > world.now);
            let held = self.stopped[*run] && *point != Point::Effect;
            if *run == self.later || waits || held {
                continue;
            }
            let moves = !delayed && !self.stopped[*run];
            let mut ways = vec![Choice::Open(number, Fate::Passes)];
            if moves && spent.losses < most.losses && point.may_be_lost() {
                ways.push(Choice::Open(number, Fate::IsLost));
            }
            if moves && spent.delays < most.delays && !matches!(point, Point::Wake(_)) {
                ways.push(Choice::Delay(number));
            }
            let is_private = !matches!(point, Point::Look | Point::Effect);
            match (moves, self.current == Some(*run)) {
                (true, _) if is_private => private = private.or(Some(ways)),
                (true, false) => others.extend(ways),
                (true, true) | (false, _) => choices.extend(ways),
            }
            goes_on |= moves && self.current == Some(*run);
        }
        let is_quiet = !goes_on && others.is_empty() && private.is_none();
        if !goes_on {
            choices.extend(others);
        }
        let runs = (0..self.later).filter(|run| self.processes[*run].is_some());
        let (stopped, going): (Vec<usize>, Vec<usize>) = runs.partition(|run| self.stopped[*run]);
        match private {
            Some(ways) => choices = ways,
            None => choices.extend(stopped.into_iter().map(Choice::Resume)),
        }
        let lives = self.processes[..self.later].iter().any(Option::is_some);
        if is_quiet && lives && world.now < self.bounds.until {
            choices.push(Choice::Tick);
        }
        for run in going {
            if self.fresh[run] {
                let may_stop = spent.stops < most.stops;
                choices.extend(may_stop.then_some(Choice::Stop(run)));
                let may_die = spent.deaths < most.deaths;
                choices.extend(may_die.then_some(Choice::Die(run)));
            }
        }
        choices
    }

    fn make(&mut self, choice: Choice) {
        match choice {
            Choice::Tick => locked(&self.world).now += self.bounds.tick,
            Choice::Die(run) => {
                self.spent.deaths += 1;
                self.kill(run);
            }
            Choice::Stop(run) => {
                self.spent.stops += 1;
                self.stopped[run] = true;
                self.fresh[run] = false;
            }
            Choice::Resume(run) => {
                self.current = Some(run);
                self.stopped[run] = false;
                self.fresh.fill(false);
            }
            Choice::Delay(number) => {
                self.spent.delays += 1;
                let mut world = locked(&self.world);
                let gate = world.gates[number].as_mut().expect("a gate that is there");
                gate.delayed = true;
            }
            Choice::Open(number, fate) => {
                self.spent.losses += usize::from(fate == Fate::IsLost);
                let mut world = locked(&self.world);
                let gate = world.gates[number].as_mut().expect("a gate that is there");
                gate.fate = Some(fate);
                let run = gate.run;
                drop(world);
                self.fresh.fill(false);
                self.fresh[run] = true;
                self.current = Some(run);
                // One that is stopped comes no further than to the next gate, behind what takes effect.
                self.poll(run);
            }
        }
        self.check();
    }

    fn poll(&mut self, run: usize) {
        if let Some(process) = &mut self.processes[run] {
            let ready = process
                .as_mut()
                .poll(&mut Context::from_waker(Waker::noop()));
            if ready.is_ready() {
                self.processes[run] = None;
                let mut world = locked(&self.world);
                world.runs[run].ended = true;
                world.runs[run].holds = None;
            }
        }
    }

    /// Never two that may change something.
    fn check(&self) {
        let holders: Vec<(usize, Fence)> = {
            let world = locked(&self.world);
            let runs = world.runs.iter().enumerate();
            let holding = runs.filter(|(run, at)| {
                at.holds.is_some() && !at.ended && self.processes[*run].is_some()
            });
            holding.map(|(run, at)| (run, at.fence.clone())).collect()
        };
        locked(&self.world).is_judged = true;
        let holders = holders.iter().filter(|(_, fence)| fence.check().is_ok());
        let holders: Vec<usize> = holders.map(|(run, _)| *run).collect();
        locked(&self.world).is_judged = false;
        if holders.len() > 1 {
            locked(&self.world).broken = Some(format!("{holders:?} may change something at once"));
        }
    }

    /// What there is, and what each run has seen of it.
    fn fingerprint(&self) -> u64 {
        let mut all = DefaultHasher::new();
        let world = locked(&self.world);
        (
            world.now,
            self.spent,
            &self.stopped,
            &self.fresh,
            self.current,
        )
            .hash(&mut all);
        for (run, at) in world.runs.iter().enumerate() {
            (at.seen.finish(), at.changing, self.processes[run].is_some()).hash(&mut all);
        }
        for gate in world.gates.iter().flatten() {
            (gate.run, gate.point, gate.delayed).hash(&mut all);
        }
        drop(world);
        (self.rest)().hash(&mut all);
        all.finish()
    }

    /// Lets one run go on alone, with time passing whenever it waits, until it has ended.
    pub(super) fn alone(&mut self, run: usize, patience: Duration) -> Result<(), String> {
        let ends = locked(&self.world).now + patience;
        self.poll(run);
        while self.processes[run].is_some() {
            let mut world = locked(&self.world);
            let now = world.now;
            let mut gates = world.gates.iter_mut().flatten();
            let open = gates
                .find(|gate| gate.run == run && !matches!(gate.point, Point::Wake(at) if at > now));
            match open {
                Some(gate) => gate.fate = Some(Fate::Passes),
                None if now >= ends => return Err(format!("{run} got nowhere until {now:?}")),
                None => {
                    world.now += self.bounds.tick;
                    continue;
                }
            }
            drop(world);
            self.poll(run);
            self.check();
        }
        let world = locked(&self.world);
        match &world.broken {
            Some(broken) => Err(broken.clone()),
            None if !world.runs[run].done => Err(format!("{run} could not do its work")),
            None => Ok(()),
        }
    }
}

/// Searches every order of things that `begin` leads to; at the end of each, `end` is to hold. Gives how many different
/// points there were, and how many ends.
pub(super) fn search(
    begin: impl Fn() -> Play,
    end: impl Fn(&mut Play) -> Result<(), String>,
) -> (usize, usize) {
    let mut known = HashSet::new();
    let mut ends = 0;
    let mut paths: Vec<Vec<usize>> = vec![Vec::new()];
    while let Some(mut path) = paths.pop() {
        let mut play = begin();
        let mut told = Vec::new();
        let mut step = |play: &mut Play, number: usize| {
            let choice = play.choices()[number];
            told.push(choice);
            play.make(choice);
            let broken = locked(&play.world).broken.clone();
            if let Some(broken) = broken {
                panic!("{broken}, after {told:?}");
            }
        };
        for number in &path {
            step(&mut play, *number);
        }
        // On from here the first choice is followed; the others begin anew, as nothing can be taken back.
        while known.insert(play.fingerprint()) {
            let choices = play.choices().len();
            if choices == 0 || locked(&play.world).now >= play.bounds.until {
                ends += 1;
                if let Err(broken) = end(&mut play) {
                    panic!("{broken}, after {path:?}");
                }
                break;
            }
            paths.extend((1..choices).map(|number| [&path[..], &[number]].concat()));
            path.push(0);
            step(&mut play, 0);
        }
    }
    let told = format!("{} points, {ends} ends", known.len());
    // Unlike `println!` also where the test passes; where nobody can be told, what is asserted still holds.
    drop(writeln!(std::io::stdout(), "{told}"));
    (known.len(), ends)
}
