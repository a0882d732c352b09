//! AWS's own managed policies: those that EKS and the examples name, and the common ones beside them.
//!
//! Each is listed with its real path; its document is shortened to the actions that describe it.

use std::sync::LazyLock;

use serde_json::json;
use sha2::{Digest, Sha256};

use super::{Policy, policies};
use crate::sandbox::time::SimTime;

const PREFIX: &str = "arn:aws:iam::aws:policy";

/// Path, name and actions.
const TABLE: &[(&str, &str, &[&str])] = &[
    ("/", "AdministratorAccess", &["*"]),
    ("/", "PowerUserAccess", &["*"]),
    (
        "/",
        "ReadOnlyAccess",
        &[
            "ec2:Describe*",
            "eks:Describe*",
            "eks:List*",
            "iam:Get*",
            "iam:List*",
            "rds:Describe*",
            "s3:Get*",
            "s3:List*",
        ],
    ),
    (
        "/job-function/",
        "ViewOnlyAccess",
        &[
            "ec2:Describe*",
            "eks:List*",
            "iam:List*",
            "rds:Describe*",
            "s3:List*",
        ],
    ),
    ("/job-function/", "SupportUser", &["support:*"]),
    (
        "/job-function/",
        "SystemAdministrator",
        &["cloudwatch:*", "ec2:*", "logs:*"],
    ),
    (
        "/job-function/",
        "DatabaseAdministrator",
        &["cloudwatch:*", "elasticache:*", "rds:*"],
    ),
    (
        "/job-function/",
        "NetworkAdministrator",
        &["ec2:*", "elasticloadbalancing:*", "route53:*"],
    ),
    (
        "/job-function/",
        "Billing",
        &["aws-portal:*", "budgets:*", "ce:*"],
    ),
    (
        "/",
        "SecurityAudit",
        &["ec2:Describe*", "iam:Get*", "iam:List*"],
    ),
    ("/", "IAMFullAccess", &["iam:*"]),
    ("/", "IAMReadOnlyAccess", &["iam:Get*", "iam:List*"]),
    ("/", "IAMUserChangePassword", &["iam:ChangePassword"]),
    ("/", "AmazonEC2FullAccess", &["ec2:*"]),
    (
        "/",
        "AmazonEC2ReadOnlyAccess",
        &["ec2:Describe*", "elasticloadbalancing:Describe*"],
    ),
    ("/", "AmazonVPCFullAccess", &["ec2:*Vpc*", "ec2:*Subnet*"]),
    ("/", "AmazonVPCReadOnlyAccess", &["ec2:Describe*"]),
    (
        "/",
        "AmazonSSMManagedInstanceCore",
        &["ssm:*", "ssmmessages:*", "ec2messages:*"],
    ),
    (
        "/",
        "AmazonSSMReadOnlyAccess",
        &["ssm:Describe*", "ssm:Get*", "ssm:List*"],
    ),
    ("/", "AmazonS3FullAccess", &["s3:*"]),
    ("/", "AmazonS3ReadOnlyAccess", &["s3:Get*", "s3:List*"]),
    ("/", "AmazonDynamoDBFullAccess", &["dynamodb:*"]),
    (
        "/",
        "AmazonDynamoDBReadOnlyAccess",
        &["dynamodb:Describe*", "dynamodb:Get*", "dynamodb:List*"],
    ),
    ("/", "AmazonSQSFullAccess", &["sqs:*"]),
    ("/", "AmazonSNSFullAccess", &["sns:*"]),
    (
        "/",
        "AmazonRDSFullAccess",
        &["rds:*", "cloudwatch:GetMetricStatistics", "ec2:Describe*"],
    ),
    (
        "/",
        "AmazonRDSReadOnlyAccess",
        &["rds:Describe*", "rds:ListTagsForResource"],
    ),
    ("/", "AmazonRDSDataFullAccess", &["rds-data:*"]),
    (
        "/service-role/",
        "AmazonRDSEnhancedMonitoringRole",
        &["logs:CreateLogStream", "logs:PutLogEvents"],
    ),
    (
        "/",
        "AmazonElastiCacheFullAccess",
        &["elasticache:*", "ec2:Describe*"],
    ),
    (
        "/",
        "AmazonElastiCacheReadOnlyAccess",
        &["elasticache:Describe*"],
    ),
    ("/", "AmazonRoute53FullAccess", &["route53:*"]),
    (
        "/",
        "AmazonRoute53ReadOnlyAccess",
        &["route53:Get*", "route53:List*"],
    ),
    ("/", "SecretsManagerReadWrite", &["secretsmanager:*"]),
    ("/", "CloudWatchFullAccess", &["cloudwatch:*", "logs:*"]),
    (
        "/",
        "CloudWatchReadOnlyAccess",
        &[
            "cloudwatch:Describe*",
            "cloudwatch:Get*",
            "cloudwatch:List*",
        ],
    ),
    ("/", "CloudWatchLogsFullAccess", &["logs:*"]),
    (
        "/",
        "CloudWatchLogsReadOnlyAccess",
        &["logs:Describe*", "logs:Get*"],
    ),
    (
        "/",
        "CloudWatchAgentServerPolicy",
        &["cloudwatch:PutMetricData", "logs:PutLogEvents"],
    ),
    (
        "/",
        "ElasticLoadBalancingFullAccess",
        &["elasticloadbalancing:*"],
    ),
    (
        "/",
        "ElasticLoadBalancingReadOnly",
        &["elasticloadbalancing:Describe*"],
    ),
    ("/", "AutoScalingFullAccess", &["autoscaling:*"]),
    (
        "/",
        "AWSCertificateManagerReadOnly",
        &["acm:Describe*", "acm:List*"],
    ),
    ("/", "AmazonEC2ContainerRegistryFullAccess", &["ecr:*"]),
    (
        "/",
        "AmazonEC2ContainerRegistryPowerUser",
        &["ecr:BatchGetImage", "ecr:PutImage"],
    ),
    (
        "/",
        "AmazonEC2ContainerRegistryPullOnly",
        &[
            "ecr:BatchGetImage",
            "ecr:GetAuthorizationToken",
            "ecr:GetDownloadUrlForLayer",
        ],
    ),
    (
        "/",
        "AmazonEC2ContainerRegistryReadOnly",
        &[
            "ecr:BatchGetImage",
            "ecr:Describe*",
            "ecr:GetAuthorizationToken",
            "ecr:List*",
        ],
    ),
    (
        "/",
        "AmazonEKSClusterPolicy",
        &["autoscaling:*", "ec2:*", "elasticloadbalancing:*"],
    ),
    (
        "/",
        "AmazonEKSServicePolicy",
        &["ec2:*NetworkInterface*", "eks:UpdateClusterVersion"],
    ),
    (
        "/",
        "AmazonEKSWorkerNodePolicy",
        &[
            "ec2:Describe*",
            "eks:DescribeCluster",
            "eks-auth:AssumeRoleForPodIdentity",
        ],
    ),
    (
        "/",
        "AmazonEKSWorkerNodeMinimalPolicy",
        &["eks-auth:AssumeRoleForPodIdentity"],
    ),
    (
        "/",
        "AmazonEKS_CNI_Policy",
        &["ec2:*NetworkInterface*", "ec2:*PrivateIpAddresses"],
    ),
    (
        "/",
        "AmazonEKSVPCResourceController",
        &["ec2:*NetworkInterface*"],
    ),
    (
        "/",
        "AmazonEKSFargatePodExecutionRolePolicy",
        &["ecr:BatchGetImage", "ecr:GetAuthorizationToken"],
    ),
    (
        "/",
        "AmazonEKSLocalOutpostClusterPolicy",
        &["ec2:Describe*", "ssm:*"],
    ),
    (
        "/",
        "AmazonEKSComputePolicy",
        &[
            "ec2:CreateFleet",
            "ec2:RunInstances",
            "iam:AddRoleToInstanceProfile",
        ],
    ),
    (
        "/",
        "AmazonEKSBlockStoragePolicy",
        &["ec2:AttachVolume", "ec2:CreateVolume", "ec2:DeleteVolume"],
    ),
    (
        "/",
        "AmazonEKSLoadBalancingPolicy",
        &["elasticloadbalancing:*"],
    ),
    (
        "/",
        "AmazonEKSNetworkingPolicy",
        &["ec2:*NetworkInterface*"],
    ),
    (
        "/service-role/",
        "AmazonEBSCSIDriverPolicy",
        &["ec2:AttachVolume", "ec2:CreateVolume", "ec2:DeleteVolume"],
    ),
    (
        "/service-role/",
        "AmazonEFSCSIDriverPolicy",
        &["elasticfilesystem:*"],
    ),
    (
        "/service-role/",
        "AWSLambdaBasicExecutionRole",
        &["logs:CreateLogStream", "logs:PutLogEvents"],
    ),
    (
        "/service-role/",
        "AWSLambdaVPCAccessExecutionRole",
        &["ec2:*NetworkInterface*", "logs:PutLogEvents"],
    ),
    (
        "/service-role/",
        "AmazonECSTaskExecutionRolePolicy",
        &["ecr:BatchGetImage", "logs:PutLogEvents"],
    ),
    ("/", "AWSXRayDaemonWriteAccess", &["xray:Put*"]),
];

static POLICIES: LazyLock<Vec<Policy>> = LazyLock::new(|| {
    TABLE
        .iter()
        .map(|(path, name, actions)| policy(path, name, actions))
        .collect()
});

fn policy(path: &str, name: &str, actions: &[&str]) -> Policy {
    let text = json!({
        "Version": "2012-10-17",
        "Statement": [{ "Effect": "Allow", "Action": actions, "Resource": "*" }],
    });
    let arn = format!("{PREFIX}{path}{name}");
    let digest = Sha256::digest(&arn);
    let id: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    let mut policy = policies::new_policy(arn, path, name, &text.to_string(), SimTime::EPOCH);
    policy.id = format!("ANPA{}", &id[..17]);
    policy
}

/// Every one of them.
pub(super) fn all() -> impl Iterator<Item = Policy> {
    POLICIES.iter().cloned()
}

/// The one with this ARN.
pub(super) fn find(arn: &str) -> Option<Policy> {
    POLICIES.iter().find(|policy| policy.arn == arn).cloned()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::sandbox::aws::iam::document;

    #[test]
    fn every_one_is_named_once_and_has_a_document_that_aws_takes() {
        let arns: BTreeSet<_> = all().map(|policy| policy.arn).collect();
        assert_eq!(arns.len(), TABLE.len());
        for policy in all() {
            let text = &policy.versions[&1].document;
            assert_eq!(document::check_identity(text), Ok(()), "{}", policy.name);
        }
    }

    #[test]
    fn paths_are_those_of_aws() {
        assert!(find("arn:aws:iam::aws:policy/AmazonEKSClusterPolicy").is_some());
        assert!(find("arn:aws:iam::aws:policy/service-role/AmazonEBSCSIDriverPolicy").is_some());
        assert!(find("arn:aws:iam::aws:policy/AmazonEBSCSIDriverPolicy").is_none());
    }
}
