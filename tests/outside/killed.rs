//! The binary killed at random moments, a hundred times, while the world goes on in another process.

use std::io::Write;
use std::time::{Duration, Instant};

use super::project::Running;
use super::served::{FAST, Served};

/// How many worlds there are, each with clients of its own that are killed at work, and how many in each.
const WORLDS: usize = 8;
const KILLS: usize = 13;

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

/// Kills the command after some time that is shorter than what it takes; or gives how long it took to end before that.
async fn kill_at_work(mut running: Running, time: Duration) -> Result<(), Duration> {
    let part = f64::from(uuid::Uuid::new_v4().as_fields().1) / f64::from(u16::MAX);
    let (begun, after) = (Instant::now(), time.mul_f64(part));
    while begun.elapsed() < after {
        if !running.is_at_work() {
            return Err(begun.elapsed());
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    running.kill();
    Ok(())
}

/// Kills so many and says how many were at work.
async fn killed() -> usize {
    let served = &Served::at_speed(FAST);
    let mut undisturbed = COMMANDS.map(|command| Undisturbed::of(served, command));
    let mut kills = 0;
    while kills < KILLS {
        for (command, undisturbed) in COMMANDS.iter().zip(&mut undisturbed) {
            for turn in 0..IN_A_ROW {
                let running = served.start(command);
                match kill_at_work(running, undisturbed.time).await {
                    Ok(()) => kills += 1,
                    // The machine is faster than it was.
                    Err(took) if turn == 0 => undisturbed.time = took,
                    Err(_) => {}
                }
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
