//! Programs in Python that stand beside the binary: other people's judges, and what lets them look.

use std::env;
use std::ffi::{OsStr, OsString};
use std::fs;
use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::project::{Project, repository};

/// The Python that has moto and botocore, where `scripts/clients` put them. Without it a test is skipped, and says so.
#[expect(clippy::disallowed_macros, reason = "a skipped test says so")]
pub fn python() -> Option<OsString> {
    let python = env::var_os("GROUNDWORK_MOTO_PYTHON");
    if python.is_none() {
        eprintln!("skipped: there is no moto, which `. scripts/clients` puts here");
    }
    python
}

/// A program of this repository, ready to be run.
pub fn program(python: &OsStr, script: &str) -> Command {
    let mut command = Command::new(python);
    command
        .arg(repository().join(script))
        .env("MOTO_IAM_LOAD_MANAGED_POLICIES", "true");
    command
}

/// A server that says where it listens and keeps a log, until this is dropped: it ends when its standard input does.
pub struct Program {
    process: Child,
    pub url: String,
    log: PathBuf,
}

impl Program {
    /// Starts `script` with its arguments, the last of which is the log.
    pub fn start(project: &Project, python: &OsStr, script: &str, arguments: &[&str]) -> Self {
        let log = project.path().join("requests.log");
        let mut process = program(python, script)
            .args(arguments)
            .arg(&log)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python");
        let mut url = String::new();
        let mut out = BufReader::new(process.stdout.take().expect("a pipe"));
        out.read_line(&mut url).expect("an address");
        let url = url.trim().to_owned();
        Self { process, url, log }
    }

    /// The lines of the log since this was last asked.
    pub fn told(&self) -> Vec<String> {
        let text = fs::read_to_string(&self.log).unwrap_or_default();
        fs::write(&self.log, "").expect("an empty log");
        text.lines().map(str::to_owned).collect()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        drop(self.process.stdin.take());
        // It was told to end, and has nothing to lose.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
