//! One SDK client for each service that an environment is made of.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};

use super::{ANSWERS_WITHIN, fenced};
use crate::state::Fence;

/// How long a connection may take to open: the SDK waits for ever for a peer that keeps it and says nothing.
const CONNECTS_WITHIN: Duration = Duration::from_secs(10);

/// The AWS services, all from one configuration. The SDK's own retries are off: a reply lost after the
/// effect would make two of what has neither token nor unique name, so `cloud::retry` decides instead.
#[derive(Clone, Debug)]
pub struct Clients {
    /// The region that the environment lives in.
    pub region: String,
    /// Whether there is an account to call.
    account: bool,
    /// Networks.
    pub ec2: aws_sdk_ec2::Client,
    /// Registries.
    pub ecr: aws_sdk_ecr::Client,
    /// Clusters.
    pub eks: aws_sdk_eks::Client,
    /// Caches.
    pub elasticache: aws_sdk_elasticache::Client,
    /// Load balancers that a cluster's controllers made.
    pub load_balancers: aws_sdk_elasticloadbalancingv2::Client,
    /// Roles, groups and policies.
    pub iam: aws_sdk_iam::Client,
    /// Log groups that a cluster's control plane made.
    pub logs: aws_sdk_cloudwatchlogs::Client,
    /// How much of what an account may have.
    pub quotas: aws_sdk_servicequotas::Client,
    /// Databases.
    pub rds: aws_sdk_rds::Client,
    /// Zones and records.
    pub route53: aws_sdk_route53::Client,
    /// Secrets.
    pub secrets: aws_sdk_secretsmanager::Client,
    /// Who we are.
    pub sts: aws_sdk_sts::Client,
    /// What carries which tags.
    pub tagging: aws_sdk_resourcegroupstagging::Client,
}

impl Clients {
    /// Clients for an environment of which nothing is in AWS: whatever is called with them fails before it is sent.
    pub fn without_account(region: &str, fence: &Fence) -> Self {
        let config = SdkConfig::builder()
            .behavior_version(BehaviorVersion::latest())
            .build();
        Self {
            account: false,
            ..Self::new(&config, region, fence)
        }
    }

    /// Whether there is an account to call. Where there is none, nothing is looked for in AWS.
    pub fn has_account(&self) -> bool {
        self.account
    }

    /// Clients for `region` with the credentials, endpoints and HTTP client of `config`, which call only within `fence`.
    pub fn new(config: &SdkConfig, region: &str, fence: &Fence) -> Self {
        let timeouts = TimeoutConfig::builder().operation_attempt_timeout(ANSWERS_WITHIN);
        let timeouts = timeouts.connect_timeout(CONNECTS_WITHIN).build();
        let mut builder = config
            .to_builder()
            .region(aws_config::Region::new(region.to_owned()))
            .retry_config(RetryConfig::disabled())
            .timeout_config(timeouts);
        let http = config.http_client();
        builder.set_http_client(http.map(|client| fenced::aws(client, fence)));
        let config = builder.build();
        Self {
            region: region.to_owned(),
            account: true,
            ec2: aws_sdk_ec2::Client::new(&config),
            ecr: aws_sdk_ecr::Client::new(&config),
            eks: aws_sdk_eks::Client::new(&config),
            elasticache: aws_sdk_elasticache::Client::new(&config),
            load_balancers: aws_sdk_elasticloadbalancingv2::Client::new(&config),
            iam: aws_sdk_iam::Client::new(&config),
            logs: aws_sdk_cloudwatchlogs::Client::new(&config),
            quotas: aws_sdk_servicequotas::Client::new(&config),
            rds: aws_sdk_rds::Client::new(&config),
            route53: aws_sdk_route53::Client::new(&config),
            secrets: aws_sdk_secretsmanager::Client::new(&config),
            sts: aws_sdk_sts::Client::new(&config),
            tagging: aws_sdk_resourcegroupstagging::Client::new(&config),
        }
    }
}
