//! The sandbox before judges that nobody here wrote: moto's answers to the same requests, and AWS's own models of its services.

use groundwork::sandbox::serve::aws_url;

use crate::over_http::{Aws, TUNNEL, ready_for_aws, through_aws};
use crate::project::{Done, Project};
use crate::python::{Program, program, python};

/// Where they differ is listed, with what speaks for the sandbox, in `tests/differential/differences.py`.
#[tokio::test]
#[expect(
    clippy::disallowed_macros,
    reason = "the counts are part of the result"
)]
async fn the_sandbox_answers_as_moto_does() {
    let Some(python) = python() else {
        return;
    };
    let project = Project::whole();
    let aws = Aws::of(&project).await;
    let mut command = program(&python, "tests/differential/compare.py");
    command.arg(aws_url(aws.address()));
    let ended = tokio::task::spawn_blocking(move || Done::of(command));
    let done = ended.await.expect("a command").ends(0);
    println!("{}", done.out.trim());
}

/// What groundwork itself asks in a whole life, and all that comes back.
#[tokio::test]
#[expect(
    clippy::disallowed_macros,
    reason = "the counts are part of the result"
)]
async fn every_reply_is_as_aws_models_it() {
    let Some(python) = python() else {
        return;
    };
    let project = Project::whole();
    ready_for_aws(&project, "staging");
    let aws = Aws::of(&project).await;
    aws.kubeconfig(&project, "ms-cluster-staging");
    let upstream = aws_url(aws.address());
    let script = "tests/differential/proxy.py";
    let proxy = Program::start(&project, &python, script, &[&upstream]);
    let run = async |arguments: &[&str]| {
        let arguments = [arguments, &TUNNEL].concat();
        through_aws(&project, &proxy.url, &arguments).await
    };
    run(&["apply", "staging", "--yes"]).await.ends(0);
    run(&["plan", "staging"]).await.ends(0);
    run(&["destroy", "staging", "--yes"]).await.ends(0);

    let told = proxy.told();
    let (wrong, replies): (Vec<_>, Vec<_>) = told.iter().partition(|line| line.starts_with('!'));
    assert_eq!(wrong, Vec::<&String>::new());
    assert!(replies.len() > 100, "{replies:#?}");
    println!(
        "{} replies of a whole life are as AWS models them",
        replies.len()
    );
}
