//! The binary killed at random moments, a hundred times, while the world goes on in another process.

use std::io::Write;
use std::time::{Duration, Instant};

use super::project::Running;
use super::served::{FAST, Served};

/// How many worlds there are, each with clients of its own that are killed at work, and how many in each.
const WORLDS: usize = 4;
const KILLS: usize = 25;

/// How many of them one after the other, before one is let through.
const IN_A_ROW: usize = 9;

const COMMANDS: [[&str; 3]; 2] = [["apply", "demo", "--yes"], ["destroy", "demo", "--yes"]];

/// What each command leaves when nobody disturbs it, and how long it takes.
struct Undisturbed {
    world: String,
    time: Duration,
}

impl Undisturbed {
    fn of(served: &Served, command: [&str; 3]) -> Self {
        let begun = Instant::now();
        served.run(&command).ends(0);
        Self {
            time: begun.elapsed(),
            world: served.world(),
        }
    }
}

/// Kills the command after some time that is shorter than what it takes. Says whether it was still at work.
async fn is_killed_at_work(mut running: Running, time: Duration) -> bool {
    let part = f64::from(uuid::Uuid::new_v4().as_fields().1) / f64::from(u16::MAX);
    tokio::time::sleep(time.mul_f64(part)).await;
    let at_work = running.is_at_work();
    running.kill();
    at_work
}

/// Kills so many and says how many were at work.
async fn killed() -> usize {
    let served = &Served::at_speed(FAST);
    let undisturbed = COMMANDS.map(|command| Undisturbed::of(served, command));
    let mut kills = 0;
    while kills < KILLS {
        for (command, undisturbed) in COMMANDS.iter().zip(&undisturbed) {
            for _ in 0..IN_A_ROW {
                let running = served.start(command);
                kills += usize::from(is_killed_at_work(running, undisturbed.time).await);
            }
            served.run(command).ends(0);
            let world = served.world();
            assert_eq!(world, undisturbed.world, "after {kills} kills");
        }
    }
    kills
}

#[test]
fn a_hundred_kills_leave_nothing_behind() {
    let world = || {
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        let runtime = runtime.enable_time().build().expect("a runtime");
        runtime.block_on(killed())
    };
    let kills: usize = std::thread::scope(|scope| {
        let worlds: Vec<_> = (0..WORLDS).map(|_| scope.spawn(world)).collect();
        let worlds = worlds.into_iter();
        worlds.map(|world| world.join().expect("no panic")).sum()
    });
    // Not `println!`, which a test that passes does not show. Where nobody can be told, the assertions still hold.
    let told = "processes killed at work, nothing left behind";
    drop(writeln!(std::io::stdout(), "{kills} {told}"));
}
