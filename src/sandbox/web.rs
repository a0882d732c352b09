//! The world as its users see it: HTTP to its load balancers.

use http::{Request, header};

use super::aws::elbv2::{LoadBalancer, Maker};
use super::kubernetes::Cluster;
use super::kubernetes::web::{self, Asked};
use super::world::World;
use crate::cloud::{Page, Visit};
use crate::environment::model::Scheme;

/// Why a request gets no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Unanswered {
    /// No load balancer has this name.
    #[error("the name does not resolve: there is no such load balancer")]
    NoSuchName,
    /// It is not there yet.
    #[error("the load balancer is still provisioning")]
    Provisioning,
    /// It has no such listener.
    #[error("the connection was refused: the load balancer has no listener on port {0}")]
    NoListener(i64),
    /// Nobody is behind it.
    #[error("the connection was reset: the load balancer has no healthy target on port {0}")]
    NoTarget(i64),
    /// The other end speaks no TLS.
    #[error("what answers on port {0} speaks no TLS")]
    NoTls(i64),
    /// Nobody vouches for the certificate.
    #[error("the certificate is the ingress controller's own, which nobody trusts for this host")]
    Untrusted,
}

/// Answers a request to a load balancer.
///
/// # Errors
/// Why nobody answers it.
pub fn visit(world: &World, visit: Visit<'_>) -> Result<Page, Unanswered> {
    let asked = Asked {
        tls: visit.scheme == Scheme::Https,
        is_trusted: false,
        host: visit.host,
        path: visit.path,
    };
    let mut balancers = balancers(world);
    let (region, balancer) = balancers
        .find(|(_, balancer)| balancer.dns_name == visit.to)
        .ok_or(Unanswered::NoSuchName)?;
    answer(world, region, balancer, &asked, visit.scheme.port().into())
}

/// The host of a request that is meant for a load balancer and not for an API: it is not signed, and the host is none
/// by which this machine is reached.
pub fn host_of<T>(request: &Request<T>) -> Option<&str> {
    let headers = request.headers();
    let query = request.uri().query().unwrap_or_default();
    if headers.contains_key(header::AUTHORIZATION) || query.contains("X-Amz-Credential=") {
        return None;
    }
    let host = headers.get(header::HOST)?.to_str().ok()?;
    let host = host.rsplit_once(':').map_or(host, |(host, _)| host);
    let is_name = host.contains('.') && host.contains(|sign: char| sign.is_ascii_alphabetic());
    (is_name && !host.ends_with(".localhost")).then_some(host)
}

/// Answers a request for `host` in place of a load balancer: the one that has a rule for it, or else any.
///
/// # Errors
/// Why nobody answers it.
pub fn browse(world: &World, host: &str, path: &str) -> Result<Page, Unanswered> {
    let asked = Asked {
        tls: false,
        is_trusted: false,
        host,
        path,
    };
    let port = Scheme::Http.port().into();
    let answers = balancers(world)
        .map(|(region, balancer)| answer(world, region, balancer, &asked, port))
        .collect::<Vec<_>>();
    let rank = |answer: &Result<Page, Unanswered>| match answer {
        Ok(page) if page.status != web::NO_RULE => 0,
        Ok(_) => 1,
        Err(_) => 2,
    };
    let best = answers.into_iter().min_by_key(rank);
    best.unwrap_or(Err(Unanswered::NoSuchName))
}

fn balancers(world: &World) -> impl Iterator<Item = (&String, &LoadBalancer)> {
    world.regions.iter().flat_map(|(region, services)| {
        let balancers = services.elbv2.load_balancers.values();
        balancers.map(move |balancer| (region, balancer))
    })
}

fn answer(
    world: &World,
    region: &str,
    balancer: &LoadBalancer,
    asked: &Asked<'_>,
    port: i64,
) -> Result<Page, Unanswered> {
    if !balancer.active {
        return Err(Unanswered::Provisioning);
    }
    let mut clusters = world.clusters.values().filter(|one| one.region == region);
    let behind = clusters.find_map(|cluster| {
        let mut services = cluster.all("services");
        let named = |service: &&serde_json::Value| {
            let text = |name: &str| service["metadata"][name].as_str().unwrap_or_default();
            let named = (text("namespace"), text("name"));
            let mut makers = Maker::ALL.into_iter();
            makers.any(|maker| maker.name_for(named, text("uid")) == balancer.name)
        };
        Some((cluster, services.find(named)?))
    });
    let (cluster, service): (&Cluster, _) = behind.ok_or(Unanswered::NoTarget(port))?;
    let mut listeners = balancer.listeners.values();
    let asked = Asked {
        is_trusted: listeners.any(|one| one.port == port && one.certificate.is_some()),
        ..*asked
    };
    web::answer(cluster, service, &asked, port)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_unsigned_and_for_another_host_is_meant_for_a_load_balancer() {
        let host = |host: &str, path: &str, signed: bool| {
            let mut request = Request::get(path).header(header::HOST, host);
            if signed {
                request = request.header(header::AUTHORIZATION, "AWS4-HMAC-SHA256 Credential=…");
            }
            let request = request.body(()).expect("a request");
            host_of(&request).map(str::to_owned)
        };
        let browsed = host("flightsvc.com:4510", "/flights", false);
        assert_eq!(browsed.as_deref(), Some("flightsvc.com"));
        assert_eq!(host("ec2.us-east-1.amazonaws.com", "/", true), None);
        assert_eq!(
            host("sts.amazonaws.com", "/?X-Amz-Credential=a", false),
            None
        );
        for own in [
            "127.0.0.1:4510",
            "localhost:4510",
            "[::1]:4510",
            "sandbox:4510",
        ] {
            assert_eq!(host(own, "/", false), None, "{own}");
        }
    }
}
