//! Clients that send nothing once another run may be at work: the last look before a request leaves.

use std::task::{Context, Poll};

use aws_smithy_runtime_api::client::http::{
    HttpClient, HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector,
    http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;
use aws_smithy_runtime_api::client::result::ConnectorError;
use futures::future::BoxFuture;
use kube::client::Body;
use tower::{BoxError, Service};

use crate::state::Fence;

/// The same client of AWS within `fence`.
pub(super) fn aws(client: SharedHttpClient, fence: &Fence) -> SharedHttpClient {
    let fence = fence.clone();
    http_client_fn(move |settings, components| {
        SharedHttpConnector::new(Fenced {
            inner: client.http_connector(settings, components),
            fence: fence.clone(),
        })
    })
}

/// The same client of a cluster within `fence`.
pub fn cluster(client: kube::Client, fence: &Fence) -> kube::Client {
    let namespace = client.default_namespace().to_owned();
    let fence = fence.clone();
    kube::Client::new(
        Fenced {
            inner: client,
            fence,
        },
        namespace,
    )
}

#[derive(Clone, Debug)]
struct Fenced<T> {
    inner: T,
    fence: Fence,
}

impl HttpConnector for Fenced<SharedHttpConnector> {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        match self.fence.check() {
            Ok(()) => self.inner.call(request),
            Err(overtaken) => {
                HttpConnectorFuture::ready(Err(ConnectorError::user(overtaken.into())))
            }
        }
    }
}

impl Service<http::Request<Body>> for Fenced<kube::Client> {
    type Response = http::Response<Body>;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<Self::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: http::Request<Body>) -> Self::Future {
        let Self { inner, fence } = self.clone();
        Box::pin(async move {
            fence.check()?;
            Ok(inner.send(request).await?)
        })
    }
}
