//! A Kubernetes client whose API server is inside this process.

use http_body_util::BodyExt;

use super::front::answer;
use crate::sandbox::faults::Faults;
use crate::sandbox::store::Store;

/// A client of the cluster `cluster` in `region`. There need be no such cluster yet.
pub fn client(store: &Store, region: &str, cluster: &str) -> kube::Client {
    client_with(store, &Faults::default(), region, cluster)
}

/// The same, with what may go wrong on the way.
pub fn client_with(store: &Store, faults: &Faults, region: &str, cluster: &str) -> kube::Client {
    let (store, faults) = (store.clone(), faults.clone());
    let (region, cluster) = (region.to_owned(), cluster.to_owned());
    let service = tower::service_fn(move |request: http::Request<kube::client::Body>| {
        let (store, faults) = (store.clone(), faults.clone());
        let (region, cluster) = (region.clone(), cluster.clone());
        async move {
            let (parts, body) = request.into_parts();
            let body = body.collect().await?.to_bytes();
            let request = http::Request::from_parts(parts, body);
            let answered = answer(&store, &faults, &region, &cluster, request).await;
            answered.map_err(|error| kube::Error::Service(error.into()))
        }
    });
    kube::Client::new(service, "default")
}
