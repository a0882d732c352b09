//! What stands between a Kubernetes client and the API server: the faults, and the count of requests.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use serde_json::json;

use super::server::{Body, respond};
use crate::sandbox::faults::{Disconnected, Faults, Outcome};
use crate::sandbox::store::{Effect, Store};

/// How long a client that reads from a socket waits for an answer: in this process there is no socket to time.
const CLIENTS_WAIT: Duration = Duration::from_secs(30);

/// Answers one request to the API server of `cluster` in `region`.
///
/// # Errors
/// When the faults want the connection to die.
pub async fn answer(
    store: &Store,
    faults: &Faults,
    region: &str,
    cluster: &str,
    request: Request<Bytes>,
) -> Result<Response<Body>, Disconnected> {
    let operation = format!("{} {}", request.method(), request.uri().path());
    let verdict = faults.judge("kubernetes", &operation, effect(&request));
    if !verdict.delay.is_zero() {
        tokio::time::sleep(verdict.delay).await;
    }
    match verdict.outcome {
        Outcome::Serve => Ok(respond(store, region, cluster, request)),
        Outcome::DropRequest => Err(Disconnected),
        Outcome::DropReply => {
            drop(respond(store, region, cluster, request));
            Err(Disconnected)
        }
        Outcome::Silence => {
            drop(respond(store, region, cluster, request));
            tokio::time::sleep(CLIENTS_WAIT).await;
            Err(Disconnected)
        }
        Outcome::Throttle => Ok(failure(
            StatusCode::TOO_MANY_REQUESTS,
            "TooManyRequests",
            "the server has received too many requests and has asked us to try again later",
        )),
        Outcome::ServerError => Ok(failure(
            StatusCode::INTERNAL_SERVER_ERROR,
            "InternalError",
            "an error on the server has prevented the request from succeeding",
        )),
    }
}

/// A dry run changes nothing, whatever its method.
fn effect(request: &Request<Bytes>) -> Effect {
    let query = request.uri().query().unwrap_or_default();
    let dry_run = query.split('&').any(|parameter| parameter == "dryRun=All");
    if dry_run || matches!(*request.method(), Method::GET | Method::HEAD) {
        Effect::Reads
    } else {
        Effect::Changes
    }
}

fn failure(status: StatusCode, reason: &str, message: &str) -> Response<Body> {
    let body = json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "code": status.as_u16(),
    });
    let body = Full::new(Bytes::from(body.to_string())).boxed_unsync();
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    if status == StatusCode::TOO_MANY_REQUESTS {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sandbox::Sandbox;
    use crate::sandbox::faults::Misbehaviour;
    use crate::sandbox::time::ClockSource;

    fn request(method: Method, uri: &str) -> Request<Bytes> {
        let request = Request::builder().method(method).uri(uri);
        request.body(Bytes::new()).expect("a valid request")
    }

    #[test]
    fn reads_and_dry_runs_change_nothing() {
        let effect = |method, uri| effect(&request(method, uri));
        let pods = "/api/v1/namespaces/a/pods/b";
        assert_eq!(effect(Method::GET, pods), Effect::Reads);
        assert_eq!(effect(Method::DELETE, pods), Effect::Changes);
        let dry = "/api/v1/namespaces/a?fieldManager=x&dryRun=All";
        assert_eq!(effect(Method::PATCH, dry), Effect::Reads);
    }

    #[tokio::test(start_paused = true)]
    async fn faults_reach_the_kube_client_as_errors_that_it_knows() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let sandbox = Sandbox::open(folder.path(), ClockSource::Virtual);
        let client = sandbox.kubernetes_client("eu-central-1", "c");
        sandbox.faults().set(Misbehaviour {
            throttled: 1000,
            ..Misbehaviour::default()
        });
        let error = client.apiserver_version().await.expect_err("throttled");
        assert!(
            matches!(&error, kube::Error::Api(status) if status.code == 429),
            "{error:?}"
        );

        sandbox.faults().set(Misbehaviour {
            dropped_requests: 1000,
            ..Misbehaviour::default()
        });
        let error = client.apiserver_version().await.expect_err("dropped");
        assert!(matches!(&error, kube::Error::Service(_)), "{error:?}");
        let row = ("kubernetes".to_owned(), "GET /version".to_owned(), 2);
        assert_eq!(sandbox.faults().requests(), [row]);
    }
}
