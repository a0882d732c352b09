//! What may be said of an error that quotes what it was given: a kubeconfig, what a program for credentials printed, or
//! what a cluster answered. Any of these may hold a secret.

use std::error::Error as StdError;

use kube::client::AuthError;
use kube::config::KubeconfigError;
use serde_saphyr::Error as YamlError;

type BoxError = Box<dyn StdError + Send + Sync>;

/// What remains of an error that is not to be seen.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Remains(String);

/// The error of a client, or what remains of it.
pub(super) fn of_client(error: kube::Error) -> BoxError {
    let remains = match &error {
        kube::Error::Auth(error) => of_auth(error),
        kube::Error::Service(error) => error.downcast_ref().and_then(of_auth),
        kube::Error::SerdeError(error) => Some(format!(
            "the answer is not of the expected form, at its line {}, column {}",
            error.line(),
            error.column()
        )),
        kube::Error::FromUtf8(_) => Some("the answer is no text".to_owned()),
        kube::Error::ProxyProtocolUnsupported { .. }
        | kube::Error::ProxyProtocolDisabled { .. } => {
            Some("it asks for a proxy, which can't be used here".to_owned())
        }
        _ => None,
    };
    match remains {
        Some(text) => Remains(text).into(),
        None => error.into(),
    }
}

/// The error about a kubeconfig, or what remains of it.
pub(super) fn of_kubeconfig(error: KubeconfigError) -> BoxError {
    match error {
        KubeconfigError::Parse(error) => {
            Remains(format!("it is no kubeconfig{}", place(&error))).into()
        }
        other => other.into(),
    }
}

fn of_auth(error: &AuthError) -> Option<String> {
    match error {
        AuthError::AuthExecRun { out, .. } => Some(format!(
            "the program that it names for credentials failed: {}",
            out.status
        )),
        AuthError::AuthExecParse(error) => Some(format!(
            "what the program that it names for credentials printed is none{}",
            place(error)
        )),
        AuthError::AuthExec(_) | AuthError::ParseTokenKey(_) => {
            Some("the provider that it names for credentials gave none".to_owned())
        }
        _ => None,
    }
}

fn place(error: &YamlError) -> String {
    error.location().map_or_else(String::new, |place| {
        format!(": see line {}, column {}", place.line(), place.column())
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt;
    use std::process::{ExitStatus, Output};

    use kube::config::Kubeconfig;

    use super::*;

    const CANARY: &str = "canary-of-the-token";

    fn shown(error: &BoxError) -> String {
        assert!(error.source().is_none());
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(CANARY), "{shown}");
        error.to_string()
    }

    #[test]
    fn a_kubeconfig_is_not_quoted() {
        let text = format!("apiVersion: v1\nusers: [{{name: me, user: {CANARY}}}]\n");
        let error = Kubeconfig::from_yaml(&text).expect_err("no kubeconfig");
        assert!(error.to_string().contains(CANARY));
        let said = shown(&of_kubeconfig(error));
        assert!(
            said.starts_with("it is no kubeconfig: see line 2"),
            "{said}"
        );
    }

    #[test]
    fn what_a_program_for_credentials_was_given_and_printed_is_not_repeated() {
        let failed = || AuthError::AuthExecRun {
            cmd: format!("login --password {CANARY}"),
            out: Box::new(Output {
                status: ExitStatus::from_raw(256),
                stdout: CANARY.into(),
                stderr: CANARY.into(),
            }),
        };
        for error in [
            kube::Error::Auth(failed()),
            kube::Error::Service(failed().into()),
        ] {
            let said = shown(&of_client(error));
            assert!(said.ends_with("failed: exit status: 1"), "{said}");
        }
        let strange = serde_saphyr::from_str::<u8>(CANARY).expect_err("no number");
        let strange = AuthError::AuthExecParse(Box::new(strange));
        shown(&of_client(kube::Error::Auth(strange)));
        let provider = AuthError::AuthExec(format!("{CANARY} is no object"));
        shown(&of_client(kube::Error::Auth(provider)));
    }

    #[test]
    fn an_answer_is_not_quoted() {
        let strange = serde_json::from_str::<u8>(&format!("{CANARY:?}")).expect_err("no number");
        assert!(strange.to_string().contains(CANARY));
        shown(&of_client(kube::Error::SerdeError(strange)));
        let bytes = [CANARY.as_bytes(), &[0xff]].concat();
        let strange = String::from_utf8(bytes).expect_err("no text");
        shown(&of_client(kube::Error::FromUtf8(strange)));
    }

    #[test]
    fn other_errors_stay_as_they_are() {
        let said = of_kubeconfig(KubeconfigError::CurrentContextNotSet).to_string();
        assert_eq!(said, KubeconfigError::CurrentContextNotSet.to_string());
    }
}
