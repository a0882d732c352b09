//! The master user's password: read from Secrets Manager and handed to RDS, and never kept.
//!
//! RDS never tells which password it has, so the instance carries in its tags which secret, and which version of
//! it, was set last.

use super::super::calls::fresh;
use super::super::{Input, Tags};
use crate::cloud::{Cloud, Fault, fault};
use crate::sensitive::Sensitive;

/// Names the secret whose value was set last.
const SECRET: &str = "groundwork:password-secret";
/// Names its version.
const VERSION: &str = "groundwork:password-version";

/// The tags that say which password is set.
pub(super) fn marks(secret: &Input, version: &Input) -> Tags {
    Tags::from([
        (SECRET.to_owned(), secret.text().to_owned()),
        (VERSION.to_owned(), version.text().to_owned()),
    ])
}

/// Takes the marks out of the tags: the secret and the version that was set last, as far as they are known.
pub(super) fn take_marks(tags: &mut Tags) -> (Option<Input>, Option<Input>) {
    let secret = tags.remove(SECRET).map(Input::from);
    (secret, tags.remove(VERSION).map(Input::from))
}

/// The value of this version of the secret.
///
/// # Errors
/// The fault of the call, or that the secret holds no text.
pub(super) async fn value(
    cloud: &Cloud,
    secret: &Input,
    version: &Input,
) -> Result<Sensitive, Fault> {
    let answer = fresh(cloud, || async {
        let call = cloud.aws.secrets.get_secret_value();
        let call = call.secret_id(secret.text()).version_id(version.text());
        let answer = call.send().await;
        answer.map_err(fault("secretsmanager", "GetSecretValue"))
    })
    .await?;
    answer
        .secret_string
        .map(Sensitive::new)
        .ok_or_else(|| Fault::incomplete("secretsmanager", "GetSecretValue", "SecretString"))
}
