//! Asking an environment as the people who use it would: one HTTP request to a load balancer.

use std::error::Error;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{HOST, USER_AGENT};
use http::{Request, Uri};
use http_body_util::{BodyExt, Empty};
use hyper::body::Incoming;

use super::https;
use crate::environment::model::Scheme;

/// How long one answer is waited for. A new name may not be known everywhere yet, so that it is better to ask again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(10);

/// How much of an answer is read.
const MOST_BYTES: usize = 1 << 20;

type BoxError = Box<dyn Error + Send + Sync>;

/// One request.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// Where it goes: the name or address of a load balancer.
    pub to: &'a str,
    /// How it is made.
    pub scheme: Scheme,
    /// The host that it asks for.
    pub host: &'a str,
    /// The path and query that it asks for.
    pub path: &'a str,
}

/// What came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The status.
    pub status: u16,
    /// The beginning of the body.
    pub body: String,
}

/// Nothing came back.
#[derive(Debug, thiserror::Error)]
#[error("no answer from {to}")]
pub struct NoAnswer {
    /// Where the request went.
    pub to: String,
    /// Why.
    pub source: BoxError,
}

/// Makes requests to load balancers. In the sandbox they never leave the process.
#[async_trait]
pub trait Visitor: Send + Sync {
    /// Asks once. Redirects are not followed.
    async fn visit(&self, visit: Visit<'_>) -> Result<Page, NoAnswer>;
}

/// The way over the internet.
#[derive(Clone, Copy, Debug)]
pub struct Internet;

#[async_trait]
impl Visitor for Internet {
    async fn visit(&self, visit: Visit<'_>) -> Result<Page, NoAnswer> {
        let asked = tokio::time::timeout(ANSWERS_WITHIN, ask(visit, visit.scheme.port())).await;
        let answered = asked.map_err(BoxError::from);
        answered.flatten().map_err(|source| NoAnswer {
            to: visit.to.to_owned(),
            source,
        })
    }
}

async fn ask(visit: Visit<'_>, port: u16) -> Result<Page, BoxError> {
    let Visit {
        to,
        scheme,
        host,
        path,
    } = visit;
    let uri: Uri = format!("{scheme}://{to}:{port}{path}").parse()?;
    let request = Request::get(uri)
        .header(HOST, host)
        .header(USER_AGENT, "groundwork")
        .body(Empty::<Bytes>::new())?;
    // The certificate has to be the host's, although the connection goes to the load balancer.
    let client = https::client_for(host)?;
    let answer = client.request(request).await?;
    let status = answer.status().as_u16();
    let body = beginning(answer.into_body()).await?;
    Ok(Page { status, body })
}

async fn beginning(mut body: Incoming) -> Result<String, BoxError> {
    let mut bytes = Vec::new();
    while bytes.len() < MOST_BYTES
        && let Some(frame) = body.frame().await
    {
        if let Ok(data) = frame?.into_data() {
            bytes.extend_from_slice(&data);
        }
    }
    bytes.truncate(MOST_BYTES);
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpListener;

    /// Answers one connection with what was asked for.
    async fn echo() -> u16 {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        tokio::spawn(async move {
            let (stream, _) = listener.accept().await.unwrap();
            let service = service_fn(|request: Request<Incoming>| async move {
                let host = request.headers()[HOST].to_str().unwrap().to_owned();
                let body = Full::new(Bytes::from(format!("{host} {}", request.uri())));
                let answer = http::Response::builder().status(404);
                answer.body(body)
            });
            let serving = hyper::server::conn::http1::Builder::new();
            drop(
                serving
                    .serve_connection(TokioIo::new(stream), service)
                    .await,
            );
        });
        port
    }

    fn visit(to: &str) -> Visit<'_> {
        Visit {
            to,
            scheme: Scheme::Http,
            host: "flightsvc.com",
            path: "/flights?flight_no=AA2532",
        }
    }

    #[tokio::test]
    async fn the_load_balancer_is_asked_for_the_host() {
        let port = echo().await;
        let page = ask(visit("127.0.0.1"), port).await.unwrap();
        let expected = Page {
            status: 404,
            body: "flightsvc.com /flights?flight_no=AA2532".to_owned(),
        };
        assert_eq!(page, expected);
    }

    #[tokio::test]
    async fn a_load_balancer_that_is_not_there_is_named() {
        let refused = Internet.visit(visit("elb.invalid")).await.unwrap_err();
        assert_eq!(refused.to_string(), "no answer from elb.invalid");
    }
}
