//! The bucket that holds states, reached as every AWS tool reaches S3: the same credentials, region and endpoint.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::SdkConfig;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use aws_types::service_config::ServiceConfigKey;
use http_body_util::BodyExt;
use hyper_rustls::HttpsConnector;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector as Sockets;
use object_store::aws::{AmazonS3Builder, AwsCredential};
use object_store::client::{
    HttpClient, HttpConnector, HttpError, HttpErrorKind, HttpRequest, HttpRequestBody,
    HttpResponse, HttpResponseBody, HttpService,
};
use object_store::{ClientOptions, CredentialProvider, Error, ObjectStore, Result, RetryConfig};

use super::https;

/// How long one answer of S3 may take: a heartbeat has to be tried again before the lease runs out.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// The objects of `bucket`, which is in the region that the configuration names, or else in `region`.
///
/// # Errors
/// When the configuration can't be used.
pub fn bucket(config: &SdkConfig, bucket: &str, region: &str) -> Result<Arc<dyn ObjectStore>> {
    let region = config.region().map_or(region, AsRef::as_ref);
    let mut builder = AmazonS3Builder::new()
        .with_bucket_name(bucket)
        .with_region(region)
        .with_http_connector(Https)
        // The state knows what it may write again, and when.
        .with_retry(RetryConfig {
            max_retries: 0,
            ..RetryConfig::default()
        });
    if let Some(credentials) = config.credentials_provider() {
        builder = builder.with_credentials(Arc::new(Credentials(credentials)));
    }
    if let Some(endpoint) = endpoint(config) {
        builder = builder.with_endpoint(endpoint).with_allow_http(true);
    }
    Ok(Arc::new(builder.build()?))
}

/// Where S3 is, if not at AWS: `AWS_ENDPOINT_URL_S3`, `AWS_ENDPOINT_URL`, or what the profile says.
fn endpoint(config: &SdkConfig) -> Option<String> {
    let key = ServiceConfigKey::builder()
        .service_id("S3")
        .env("AWS_ENDPOINT_URL")
        .profile("endpoint_url");
    let services = config.service_config();
    let own = services.and_then(|services| services.load_config(key.build().ok()?));
    own.or_else(|| config.endpoint_url().map(str::to_owned))
}

/// The credentials of every other call.
#[derive(Debug)]
struct Credentials(SharedCredentialsProvider);

#[async_trait]
impl CredentialProvider for Credentials {
    type Credential = AwsCredential;

    async fn get_credential(&self) -> Result<Arc<AwsCredential>> {
        let found = self.0.provide_credentials().await;
        let found = found.map_err(|error| Error::Unauthenticated {
            path: "S3".to_owned(),
            source: error.into(),
        })?;
        Ok(Arc::new(AwsCredential {
            key_id: found.access_key_id().to_owned(),
            secret_key: found.secret_access_key().to_owned(),
            token: found.session_token().map(str::to_owned),
        }))
    }
}

/// Lends `object_store` our HTTP client.
#[derive(Debug)]
struct Https;

impl HttpConnector for Https {
    fn connect(&self, _: &ClientOptions) -> Result<HttpClient> {
        let client = https::client().map_err(|error| Error::Generic {
            store: "S3",
            source: error.into(),
        })?;
        Ok(HttpClient::new(Service(client)))
    }
}

#[derive(Debug)]
struct Service(Client<HttpsConnector<Sockets>, HttpRequestBody>);

#[async_trait]
impl HttpService for Service {
    async fn call(&self, request: HttpRequest) -> std::result::Result<HttpResponse, HttpError> {
        let answer = tokio::time::timeout(ANSWERS_WITHIN, self.0.request(request)).await;
        let answer = answer.map_err(|late| HttpError::new(HttpErrorKind::Timeout, late))?;
        let answer = answer.map_err(|error| HttpError::new(HttpErrorKind::Unknown, error))?;
        let failed = |error| HttpError::new(HttpErrorKind::Interrupted, error);
        Ok(answer.map(|body| HttpResponseBody::new(body.map_err(failed))))
    }
}
