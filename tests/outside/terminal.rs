//! What is seen: in pipes, on terminals, wide and narrow, with and without colour.

use std::io::Write;
use std::process::{Command, Stdio};

use super::project::{Done, GROUNDWORK, Project};

/// Begins a style in a terminal.
const STYLED: &str = "\u{1b}[";

fn plan(project: &Project, columns: &str) -> String {
    let mut command = project.groundwork(&["plan", "demo"]);
    command.env("COLUMNS", columns);
    Done::of(command).ends(2).out
}

/// An address is never cut or broken; nothing else stands beside one that is too long.
#[track_caller]
fn fits(text: &str, columns: usize) {
    for line in text.lines().filter(|line| line.chars().count() > columns) {
        let words: Vec<&str> = line.split_whitespace().collect();
        assert!(
            words.last().is_some_and(|word| word.len() > columns - 20),
            "{line}"
        );
    }
}

#[test]
fn a_plan_fits_the_terminal() {
    let project = Project::whole();
    let narrow = plan(&project, "80");
    fits(&narrow, 80);
    insta::assert_snapshot!("plan_80", narrow);
    insta::assert_snapshot!("plan_200", plan(&project, "200"));
}

#[test]
fn a_plan_of_changes_fits_the_terminal() {
    let project = Project::new();
    project.run(&["apply", "demo", "--yes"]).ends(0);
    for (from, to) in [
        ("max = 4", "max = 5"),
        ("[\"t3.small\"]", "[\"t3.small\", \"t3.medium\"]"),
        ("storage_gib = 20", "storage_gib = 40"),
        ("username = \"addressbook\"", "username = \"other\""),
        ("namespaces = [\"addressbook\"]", "namespaces = [\"book\"]"),
        ("namespace = \"addressbook\"", "namespace = \"book\""),
    ] {
        project.edit("environments/demo.toml", from, to);
    }
    let narrow = plan(&project, "80");
    fits(&narrow, 80);
    // How long things take was learned from the run before, so the text itself is another one each time.
    assert!(narrow.contains("username: addressbook → other"), "{narrow}");
    fits(&plan(&project, "200"), 200);
}

/// Runs groundwork on a terminal of its own, where `answer` is typed.
fn on_a_terminal(
    project: &Project,
    arguments: &str,
    variables: &[(&str, &str)],
    answer: &str,
) -> Done {
    let line = format!("{GROUNDWORK} {arguments}");
    let mut command: Command = project.command("script");
    command
        .args(["--quiet", "--return", "--command", &line, "/dev/null"])
        .env("TERM", "xterm-256color")
        .envs(variables.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped());
    let mut child = command.spawn().expect("script, of util-linux");
    let mut input = child.stdin.take().expect("a pipe");
    input.write_all(answer.as_bytes()).expect("an open pipe");
    let output = child.wait_with_output().expect("an end");
    drop(input);
    Done {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8(output.stdout).expect("text"),
        err: String::new(),
    }
}

/// Whether there is any colour or weight; moving the cursor is not one.
fn styled(text: &str) -> bool {
    text.split(STYLED).skip(1).any(|rest| {
        let code = rest.trim_start_matches(|c: char| c.is_ascii_digit() || c == ';');
        code.starts_with('m')
    })
}

#[test]
fn styles_go_to_terminals_that_want_them_and_nowhere_else() {
    let project = Project::new();
    for arguments in [
        &["plan", "demo"] as &[&str],
        &["plan", "nope"],
        &["status", "demo"],
        &["apply", "demo", "--yes"],
        &["destroy", "demo", "--yes"],
    ] {
        let done = project.run(arguments);
        let said = done.out + &done.err;
        assert!(!said.contains('\u{1b}'), "{arguments:?}: {said:?}");
    }
    let plain: &[(&str, &str)] = &[("NO_COLOR", "1")];
    for arguments in [
        "plan demo",
        "apply demo --yes",
        "status demo",
        "destroy demo --yes",
    ] {
        assert!(!styled(&on_a_terminal(&project, arguments, plain, "").out));
        assert!(styled(&on_a_terminal(&project, arguments, &[], "").out));
    }
    assert!(styled(&on_a_terminal(&project, "plan nope", &[], "").out));
}

#[test]
fn a_status_fits_the_terminal_and_keeps_every_address() {
    let project = Project::new();
    project.run(&["apply", "demo", "--yes"]).ends(0);
    let narrow: &[(&str, &str)] = &[("COLUMNS", "80"), ("NO_COLOR", "1")];
    let shown = on_a_terminal(&project, "status demo", narrow, "").ends(0);
    let shown = shown.out.replace('\r', "");
    fits(&shown, 80);
    let known = project.run(&["state", "list", "demo"]).ends(0).out;
    for address in known.lines() {
        let line = shown.lines().find(|line| line.starts_with(address));
        assert!(line.is_some(), "{address}: {shown}");
    }
}

#[test]
fn only_yes_goes_on() {
    let project = Project::new();
    for answer in ["no\n", "\n", "y\n"] {
        let asked = on_a_terminal(&project, "apply demo", &[], answer).ends(1);
        assert!(asked.out.contains("Only `yes` goes on"), "{}", asked.out);
        assert!(asked.out.contains("nothing was changed"), "{}", asked.out);
    }
    project.run(&["plan", "demo"]).ends(2);
    on_a_terminal(&project, "apply demo", &[], "yes\n").ends(0);
    project.run(&["plan", "demo"]).ends(0);
    on_a_terminal(&project, "destroy demo", &[], "no\n").ends(1);
    project.run(&["plan", "demo"]).ends(0);
}
