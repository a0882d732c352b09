//! The world on a loopback port: what `aws`, `kubectl` and every other client can look into.
//!
//! `/k8s/{region}/{cluster}/…` is the Kubernetes API of that cluster. What is not signed and asks for another host is
//! meant for a load balancer: `curl -H 'Host: shop.example.com' http://127.0.0.1:4510/`. Everything else is AWS.

use std::future::Future;
use std::io;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::store::Effect;
use super::{Sandbox, aws, kubernetes, web};

/// Where the Kubernetes APIs begin.
const CLUSTERS: &str = "/k8s/";

/// How long a connection may take to finish its reply once the server ends.
const GRACE: Duration = Duration::from_secs(1);

/// Pause after a connection could not be accepted, which is mostly for want of file handles.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// No request of either API is larger.
const LARGEST_BODY: usize = 16 * 1024 * 1024;

/// Why the world could not be served.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The port is taken or forbidden.
    #[error("the sandbox can't listen on {address}")]
    Bind {
        /// The address that was wanted.
        address: SocketAddr,
        /// What the system said.
        source: io::Error,
    },
}

/// A server that is bound, but answers only once it runs.
pub struct Server {
    sandbox: Sandbox,
    listener: TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds `port` of 127.0.0.1; 0 takes a free one.
    ///
    /// # Errors
    /// When the port can't be bound.
    pub async fn bind(sandbox: Sandbox, port: u16) -> Result<Self, Error> {
        let wanted = SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let failed = |source| Error::Bind {
            address: wanted,
            source,
        };
        let listener = TcpListener::bind(wanted).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self {
            sandbox,
            listener,
            address,
        })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Answers until `shutdown` is done; replies under way are given a moment to leave.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let mut shutdown = std::pin::pin!(shutdown);
        let (ending, ended) = watch::channel(false);
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                () = &mut shutdown => break,
                Some(_) = connections.join_next() => {}
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => {
                        connections.spawn(connection(self.sandbox.clone(), stream, ended.clone()));
                    }
                    Err(_) => tokio::time::sleep(ACCEPT_PAUSE).await,
                },
            }
        }
        ending.send_replace(true);
        // Whoever is not done by then is watching, and would never be.
        let _ = tokio::time::timeout(GRACE, async {
            while connections.join_next().await.is_some() {}
        })
        .await;
    }
}

/// The endpoint URL for AWS clients of a server at `address`.
pub fn aws_url(address: SocketAddr) -> String {
    format!("http://{address}")
}

/// The server URL for Kubernetes clients of the cluster `cluster` in `region`, from a server at `address`.
pub fn cluster_url(address: SocketAddr, region: &str, cluster: &str) -> String {
    format!("http://{address}{CLUSTERS}{region}/{cluster}")
}

async fn connection(sandbox: Sandbox, stream: TcpStream, mut ended: watch::Receiver<bool>) {
    let service = service_fn(|request| answer(&sandbox, request));
    let serving = http1::Builder::new()
        .timer(TokioTimer::new())
        .serve_connection(TokioIo::new(stream), service);
    let mut serving = std::pin::pin!(serving);
    // A connection's failure is its client's to see; the server has nobody to tell.
    tokio::select! {
        _ = serving.as_mut() => return,
        _ = ended.wait_for(|ended| *ended) => serving.as_mut().graceful_shutdown(),
    }
    let _ = serving.await;
}

/// Answers one request. An error ends the connection without a reply.
async fn answer(
    sandbox: &Sandbox,
    request: Request<Incoming>,
) -> Result<Response<kubernetes::Body>, BoxError> {
    let (head, body) = request.into_parts();
    let body = Limited::new(body, LARGEST_BODY).collect().await?.to_bytes();
    let mut request = Request::from_parts(head, body);
    let (store, faults) = (sandbox.store(), sandbox.faults());
    Ok(match cluster_of(request.uri()) {
        Some((region, cluster, uri)) => {
            *request.uri_mut() = uri;
            kubernetes::answer(store, faults, &region, &cluster, request).await?
        }
        None if web::host_of(&request).is_some() => {
            let page = browse(sandbox, &request);
            page.map(|body| Full::new(Bytes::from(body)).boxed_unsync())
        }
        None => {
            let response = aws::respond(store, faults, request).await?;
            response.map(|body| Full::new(body).boxed_unsync())
        }
    })
}

/// What a load balancer answers. Where none does, the answer tells why.
fn browse(sandbox: &Sandbox, request: &Request<Bytes>) -> Response<String> {
    let host = web::host_of(request).unwrap_or_default();
    let path = request.uri().path_and_query();
    let path = path.map_or("/", |path| path.as_str());
    let asked = sandbox
        .store()
        .transact(Effect::Reads, |world| web::browse(world, host, path));
    let (status, body) = match asked {
        Ok(Ok(page)) => (page.status, page.body),
        Ok(Err(unanswered)) => (503, format!("sandbox: {unanswered}\n")),
        Err(unusable) => (500, format!("sandbox: {unusable}\n")),
    };
    let mut response = Response::new(body);
    *response.status_mut() =
        StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response
}

/// The region and the cluster that `uri` names, and what is left of it for that cluster's API server.
fn cluster_of(uri: &Uri) -> Option<(String, String, Uri)> {
    let named = uri.path_and_query()?.as_str().strip_prefix(CLUSTERS)?;
    let (region, rest) = named.split_once('/')?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (cluster, rest) = rest.split_at(end);
    let rest = if rest.starts_with('/') {
        rest.parse()
    } else {
        format!("/{rest}").parse()
    };
    Some((region.to_owned(), cluster.to_owned(), rest.ok()?))
}

type BoxError = Box<dyn std::error::Error + Send + Sync>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cluster_is_named_by_the_path_and_sees_the_rest_of_it() {
        let named = |text: &str| {
            let uri: Uri = text.parse().expect("a valid URI");
            cluster_of(&uri).map(|(region, cluster, rest)| format!("{region} {cluster} {rest}"))
        };
        let url = cluster_url(
            SocketAddr::from((Ipv4Addr::LOCALHOST, 80)),
            "eu-west-1",
            "c",
        );
        let seen = |path: &str| named(&format!("{url}{path}"));
        assert_eq!(
            seen("/api/v1?a=b").as_deref(),
            Some("eu-west-1 c /api/v1?a=b")
        );
        assert_eq!(
            seen("?timeout=1").as_deref(),
            Some("eu-west-1 c /?timeout=1")
        );
        assert_eq!(seen("").as_deref(), Some("eu-west-1 c /"));
        for aws in ["/", "/clusters/k8s", "/k8s/eu-west-1", "/k8sx/a/b"] {
            assert_eq!(named(aws), None, "{aws}");
        }
    }
}
