//! Which actions are needed on what. Names and resource types are those of AWS's Service Authorization Reference.
//!
//! A test holds the actions to the calls that the program makes, both ways.

use serde_json::json;

use super::Statement;
use crate::environment::Environment;
use crate::environment::model::{Database, Secret, StateBackend};

/// Looking, which is the same for every file: what was removed from it is to be seen as well. AWS lets most of this be
/// granted only for everything.
const LOOK: &[(&str, &[&str])] = &[
    (
        "ec2",
        &[
            "DescribeAddresses",
            "DescribeInstances",
            "DescribeInstanceTypeOfferings",
            "DescribeInternetGateways",
            "DescribeNatGateways",
            "DescribeNetworkInterfaces",
            "DescribeRouteTables",
            "DescribeSecurityGroups",
            "DescribeSubnets",
            "DescribeVolumes",
            "DescribeVpcAttribute",
            "DescribeVpcs",
        ],
    ),
    ("ecr", &["DescribeRepositories", "ListTagsForResource"]),
    (
        "eks",
        &[
            "DescribeAccessEntry",
            "DescribeAddon",
            "DescribeAddonVersions",
            "DescribeCluster",
            "DescribeClusterVersions",
            "DescribeNodegroup",
            "DescribePodIdentityAssociation",
            "DescribeUpdate",
            "ListAccessPolicies",
            "ListAssociatedAccessPolicies",
            "ListClusters",
            "ListPodIdentityAssociations",
        ],
    ),
    (
        "elasticache",
        &[
            "DescribeCacheClusters",
            "DescribeCacheEngineVersions",
            "DescribeCacheSubnetGroups",
            "DescribeReplicationGroups",
            "ListTagsForResource",
        ],
    ),
    (
        "elasticloadbalancing",
        &[
            "DescribeLoadBalancers",
            "DescribeTags",
            "DescribeTargetGroups",
        ],
    ),
    (
        "iam",
        &[
            "GetAccountAuthorizationDetails",
            "GetGroup",
            "GetOpenIDConnectProvider",
            "GetPolicy",
            "GetPolicyVersion",
            "GetRole",
            "ListAttachedGroupPolicies",
            "ListAttachedRolePolicies",
            "ListEntitiesForPolicy",
            "ListGroupPolicies",
            "ListOpenIDConnectProviders",
            "ListPolicyTags",
            "ListPolicyVersions",
            "ListRolePolicies",
            "SimulatePrincipalPolicy",
        ],
    ),
    ("logs", &["DescribeLogGroups", "ListTagsForResource"]),
    (
        "rds",
        &[
            "DescribeDBEngineVersions",
            "DescribeDBInstances",
            "DescribeDBSubnetGroups",
            "DescribeOrderableDBInstanceOptions",
            "ListTagsForResource",
        ],
    ),
    (
        "route53",
        &[
            "GetHostedZone",
            "ListHostedZonesByName",
            "ListResourceRecordSets",
            "ListTagsForResource",
        ],
    ),
    (
        "secretsmanager",
        &["BatchGetSecretValue", "DescribeSecret", "ListSecrets"],
    ),
    (
        "servicequotas",
        &["GetAWSDefaultServiceQuota", "GetServiceQuota"],
    ),
    ("tag", &["GetResources"]),
];

const NETWORK: &[&str] = &[
    "AllocateAddress",
    "AssociateRouteTable",
    "AttachInternetGateway",
    "AuthorizeSecurityGroupEgress",
    "AuthorizeSecurityGroupIngress",
    "CreateInternetGateway",
    "CreateNatGateway",
    "CreateRoute",
    "CreateRouteTable",
    "CreateSecurityGroup",
    "CreateSubnet",
    "CreateTags",
    "CreateVpc",
    "DeleteInternetGateway",
    "DeleteNatGateway",
    "DeleteRoute",
    "DeleteRouteTable",
    "DeleteSecurityGroup",
    "DeleteSubnet",
    "DeleteTags",
    "DeleteVpc",
    "DetachInternetGateway",
    "DisassociateRouteTable",
    "ModifySubnetAttribute",
    "ModifyVpcAttribute",
    "ReleaseAddress",
    "ReplaceRoute",
    "ReplaceRouteTableAssociation",
    "RevokeSecurityGroupEgress",
    "RevokeSecurityGroupIngress",
];

/// The types of what these act on.
const NETWORK_TYPES: &[&str] = &[
    "elastic-ip",
    "internet-gateway",
    "natgateway",
    "route-table",
    "security-group",
    "security-group-rule",
    "subnet",
    "vpc",
];

const CLUSTER: &[&str] = &[
    "AssociateAccessPolicy",
    "CreateAccessEntry",
    "CreateAddon",
    "CreateCluster",
    "CreateNodegroup",
    "CreatePodIdentityAssociation",
    "DeleteAccessEntry",
    "DeleteAddon",
    "DeleteCluster",
    "DeleteNodegroup",
    "DeletePodIdentityAssociation",
    "DisassociateAccessPolicy",
    "TagResource",
    "UntagResource",
    "UpdateAccessEntry",
    "UpdateAddon",
    "UpdateClusterConfig",
    "UpdateClusterVersion",
    "UpdateNodegroupConfig",
    "UpdateNodegroupVersion",
    "UpdatePodIdentityAssociation",
];

/// On the log group of the control plane.
const LOGS: &[&str] = &[
    "CreateLogGroup",
    "DeleteLogGroup",
    "DeleteRetentionPolicy",
    "PutRetentionPolicy",
    "TagResource",
    "UntagResource",
];

const PROVIDER: &[&str] = &[
    "AddClientIDToOpenIDConnectProvider",
    "CreateOpenIDConnectProvider",
    "DeleteOpenIDConnectProvider",
    "RemoveClientIDFromOpenIDConnectProvider",
    "TagOpenIDConnectProvider",
    "UntagOpenIDConnectProvider",
];

const ROLES: &[&str] = &[
    "AttachRolePolicy",
    "CreateRole",
    "DeleteRole",
    "DeleteRolePolicy",
    "DetachRolePolicy",
    "TagRole",
    "UntagRole",
    "UpdateAssumeRolePolicy",
];

const GROUPS: &[&str] = &[
    "AddUserToGroup",
    "AttachGroupPolicy",
    "CreateGroup",
    "DeleteGroup",
    "DeleteGroupPolicy",
    "DetachGroupPolicy",
    "RemoveUserFromGroup",
];

const POLICIES: &[&str] = &[
    "CreatePolicy",
    "CreatePolicyVersion",
    "DeletePolicy",
    "DeletePolicyVersion",
    "TagPolicy",
    "UntagPolicy",
];

const DATABASES: &[&str] = &[
    "AddTagsToResource",
    "CreateDBInstance",
    "CreateDBSubnetGroup",
    "DeleteDBInstance",
    "DeleteDBSubnetGroup",
    "ModifyDBInstance",
    "ModifyDBSubnetGroup",
    "RemoveTagsFromResource",
];

const CACHES: &[&str] = &[
    "AddTagsToResource",
    "CreateCacheSubnetGroup",
    "CreateReplicationGroup",
    "DecreaseReplicaCount",
    "DeleteCacheSubnetGroup",
    "DeleteReplicationGroup",
    "IncreaseReplicaCount",
    "ModifyCacheSubnetGroup",
    "ModifyReplicationGroup",
    "RemoveTagsFromResource",
];

const SECRETS: &[&str] = &[
    "CreateSecret",
    "DeleteSecret",
    "GetSecretValue",
    "PutSecretValue",
    "RestoreSecret",
    "TagResource",
    "UntagResource",
    "UpdateSecret",
];

const REGISTRIES: &[&str] = &[
    "CreateRepository",
    "DeleteRepository",
    "PutImageScanningConfiguration",
    "PutImageTagMutability",
    "TagResource",
    "UntagResource",
];

const ZONE: &[&str] = &[
    "AssociateVPCWithHostedZone",
    "ChangeResourceRecordSets",
    "ChangeTagsForResource",
    "DeleteHostedZone",
    "DisassociateVPCFromHostedZone",
    "UpdateHostedZoneComment",
];

/// On the documents of a state in a bucket.
const STATE: &[&str] = &["DeleteObject", "GetObject", "PutObject"];

/// The statements by the kinds whose work needs them. What is not here was done before there is a plan to check, is for
/// teardowns, AWS does it by itself, or, as `Names`, it is about a zone whose id is not known from the file.
const NEEDED_FOR: &[(&str, &[&str])] = &[
    ("Network", &["network."]),
    ("Zone", &["dns."]),
    ("NewZone", &["dns.zone"]),
    ("Cluster", &["cluster."]),
    ("OidcProvider", &["cluster.oidc-provider"]),
    ("Roles", &["iam.role"]),
    ("PassRoles", &["cluster."]),
    ("Logs", &["cluster.log-group"]),
    ("Databases", &["database."]),
    ("Caches", &["cache."]),
    ("Secrets", &["secrets."]),
    ("Groups", &["iam.group"]),
    ("Policies", &["iam.policy"]),
    ("Registries", &["registries."]),
];

/// Whether work on a resource of `kind` needs the statement `sid`.
pub(super) fn is_needed_for(sid: &str, kind: &str) -> bool {
    let mut rows = NEEDED_FOR.iter().filter(|(of, _)| *of == sid);
    rows.any(|(_, kinds)| kinds.iter().any(|prefix| kind.starts_with(prefix)))
}

/// Everything that `environment` needs, a statement for each sort of resource.
pub(super) fn statements(environment: &Environment) -> Vec<Statement> {
    let scope = Scope(environment);
    let partition = environment.partition();
    let mut all = vec![Statement {
        sid: "Look",
        effect: "Allow",
        action: (LOOK.iter())
            .flat_map(|(service, names)| actions(service, names))
            .collect(),
        resource: vec!["*".to_owned()],
        condition: None,
    }];
    if let StateBackend::S3 { bucket, prefix } = &environment.state {
        let bucket = format!("arn:{partition}:s3:::{bucket}");
        let documents = match prefix.as_str() {
            "" => format!("{bucket}/*"),
            prefix => format!("{bucket}/{prefix}/*"),
        };
        all.push(allow("State", "s3", STATE, vec![documents]));
        all.push(allow("StateHistory", "s3", &["ListBucket"], vec![bucket]));
    }
    scope.network(&mut all);
    scope.names(&mut all);
    scope.cluster(&mut all);
    scope.data(&mut all);
    scope.access(&mut all);
    all
}

fn actions<'a>(service: &'a str, names: &'a [&str]) -> impl Iterator<Item = String> + 'a {
    names.iter().map(move |name| format!("{service}:{name}"))
}

fn allow(sid: &'static str, service: &str, names: &[&str], resource: Vec<String>) -> Statement {
    Statement {
        sid,
        effect: "Allow",
        action: actions(service, names).collect(),
        resource,
        condition: None,
    }
}

/// Writes ARNs.
struct Scope<'a>(&'a Environment);

impl Scope<'_> {
    /// What lives in the environment's region. Without an account in the file, whichever the credentials are of.
    fn regional(&self, service: &str, rest: &str) -> String {
        let Environment { region, .. } = self.0;
        let (partition, account) = (self.0.partition(), self.account());
        format!("arn:{partition}:{service}:{region}:{account}:{rest}")
    }

    /// What lives in no region.
    fn iam(&self, rest: &str) -> String {
        let (partition, account) = (self.0.partition(), self.account());
        format!("arn:{partition}:iam::{account}:{rest}")
    }

    /// What carries its owner in its path: the lineage is not known before the first apply.
    fn owned(&self, sort: &str, name: &str) -> String {
        let Environment {
            name: of, region, ..
        } = self.0;
        self.iam(&format!("{sort}/groundwork/{of}/{region}/*/{name}"))
    }

    fn account(&self) -> &str {
        self.0.account.as_deref().unwrap_or("*")
    }

    fn network(&self, all: &mut Vec<Statement>) {
        let Some(network) = &self.0.network else {
            return;
        };
        let types = NETWORK_TYPES.iter();
        let types = types.map(|sort| self.regional("ec2", &format!("{sort}/*")));
        all.push(allow("Network", "ec2", NETWORK, types.collect()));
        if network.private_zone.is_some() {
            let partition = self.0.partition();
            let zones = vec![format!("arn:{partition}:route53:::hostedzone/*")];
            all.push(allow("Zone", "route53", ZONE, zones));
            // A zone that is not there yet has no ARN.
            let anything = vec!["*".to_owned()];
            all.push(allow("NewZone", "route53", &["CreateHostedZone"], anything));
        }
    }

    /// In a public zone, whose id only AWS knows, nothing but our records may be changed.
    fn names(&self, all: &mut Vec<Statement>) {
        let names = self.0.load_balancer_names.iter();
        let public = names.filter(|name| name.public_zone.is_some());
        // Everything but letters, digits, `-`, `_` and `.` goes by its octal number there.
        let names: Vec<String> = public.map(|name| name.name.replace('*', "\\052")).collect();
        if names.is_empty() {
            return;
        }
        let partition = self.0.partition();
        let zones = vec![format!("arn:{partition}:route53:::hostedzone/*")];
        all.push(Statement {
            condition: Some(json!({ "ForAllValues:StringEquals": {
                "route53:ChangeResourceRecordSetsNormalizedRecordNames": names,
            } })),
            ..allow("Names", "route53", &["ChangeResourceRecordSets"], zones)
        });
    }

    fn cluster(&self, all: &mut Vec<Statement>) {
        let Some(cluster) = &self.0.cluster else {
            return;
        };
        let name = &cluster.name;
        let resource = vec![
            self.regional("eks", &format!("cluster/{name}")),
            self.regional("eks", &format!("nodegroup/{name}/*")),
            self.regional("eks", &format!("access-entry/{name}/*")),
            self.regional("eks", &format!("addon/{name}/*")),
            self.regional("eks", &format!("podidentityassociation/{name}/*")),
        ];
        all.push(allow("Cluster", "eks", CLUSTER, resource));
        let roles = [&cluster.control_role, &cluster.worker_role];
        let identities = cluster.identities.values().map(|identity| &identity.role);
        let pools = cluster.auto_mode.iter().map(|auto| &auto.node_role);
        let roles = roles.into_iter().chain(identities).chain(pools);
        let roles: Vec<String> = roles
            .map(|role| self.iam(&format!("role/{role}")))
            .collect();
        all.push(allow("Roles", "iam", ROLES, roles.clone()));
        all.push(Statement {
            condition: Some(json!({ "StringEquals": {
                "iam:PassedToService": [
                    "eks.amazonaws.com", "ec2.amazonaws.com", "pods.eks.amazonaws.com",
                ],
            } })),
            ..allow("PassRoles", "iam", &["PassRole"], roles)
        });
        if cluster.oidc_provider {
            // Its last part is EKS's to choose.
            let issuer = format!("oidc-provider/oidc.eks.{}.*", self.0.region);
            let provider = vec![self.iam(&issuer)];
            all.push(allow("OidcProvider", "iam", PROVIDER, provider));
        }
        // What the cluster's controllers may leave, and only a teardown removes.
        let left = ["network-interface", "volume"];
        let left = left.map(|sort| self.regional("ec2", &format!("{sort}/*")));
        let names = ["CreateTags", "DeleteNetworkInterface", "DeleteVolume"];
        all.push(allow("Leftovers", "ec2", &names, left.to_vec()));
        let left = ["loadbalancer", "targetgroup"];
        let left = left.map(|sort| self.regional("elasticloadbalancing", &format!("{sort}/*")));
        let names = ["DeleteLoadBalancer", "DeleteTargetGroup"];
        all.push(allow(
            "LeftoverBalancers",
            "elasticloadbalancing",
            &names,
            left.to_vec(),
        ));
        let log = self.regional("logs", &format!("log-group:/aws/eks/{name}/cluster*"));
        all.push(allow("Logs", "logs", LOGS, vec![log]));
    }

    fn data(&self, all: &mut Vec<Statement>) {
        let Environment {
            databases,
            caches,
            secrets,
            ..
        } = self.0;
        if !databases.is_empty() {
            let named = |database: &Database| {
                let Database {
                    name, subnet_group, ..
                } = database;
                [format!("db:{name}"), format!("subgrp:{subnet_group}")]
            };
            let resource = (databases.values().flat_map(named))
                // A new instance uses the parameter and option groups that RDS has for its engine.
                .chain(["og:default*", "pg:default*"].map(str::to_owned))
                .map(|rest| self.regional("rds", &rest));
            all.push(allow("Databases", "rds", DATABASES, resource.collect()));
            let snapshots = vec![self.regional("rds", "snapshot:*")];
            let names = ["AddTagsToResource", "CreateDBSnapshot"];
            all.push(allow("FinalSnapshots", "rds", &names, snapshots));
        }
        if !caches.is_empty() {
            let named = caches.values().flat_map(|cache| {
                let (name, group) = (&cache.name, &cache.subnet_group);
                [
                    format!("replicationgroup:{name}"),
                    format!("cluster:{name}-*"),
                    format!("subnetgroup:{group}"),
                ]
            });
            let resource = (named.chain(["parametergroup:default*".to_owned()]))
                .map(|rest| self.regional("elasticache", &rest));
            all.push(allow("Caches", "elasticache", CACHES, resource.collect()));
        }
        if !secrets.is_empty() {
            let named = secrets.values().map(|Secret { name, .. }| {
                // Secrets Manager puts six characters of its own behind the name.
                self.regional("secretsmanager", &format!("secret:{name}-??????"))
            });
            all.push(allow("Secrets", "secretsmanager", SECRETS, named.collect()));
        }
        self.service_linked(all);
    }

    /// The first cluster, database or cache of an account has AWS make the role that its service acts with.
    fn service_linked(&self, all: &mut Vec<Statement>) {
        let mut services = Vec::new();
        if self.0.cluster.is_some() {
            services.extend(["eks.amazonaws.com", "eks-nodegroup.amazonaws.com"]);
        }
        if !self.0.databases.is_empty() {
            services.push("rds.amazonaws.com");
        }
        if !self.0.caches.is_empty() {
            services.push("elasticache.amazonaws.com");
        }
        if services.is_empty() {
            return;
        }
        let roles = vec![self.iam("role/aws-service-role/*")];
        all.push(Statement {
            condition: Some(json!({ "StringEquals": { "iam:AWSServiceName": services } })),
            ..allow("ServiceRoles", "iam", &["CreateServiceLinkedRole"], roles)
        });
    }

    fn access(&self, all: &mut Vec<Statement>) {
        let Environment {
            groups,
            policies,
            registries,
            ..
        } = self.0;
        if !groups.is_empty() {
            let named = groups
                .values()
                .map(|group| self.owned("group", &group.name));
            all.push(allow("Groups", "iam", GROUPS, named.collect()));
        }
        if !policies.is_empty() {
            let named = policies
                .values()
                .map(|policy| self.owned("policy", &policy.name));
            all.push(allow("Policies", "iam", POLICIES, named.collect()));
        }
        if !registries.is_empty() {
            let named = registries.values();
            let named = named
                .map(|registry| self.regional("ecr", &format!("repository/{}", registry.name)));
            all.push(allow("Registries", "ecr", REGISTRIES, named.collect()));
        }
    }
}
