//! The token by which EKS knows who calls a cluster's API server: a presigned question to STS.

use std::time::{Duration, SystemTime};

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{
    SignableBody, SignableRequest, SignatureLocation, SigningSettings, sign,
};
use aws_sigv4::sign::v4;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;

use super::{Class, Fault};
use crate::environment::model::partition;
use crate::sensitive::Sensitive;

/// The header that ties the token to one cluster.
const CLUSTER_HEADER: &str = "x-k8s-aws-id";

/// How long STS would answer the question, which EKS asks within this time.
const PRESIGNED: Duration = Duration::from_secs(60);

/// For how long we say that a token is good; EKS takes it for 15 minutes.
pub(super) const GOOD_FOR: Duration = Duration::from_secs(14 * 60);

/// A bearer token for one cluster.
#[derive(Clone, Debug)]
pub struct Token {
    /// What goes after `Bearer`.
    pub value: Sensitive,
    /// When to make another.
    pub expires: Timestamp,
}

impl Token {
    /// A token of `credentials` for the cluster `cluster` in `region`, signed at the moment `now`.
    ///
    /// # Errors
    /// When the request can't be signed.
    pub fn sign(
        credentials: &Credentials,
        region: &str,
        cluster: &str,
        now: Timestamp,
    ) -> Result<Self, Fault> {
        let url = presigned(credentials, region, cluster, now)
            .map_err(|error| unsigned("the request could not be signed", error))?;
        Ok(Self {
            value: Sensitive::new(format!("k8s-aws-v1.{}", BASE64_URL_SAFE_NO_PAD.encode(url))),
            expires: now.saturating_add(GOOD_FOR).unwrap_or(now),
        })
    }
}

/// A fault of our own, made before anything was asked of EKS.
pub(super) fn unsigned(message: &str, source: Box<dyn std::error::Error + Send + Sync>) -> Fault {
    Fault {
        service: "sts",
        operation: "sign a token for the cluster",
        code: "NotSigned".to_owned(),
        message: message.to_owned(),
        class: Class::Forbidden,
        source: Some(source),
    }
}

fn presigned(
    credentials: &Credentials,
    region: &str,
    cluster: &str,
    now: Timestamp,
) -> Result<String, Box<dyn std::error::Error + Send + Sync>> {
    let suffix = match partition(region) {
        "aws-cn" => "amazonaws.com.cn",
        _ => "amazonaws.com",
    };
    let url = format!("https://sts.{region}.{suffix}/?Action=GetCallerIdentity&Version=2011-06-15");
    let mut settings = SigningSettings::default();
    settings.signature_location = SignatureLocation::QueryParams;
    settings.expires_in = Some(PRESIGNED);
    let identity = credentials.clone().into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name("sts")
        .time(SystemTime::from(now))
        .settings(settings)
        .build()?;
    let headers = [(CLUSTER_HEADER, cluster)].into_iter();
    let question = SignableRequest::new("GET", url.as_str(), headers, SignableBody::Bytes(&[]))?;
    let (instructions, _) = sign(question, &params.into())?.into_parts();
    let mut request = http::Request::get(&url).body(())?;
    instructions.apply_to_request_http1x(&mut request);
    Ok(request.uri().to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn token() -> Token {
        let credentials = Credentials::new(
            "AKIDEXAMPLE",
            "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY",
            Some("TOKENEXAMPLE==".to_owned()),
            None,
            "test",
        );
        let now = "2026-11-20T12:00:00Z".parse().unwrap();
        Token::sign(&credentials, "eu-west-1", "demo", now).unwrap()
    }

    fn url() -> String {
        let token = token();
        let encoded = token.value.expose().strip_prefix("k8s-aws-v1.").unwrap();
        String::from_utf8(BASE64_URL_SAFE_NO_PAD.decode(encoded).unwrap()).unwrap()
    }

    #[test]
    fn the_signature_is_that_of_the_test_vector() {
        let signature = "9bc52920a609711691e9b6b20a25bc799c29d93a83ebc6834dcd76127cb398ce";
        let url = url();
        assert!(
            url.contains(&format!("X-Amz-Signature={signature}")),
            "{url}"
        );
    }

    #[test]
    fn the_question_is_what_eks_expects() {
        let url = url();
        assert!(
            url.starts_with("https://sts.eu-west-1.amazonaws.com/?"),
            "{url}"
        );
        for part in [
            "Action=GetCallerIdentity",
            "Version=2011-06-15",
            "X-Amz-Date=20261120T120000Z",
            "X-Amz-Expires=60",
            "X-Amz-SignedHeaders=host%3Bx-k8s-aws-id",
            "X-Amz-Security-Token=TOKENEXAMPLE%3D%3D",
        ] {
            assert!(url.contains(part), "{part} is not in {url}");
        }
    }

    #[test]
    fn a_token_is_renewed_before_eks_refuses_it_and_never_shown() {
        assert_eq!(token().expires.to_string(), "2026-11-20T12:14:00Z");
        assert!(!format!("{:?}", token()).contains("k8s-aws-v1"));
    }
}
