//! The binary killed at random moments, a hundred times, while the world goes on in another process.

use std::io::Write;
use std::time::Duration;

use serde_json::Value;

use super::project::{Project, Running};

/// How many processes are killed at work.
const KILLS: usize = 100;

/// How many of them one after the other, before one is let through.
const IN_A_ROW: usize = 9;

/// A project whose world is served by a process of its own, as one that outlives every client.
struct Served {
    project: Project,
    _server: Running,
}

impl Served {
    fn new() -> Self {
        let project = Project::new();
        let mut server = project.start(&["sandbox", "serve", "--port", "0"]);
        assert!(server.until(|line| line.contains("--endpoint-url")));
        Self {
            project,
            _server: server,
        }
    }

    /// What exists; a generated password is written as what it is.
    fn world(&self) -> String {
        let show = ["sandbox", "show", "--json"];
        let mut world = self.project.run(&show).ends(0).json();
        let secrets = world["resources"]["secret"].as_array_mut();
        let digests: Vec<Value> = secrets
            .into_iter()
            .flatten()
            .map(|secret| secret["value_sha256"].clone())
            .collect();
        let mut text = serde_json::to_string_pretty(&world).expect("JSON");
        for digest in digests.iter().filter_map(Value::as_str) {
            text = text.replace(digest, "generated");
        }
        text
    }

    /// Runs the command and kills it after this time. Says whether it was still at work.
    async fn kill_within(&self, arguments: &[&str], time: Duration) -> bool {
        let mut running = self.project.start(arguments);
        tokio::time::sleep(time).await;
        let at_work = running.is_at_work();
        running.kill();
        at_work
    }
}

#[tokio::test]
async fn a_hundred_kills_leave_nothing_behind() {
    let served = Served::new();
    let commands = [["apply", "demo", "--yes"], ["destroy", "demo", "--yes"]];
    let mut expected = Vec::new();
    let mut longest = Vec::new();
    for command in commands {
        let begun = std::time::Instant::now();
        served.project.run(&command).ends(0);
        longest.push(begun.elapsed());
        expected.push(served.world());
    }
    let mut kills = 0;
    while kills < KILLS {
        for ((command, expected), longest) in commands.iter().zip(&expected).zip(&longest) {
            for _ in 0..IN_A_ROW {
                let part = f64::from(uuid::Uuid::new_v4().as_fields().1) / f64::from(u16::MAX);
                let time = longest.mul_f64(part);
                kills += usize::from(served.kill_within(command, time).await);
            }
            served.project.run(command).ends(0);
            assert_eq!(&served.world(), expected, "after {kills} kills");
        }
    }
    // Not `println!`, which a test that passes does not show. Where nobody can be told, the assertions still hold.
    let told = "processes killed at work, nothing left behind";
    drop(writeln!(std::io::stdout(), "{kills} {told}"));
}
