//! A secret that somebody scheduled for deletion is still there: apply takes it back, destroy sets its name free.

use std::error::Error;

use aws_sdk_secretsmanager::error::ProvideErrorMetadata;
use groundwork::ops::Session;
use groundwork::plan::{Goal, Verb};

use crate::bench::{applied, session};
use crate::common::{apply, destroy};

const NAME: &str = "staging/mysql-password";

async fn schedule_deletion(session: &Session) {
    let call = session.cloud.aws.secrets.delete_secret().secret_id(NAME);
    let deleted = call.recovery_window_in_days(7).send().await;
    deleted.expect("it is scheduled for deletion");
}

#[tokio::test(start_paused = true)]
async fn apply_restores_what_was_scheduled_for_deletion() -> Result<(), Box<dyn Error>> {
    let world = applied();
    let session = session(&world);
    let secrets = &session.cloud.aws.secrets;
    let before = secrets.describe_secret().secret_id(NAME).send().await?;
    schedule_deletion(&session).await;
    let planned = session.plan(Goal::Apply).await?;
    let work = planned.plan.work();
    let verbs: Vec<Verb> = work
        .filter(|action| action.kind == "secrets.secret")
        .map(|action| action.verb)
        .collect();
    assert_eq!(verbs, [Verb::Create]);
    apply(&session).await;
    let after = secrets.describe_secret().secret_id(NAME).send().await?;
    assert_eq!(after.arn(), before.arn(), "it is the same secret");
    assert_eq!(after.deleted_date(), None);
    let value = secrets.get_secret_value().secret_id(NAME).send().await?;
    assert_eq!(value.secret_string(), Some("correct-horse-battery"));
    assert!(session.plan(Goal::Apply).await?.plan.is_empty());
    Ok(())
}

#[tokio::test(start_paused = true)]
async fn destroy_sets_a_name_free_that_was_scheduled_for_deletion() {
    let world = applied();
    let session = session(&world);
    schedule_deletion(&session).await;
    destroy(&session).await;
    let secrets = &session.cloud.aws.secrets;
    let gone = secrets.describe_secret().secret_id(NAME).send().await;
    let gone = gone.expect_err("it is gone");
    assert_eq!(gone.code(), Some("ResourceNotFoundException"));
}
