//! A Kubernetes client whose API server is inside this process.

use http_body_util::BodyExt;

use super::server::respond;
use crate::sandbox::store::Store;

/// A client of the cluster `cluster` in `region`. There need be no such cluster yet.
pub fn client(store: &Store, region: &str, cluster: &str) -> kube::Client {
    let (store, region, cluster) = (store.clone(), region.to_owned(), cluster.to_owned());
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let (store, region, cluster) = (store.clone(), region.clone(), cluster.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let request = http::Request::from_parts(parts, body);
            Ok::<_, kube::Error>(respond(&store, &region, &cluster, request))
        }
    });
    kube::Client::new(service, "default")
}
