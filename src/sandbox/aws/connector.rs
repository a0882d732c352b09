//! The AWS SDK's HTTP client that never leaves the process.

use aws_smithy_runtime_api::client::http::{
    HttpConnector, HttpConnectorFuture, SharedHttpClient, SharedHttpConnector, http_client_fn,
};
use aws_smithy_runtime_api::client::orchestrator::{HttpRequest, HttpResponse};
use aws_smithy_runtime_api::client::result::ConnectorError;
use aws_smithy_types::body::SdkBody;
use http_body_util::BodyExt;

use super::respond;
use crate::sandbox::faults::Faults;
use crate::sandbox::store::Store;

/// An HTTP client whose every request is answered by the world in `store`.
pub fn http_client(store: Store, faults: Faults) -> SharedHttpClient {
    let connector = SharedHttpConnector::new(InProcess { store, faults });
    http_client_fn(move |_settings, _components| connector.clone())
}

struct InProcess {
    store: Store,
    faults: Faults,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("InProcess")
    }
}

impl HttpConnector for InProcess {
    fn call(&self, request: HttpRequest) -> HttpConnectorFuture {
        let (store, faults) = (self.store.clone(), self.faults.clone());
        HttpConnectorFuture::new(async move { exchange(&store, &faults, request).await })
    }
}

async fn exchange(
    store: &Store,
    faults: &Faults,
    request: HttpRequest,
) -> Result<HttpResponse, ConnectorError> {
    let request = request
        .try_into_http1x()
        .map_err(|error| ConnectorError::user(error.into()))?;
    let (head, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(ConnectorError::user)?
        .to_bytes();
    let response = respond(store, faults, http::Request::from_parts(head, body))
        .await
        .map_err(|error| ConnectorError::io(error.into()))?;
    HttpResponse::try_from(response.map(SdkBody::from))
        .map_err(|error| ConnectorError::other(error.into(), None))
}
