//! The real AWS: credentials and endpoints as every AWS tool finds them, and the host's clock.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_http_client::Builder;
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use jiff::Timestamp;
use object_store::ObjectStore;

use super::Global;
use super::exit::Error;
use crate::clock::Clock;
use crate::cloud::{
    Clients, Cloud, Connector, EksConnector, Internet, KubeconfigConnector, Nowhere,
};
use crate::environment::Environment;
use crate::state::Fence;

/// The host's clock, and a moment from which it counts also while that is set.
struct WallClock(tokio::time::Instant);

impl WallClock {
    fn begun() -> Arc<Self> {
        Arc::new(Self(tokio::time::Instant::now()))
    }
}

#[async_trait]
impl Clock for WallClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "this is the one clock of the real cloud"
    )]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn passed(&self) -> Duration {
        self.0.elapsed()
    }

    async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }
}

/// What every AWS tool reads: variables, profiles, the instance's or the container's role.
async fn config() -> SdkConfig {
    // The one TLS stack of this binary; the SDK's default would bring a second.
    let http = Builder::new()
        .tls_provider(Provider::Rustls(CryptoMode::Ring))
        .build_https();
    aws_config::defaults(BehaviorVersion::latest())
        .http_client(http)
        .load()
        .await
}

fn credentials(config: &SdkConfig) -> Result<SharedCredentialsProvider, Error> {
    config.credentials_provider().ok_or(Error::NoCredentials)
}

/// Both clouds as the environment's region shows them. Of one that has nothing in AWS nobody looks for credentials.
pub async fn cloud(global: &Global, environment: &Environment) -> Result<Cloud, Error> {
    let clock: Arc<dyn Clock> = WallClock::begun();
    let named: Option<Arc<dyn Connector>> = match &global.kubeconfig {
        Some(path) => {
            let named = KubeconfigConnector::read(path, global.context.as_deref());
            Some(Arc::new(named.await?))
        }
        None => None,
    };
    let (fence, region) = (Fence::default(), &environment.region);
    let (aws, connector) = if environment.is_without_aws() {
        let nowhere = || Arc::new(Nowhere) as Arc<dyn Connector>;
        let aws = Clients::without_account(region, &fence);
        (aws, named.unwrap_or_else(nowhere))
    } else {
        let config = config().await;
        let credentials = credentials(&config)?;
        let described = || Arc::new(EksConnector::new(credentials, Arc::clone(&clock)));
        let aws = Clients::new(&config, region, &fence);
        (aws, named.unwrap_or_else(|| described()))
    };
    Ok(Cloud {
        aws,
        connector,
        visitor: Arc::new(Internet),
        clock,
        fence,
    })
}

/// The objects of a bucket, which is in the region that variables or the profile name, or else in `region`.
pub async fn bucket(bucket: &str, region: &str) -> Result<Arc<dyn ObjectStore>, Error> {
    let objects = crate::cloud::bucket(&config().await, bucket, region);
    objects.map_err(|source| Error::Bucket {
        bucket: bucket.to_owned(),
        source,
    })
}

/// What signs tokens for clusters.
pub async fn connector() -> Result<EksConnector, Error> {
    Ok(EksConnector::new(
        credentials(&config().await)?,
        WallClock::begun(),
    ))
}
