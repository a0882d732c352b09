//! Names that lead to the environment.

/// A name of the ingress load balancer.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct LoadBalancerName {
    /// The whole name, lowercase, without the final dot; it may begin with `*.`.
    pub name: String,
    /// The public zone that it stands in, which is not ours; none for the environment's private zone, which is there
    /// then.
    pub public_zone: Option<String>,
}
