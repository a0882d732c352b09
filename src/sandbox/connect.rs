//! The sandbox as a cloud: the real clients, answered inside the process, on the world's own time.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use aws_config::{BehaviorVersion, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use jiff::Timestamp;

use super::store::Effect;
use super::time::ClockSource;
use super::{Sandbox, web};
use crate::clock::Clock;
use crate::cloud::{
    Clients, Cloud, ClusterEndpoint, Connector, Fault, NoAnswer, Page, Visit, Visitor,
};
use crate::state::Fence;

impl Sandbox {
    /// Both clouds of this world, seen from `region`.
    pub fn cloud(&self, region: &str) -> Cloud {
        // The sandbox checks that a request is signed, not by whom.
        let credentials = Credentials::new("SANDBOX", "sandbox", None, None, "sandbox");
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .region(Region::new(region.to_owned()))
            .credentials_provider(SharedCredentialsProvider::new(credentials))
            .http_client(self.aws_http_client())
            .build();
        let fence = Fence::default();
        Cloud {
            aws: Clients::new(&config, region, &fence),
            connector: Arc::new(self.clone()),
            visitor: Arc::new(self.clone()),
            clock: Arc::new(self.clone()),
            fence,
        }
    }
}

#[async_trait]
impl Connector for Sandbox {
    async fn connect(&self, cluster: &ClusterEndpoint) -> Result<kube::Client, Fault> {
        Ok(self.kubernetes_client(&cluster.region, &cluster.name))
    }
}

#[async_trait]
impl Visitor for Sandbox {
    async fn visit(&self, visit: Visit<'_>) -> Result<Page, NoAnswer> {
        let asked = self
            .store
            .transact(Effect::Reads, |world| web::visit(world, visit));
        let answered = asked.map_err(Into::into);
        let answered = answered.and_then(|answer| answer.map_err(Into::into));
        answered.map_err(|source: Box<dyn Error + Send + Sync>| NoAnswer {
            to: visit.to.to_owned(),
            source,
        })
    }
}

#[async_trait]
impl Clock for Sandbox {
    fn now(&self) -> Timestamp {
        // A world that can't be read has no time; its next request says why.
        let now = self
            .store
            .transact(Effect::Reads, |world| world.now)
            .unwrap_or_default();
        Timestamp::from_millisecond(i64::try_from(now.0).unwrap_or(i64::MAX)).unwrap_or_default()
    }

    async fn sleep(&self, duration: Duration) {
        let scale = match self.clock_source {
            ClockSource::Wall { scale } => scale,
            ClockSource::Virtual => 1.0,
        };
        tokio::time::sleep(duration.div_f64(scale)).await;
    }
}
