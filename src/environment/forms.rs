//! The texts of the file that must have a certain form: names as AWS and Kubernetes allow them, address blocks, versions.
//!
//! A form is a pattern and the words that explain it. The words end up in `patternErrorMessage`, which editors show, and in our
//! own diagnostics.

use std::borrow::{Borrow, Cow};
use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use regex_lite::Regex;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// A text with a form.
pub(super) trait Form: Ord + From<String> + Deref<Target = str> {
    /// What it has to match.
    const PATTERN: &'static str;
    /// The most characters it may have.
    const LONGEST: usize;
    /// What it is, in words that follow "expected".
    const SAYS: &'static str;

    /// Whether a text has this form.
    fn fits(text: &str) -> bool {
        text.chars().count() <= Self::LONGEST && matches(Self::PATTERN, text)
    }

    /// The form as a JSON Schema.
    fn schema() -> Schema {
        json_schema!({
            "type": "string",
            "pattern": Self::PATTERN,
            "maxLength": Self::LONGEST,
            "patternErrorMessage": format!("expected {}", Self::SAYS),
        })
    }
}

/// Whether a text matches one of our patterns. A pattern that does not compile matches nothing; a test compiles them all.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    Regex::new(pattern).is_ok_and(|regex| regex.is_match(text))
}

macro_rules! forms {
    ($($(#[$doc:meta])* $name:ident($longest:literal, $pattern:literal, $says:literal);)*) => {
        $(
            $(#[$doc])*
            #[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize, Serialize)]
            #[serde(transparent)]
            pub(super) struct $name(String);

            impl Form for $name {
                const PATTERN: &'static str = $pattern;
                const LONGEST: usize = $longest;
                const SAYS: &'static str = $says;
            }

            impl From<String> for $name {
                fn from(text: String) -> Self {
                    Self(text)
                }
            }

            impl Deref for $name {
                type Target = str;

                fn deref(&self) -> &str {
                    &self.0
                }
            }

            impl fmt::Display for $name {
                fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                    f.write_str(&self.0)
                }
            }

            impl Borrow<str> for $name {
                fn borrow(&self) -> &str {
                    &self.0
                }
            }

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    true
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema(_: &mut SchemaGenerator) -> Schema {
                    <Self as Form>::schema()
                }
            }
        )*

        #[cfg(test)]
        const PATTERNS: &[(&str, &str)] = &[$((stringify!($name), $pattern)),*];
    };
}

forms! {
    /// What we call a thing ourselves: a key of a map and a part of addresses.
    Key(40, r"^[A-Za-z][A-Za-z0-9_-]*$", "a letter, then letters, digits, `-` and `_`, at most 40 characters");
    /// The name of an environment, from which many names in AWS are derived.
    EnvironmentName(32, r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        "lowercase letters, digits and single hyphens, beginning with a letter, at most 32 characters");
    /// An AWS region.
    Region(32, r"^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}$", "an AWS region such as `eu-central-1`");
    /// An availability zone.
    Zone(33, r"^[a-z]{2}(-[a-z]+)+-[0-9]{1,2}[a-z]$", "an availability zone: the region and a letter, such as `eu-central-1a`");
    /// An AWS account.
    Account(12, r"^[0-9]{12}$", "the twelve digits of an AWS account");
    /// A value of an AWS tag.
    TagValue(200, r"^[A-Za-z0-9 _.:/=+@-]+$",
        "letters, digits, spaces and any of `_.:/=+-@`, at most 200 characters");
    /// The time an environment is meant to live.
    TtlText(12, r"^[0-9]+[mhd]$", "a whole number of minutes, hours or days, such as `90m`, `8h` or `3d`");
    /// Where state is kept.
    Backend(1000, r"^[^\s].*$", "a folder such as `.groundwork/state`, or a bucket such as `s3://bucket/prefix`");
    /// A bucket of S3.
    BucketName(63, r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
        "the name of a bucket: 3 to 63 lowercase letters, digits, hyphens and dots, first and last a letter or digit");
    /// What the names of objects begin with.
    Prefix(500, r"^[A-Za-z0-9_=-][A-Za-z0-9._=-]*(/[A-Za-z0-9_=-][A-Za-z0-9._=-]*)*$",
        "letters, digits and any of `._=-` in parts with single slashes between, no part beginning with a dot");
    /// An IPv4 address block.
    Cidr(18, r"^[0-9]{1,3}(\.[0-9]{1,3}){3}/[0-9]{1,2}$", "an IPv4 address block such as `10.10.0.0/16`");
    /// A domain name.
    Domain(253, r"^([a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        "a lowercase domain name without a final dot, such as `staging.example.com`");
    /// A name in a zone.
    RecordName(253, r"^(\*\.)?([a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?\.)+[a-z]([a-z0-9-]{0,61}[a-z0-9])?$",
        "a lowercase domain name without a final dot, such as `shop.example.com` or `*.shop.example.com`");
    /// A certificate in ACM.
    CertificateArn(512, r"^arn:aws[a-z-]*:acm:[a-z0-9-]+:[0-9]{12}:certificate/[A-Za-z0-9-]+$",
        "the ARN of a certificate in ACM, such as `arn:aws:acm:eu-central-1:123456789012:certificate/…`");
    /// One label of a domain name.
    DnsLabel(63, r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$",
        "lowercase letters, digits and hyphens, not first or last a hyphen, at most 63 characters");
    /// A name of a Kubernetes object.
    ObjectName(253, r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$",
        "lowercase letters, digits, hyphens and dots, first and last a letter or digit");
    /// A key in a Kubernetes secret.
    DataKey(253, r"^[A-Za-z0-9._-]+$", "letters, digits, `-`, `_` and `.`");
    /// A key of a Kubernetes label or taint.
    LabelKey(317, r"^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$",
        "a Kubernetes label key such as `team` or `example.com/team`");
    /// A value of a Kubernetes label or taint.
    LabelValue(63, r"^([A-Za-z0-9]([A-Za-z0-9_.-]*[A-Za-z0-9])?)?$",
        "letters, digits, `-`, `_` and `.`, first and last a letter or digit, at most 63 characters");
    /// An EKS cluster.
    ClusterName(100, r"^[A-Za-z0-9][A-Za-z0-9_-]*$", "letters, digits, `-` and `_`, at most 100 characters");
    /// An EKS node group.
    NodeGroupName(63, r"^[A-Za-z0-9][A-Za-z0-9_-]*$", "letters, digits, `-` and `_`, at most 63 characters");
    /// A minor version of Kubernetes.
    KubernetesVersion(5, r"^1\.[0-9]{2}$", "a Kubernetes version such as `1.35`");
    /// An add-on of EKS.
    AddonName(100, r"^[A-Za-z][A-Za-z0-9_-]*$", "an add-on of EKS such as `vpc-cni`");
    /// The version of one.
    AddonVersion(100, r"^v?[0-9][0-9A-Za-z.+-]*$", "a version such as `v1.20.4-eksbuild.2`");
    /// An object in JSON.
    JsonObject(65536, r"^\{[^\x00]*\}$", "an object in JSON, such as `{\"replicaCount\": 3}`");
    /// What a role may have as a policy.
    RolePolicy(512, r"^(arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9_+=,.@/-]+|[A-Za-z0-9_+=,@-]+)$",
        "an AWS-managed policy such as `AmazonS3ReadOnlyAccess`, or an ARN");
    /// Who is let into a cluster.
    Principal(2048, r"^(arn:aws[a-z-]*:iam::[0-9]{12}:)?(role|user)/[A-Za-z0-9_+=,.@/-]+$",
        "a role or user of IAM, such as `role/platform` or `arn:aws:iam::123456789012:role/platform`; of a session its role");
    /// What EKS lets a principal do in a cluster.
    AccessPolicy(100, r"^AmazonEKS[A-Za-z0-9]*Policy$", "an access policy of EKS, such as `AmazonEKSViewPolicy`");
    /// A group that RBAC in the cluster may name.
    KubernetesGroup(63, r"^[A-Za-z0-9][A-Za-z0-9._:@/-]*$", "the name of a group in RBAC, such as `flights:viewers`");
    /// An IAM role.
    RoleName(64, r"^[A-Za-z0-9_+=,.@-]+$", "letters, digits and any of `_+=,.@-`, at most 64 characters");
    /// An IAM group or policy.
    IamName(128, r"^[A-Za-z0-9_+=,.@-]+$", "letters, digits and any of `_+=,.@-`, at most 128 characters");
    /// An IAM user.
    UserName(64, r"^[A-Za-z0-9_+=,.@-]+$", "the name of an IAM user: letters, digits and any of `_+=,.@-`, at most 64 characters");
    /// What a group of ours may have as a policy.
    PolicyReference(512, r"^(arn:aws[a-z-]*:iam::(aws|[0-9]{12}):policy/[A-Za-z0-9_+=,.@/-]+|[A-Za-z0-9_/.-]+\.json|[A-Za-z0-9_+=,@-]+)$",
        "an AWS-managed policy such as `AmazonRDSFullAccess`, an ARN, or a document such as `policies/db-ops.json`");
    /// A security group.
    GroupName(255, r"^[A-Za-z0-9. _:/()#,@\[\]+=&;{}!$*-]+$", "letters, digits, spaces and any of `._-:/()#,@[]+=&;{}!$*`, at most 255 characters");
    /// An RDS instance.
    DatabaseName(63, r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        "lowercase letters, digits and single hyphens, beginning with a letter, at most 63 characters");
    /// An ElastiCache replication group.
    CacheName(40, r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        "lowercase letters, digits and single hyphens, beginning with a letter, at most 40 characters");
    /// A subnet group of RDS or ElastiCache.
    SubnetGroupName(255, r"^[a-z0-9][a-z0-9-]*$", "lowercase letters, digits and hyphens, at most 255 characters");
    /// An instance type.
    InstanceType(40, r"^[a-z][a-z0-9-]*\.[a-z0-9-]+$", "an instance type such as `t3.medium`");
    /// An RDS instance class.
    DatabaseClass(40, r"^db\.[a-z][a-z0-9-]*\.[a-z0-9-]+$", "an instance class of RDS such as `db.t3.micro`");
    /// An ElastiCache node type.
    NodeType(40, r"^cache\.[a-z][a-z0-9-]*\.[a-z0-9-]+$", "a node type of ElastiCache such as `cache.t4g.micro`");
    /// The version of an engine.
    EngineVersion(32, r"^[0-9]+(\.[0-9]+){0,3}$", "a version such as `8.4` or `16`");
    /// A database inside an instance.
    SchemaName(63, r"^[A-Za-z][A-Za-z0-9_]*$", "letters, digits and `_`, beginning with a letter, at most 63 characters");
    /// The master user of a database.
    MasterUser(63, r"^[A-Za-z][A-Za-z0-9_]*$", "letters, digits and `_`, beginning with a letter, at most 63 characters");
    /// A Secrets Manager secret.
    SecretName(512, r"^[A-Za-z0-9/_+=.@-]+$", "letters, digits and any of `/_+=.@-`, at most 512 characters");
    /// A text that explains something.
    Description(1000, r"^[^\x00-\x1f]+$", "one line of text, at most 1000 characters");
    /// A variable of the process's environment.
    Variable(128, r"^[A-Za-z_][A-Za-z0-9_]*$", "the name of an environment variable such as `MYSQL_PASSWORD`");
    /// An ECR repository.
    RepositoryName(256, r"^([a-z0-9]+([._-][a-z0-9]+)*/)*[a-z0-9]+([._-][a-z0-9]+)*$",
        "lowercase letters and digits, with single `.`, `_`, `-` or `/` between them");
    /// A release of a program in the cluster.
    ReleaseVersion(40, r"^v[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.]+)?$", "a release such as `v3.5.1`");
    /// A published file.
    Url(2000, r"^https?://[^\s/@]+/\S+$", "a URL such as `https://example.com/install.yaml`");
    /// A SHA-256 digest.
    Sha256(64, r"^[0-9a-f]{64}$", "the 64 lowercase hexadecimal digits of a SHA-256");
    /// A path that is asked for over HTTP.
    RequestPath(2000, r"^/[A-Za-z0-9/._~!$&'()*+,;=:@%?-]*$", "a path such as `/flights?flight_no=AA2532`, other signs encoded as `%20`");
    /// A file or folder of the project.
    LocalPath(1000, r"^[A-Za-z0-9_.][A-Za-z0-9_.+-]*(/[A-Za-z0-9_.][A-Za-z0-9_.+-]*)*$",
        "a path inside the project, such as `manifests/web.yaml`");
    /// What the objects of a release are called after.
    ReleaseName(40, r"^[a-z][a-z0-9]*(-[a-z0-9]+)*$",
        "lowercase letters, digits and single hyphens, beginning with a letter, at most 40 characters");
    /// Where charts are published.
    ChartRepository(2000, r"^(https?|oci)://[^\s/@]+(/[^\s@]*)?$",
        "the URL of a chart repository, without user or password, such as `https://traefik.github.io/charts` or `oci://ghcr.io/acme/charts`");
    /// A chart in a repository.
    ChartName(200, r"^[a-z0-9][a-z0-9._-]*$", "the name of a chart, such as `traefik`");
    /// The one version of a chart.
    ChartVersion(100, r"^v?[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?$",
        "one whole version such as `37.1.0`, not a range");
    /// A Git repository.
    GitUrl(2000, r"^(https?://[^\s/@]+/\S+|ssh://\S+|git@[^\s:]+:\S+)$",
        "the URL of a Git repository, without user or password, such as `https://github.com/acme/deploy`");
    /// Git repositories that are allowed, by their URLs.
    RepositoryPattern(2000, r"^!?[^\s@]+$|^!?git@[^\s@]+$",
        "the URL of a Git repository, without user or password, or a pattern such as `https://github.com/acme/*`");
    /// Namespaces that are allowed.
    NamespacePattern(253, r"^[a-z0-9*]([a-z0-9*-]*[a-z0-9*])?$", "a namespace, or a pattern such as `shop-*`");
    /// A group of Kubernetes types.
    GroupPattern(253, r"^[a-z0-9.*-]*$", "an API group such as `rbac.authorization.k8s.io`, or `*`");
    /// A kind of Kubernetes object.
    KindPattern(100, r"^(\*|[A-Z][A-Za-z0-9]*)$", "a kind of Kubernetes object such as `ClusterRole`, or `*`");
    /// Who signs in at a Git server.
    UserOfRepository(200, r"^[^\s:]+$", "a name to sign in with, without white space or colons");
    /// A folder in a Git repository.
    GitPath(1000, r"^[^\s/][^\s]*$", "a folder in the repository, such as `ms-flights` or `.`");
    /// A branch, tag or commit.
    Revision(250, r"^[A-Za-z0-9][A-Za-z0-9._/+-]*$", "a branch, tag or commit, such as `HEAD` or `v1.2.0`");
}

/// A map whose keys have a form.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(
    transparent,
    bound(deserialize = "K: Ord + Deserialize<'de>, V: Deserialize<'de>")
)]
pub(super) struct Named<K, V>(pub(super) BTreeMap<K, V>);

impl<K, V> Default for Named<K, V> {
    fn default() -> Self {
        Self(BTreeMap::new())
    }
}

impl<K, V> Deref for Named<K, V> {
    type Target = BTreeMap<K, V>;

    fn deref(&self) -> &BTreeMap<K, V> {
        &self.0
    }
}

impl<K: Form, V: JsonSchema> JsonSchema for Named<K, V> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Named{}", V::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let mut names = K::schema();
        names.remove("type");
        json_schema!({
            "type": "object",
            "additionalProperties": generator.subschema_for::<V>(),
            "propertyNames": Value::from(names),
        })
    }
}

/// A table of which only its reader knows what belongs into it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(transparent)]
pub(super) struct Free(pub(super) Map<String, Value>);

impl JsonSchema for Free {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Free".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "object", "additionalProperties": true})
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pattern_compiles_and_is_anchored() {
        for (name, pattern) in PATTERNS {
            assert!(Regex::new(pattern).is_ok(), "{name}");
            assert!(pattern.starts_with('^') && pattern.ends_with('$'), "{name}");
        }
    }

    #[test]
    fn names_follow_the_rules_of_aws() {
        assert!(DatabaseName::fits("microservices-mysql"));
        for bad in ["", "1st", "My", "a--b", "a-", "a_b", &"a".repeat(64)] {
            assert!(!DatabaseName::fits(bad), "{bad}");
        }
        assert!(
            RepositoryName::fits("team/ms-flights")
                && !RepositoryName::fits("team//x")
                && !RepositoryName::fits("Team")
        );
        assert!(
            Domain::fits("staging.msur-vpc.com")
                && !Domain::fits("staging")
                && !Domain::fits("a.com.")
        );
        assert!(
            Region::fits("us-gov-west-1")
                && !Region::fits("us-east-1a")
                && Zone::fits("us-east-1a")
        );
        assert!(!GitUrl::fits("https://user:token@github.com/acme/deploy"));
        assert!(!Account::fits("１２３４５６７８９０１２"));
    }
}
