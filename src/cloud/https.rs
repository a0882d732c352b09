//! The HTTP clients for what is not asked through an SDK, on the one TLS stack of this binary.

use std::io;

use hyper::body::Body;
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

/// A client for http and https that trusts whom the system trusts.
///
/// # Errors
/// When the system's certificates can't be read.
pub(super) fn client<B>() -> io::Result<Client<HttpsConnector<HttpConnector>, B>>
where
    B: Body + Send,
    B::Data: Send,
{
    let connector = HttpsConnectorBuilder::new().with_native_roots()?;
    let connector = connector.https_or_http().enable_http1().build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}

/// The same, but wherever it connects to, what answers must show the certificate of `host`.
///
/// # Errors
/// When the system's certificates can't be read.
pub(super) fn client_for<B>(host: &str) -> io::Result<Client<HttpsConnector<HttpConnector>, B>>
where
    B: Body + Send,
    B::Data: Send,
{
    let host = host.to_owned();
    let connector = HttpsConnectorBuilder::new().with_native_roots()?;
    let connector = connector
        .https_or_http()
        .with_server_name_resolver(move |_: &http::Uri| host.clone().try_into())
        .enable_http1()
        .build();
    Ok(Client::builder(TokioExecutor::new()).build(connector))
}
