//! Fetching one published document whose digest is known beforehand.

use std::time::Duration;

use bytes::Bytes;
use http::header::LOCATION;
use http::{Request, Response, StatusCode, Uri};
use http_body_util::{BodyExt, Empty, LengthLimitError, Limited};
use hyper::body::Incoming;

use super::https;
use crate::digest;

/// Manifests are some megabytes at most.
const MOST_BYTES: usize = 32 << 20;
const MOST_REDIRECTS: usize = 5;
const WITHIN: Duration = Duration::from_secs(120);

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// Why a document could not be had.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The address is no address, or a redirect led to none.
    #[error("`{0}` is not an http or https address")]
    NotAnAddress(String),
    /// The server could not be reached, or broke off.
    #[error("{url} could not be fetched")]
    NoAnswer {
        /// Which address.
        url: String,
        /// Why.
        source: BoxError,
    },
    /// The server answered something else than the document.
    #[error("{url} answered {status}")]
    Refused {
        /// Which address.
        url: String,
        /// The answer.
        status: StatusCode,
    },
    /// It went on and on.
    #[error("{url} sends more than {} MiB", MOST_BYTES >> 20)]
    TooLong {
        /// Which address.
        url: String,
    },
    /// One redirect led to the next.
    #[error("{url} redirects more than {MOST_REDIRECTS} times")]
    TooManyRedirects {
        /// Which address.
        url: String,
    },
    /// It is not the document that was pinned.
    #[error(
        "{url} has the SHA-256 {found}, but {expected} is expected: it was changed, or the digest belongs to another version"
    )]
    Changed {
        /// Which address.
        url: String,
        /// What the file says.
        expected: String,
        /// What came.
        found: String,
    },
}

/// Fetches `url` over http or https, whose content must have the SHA-256 `sha256` (hexadecimal).
///
/// # Errors
/// When it can't be had whole, or is not what was pinned.
pub async fn fetch(url: &str, sha256: &str) -> Result<Bytes, DownloadError> {
    let no_answer = |source: BoxError| DownloadError::NoAnswer {
        url: url.to_owned(),
        source,
    };
    let document = tokio::time::timeout(WITHIN, follow(url))
        .await
        .map_err(|late| no_answer(Box::new(late)))??;
    if digest::matches(&document, sha256) {
        return Ok(document);
    }
    Err(DownloadError::Changed {
        url: url.to_owned(),
        expected: sha256.to_ascii_lowercase(),
        found: digest::of(&document),
    })
}

async fn follow(url: &str) -> Result<Bytes, DownloadError> {
    let no_answer = |source: BoxError| DownloadError::NoAnswer {
        url: url.to_owned(),
        source,
    };
    let client = https::client::<Empty<Bytes>>().map_err(|error| no_answer(Box::new(error)))?;
    let mut at = address(url)?;
    for _ in 0..=MOST_REDIRECTS {
        let mut request = Request::new(Empty::new());
        *request.uri_mut() = at.clone();
        let answer = client.request(request).await;
        let answer = answer.map_err(|error| no_answer(Box::new(error)))?;
        let status = answer.status();
        if status.is_success() {
            return body(url, answer).await;
        }
        at = match next(&at, &answer)? {
            Some(next) => next,
            None => {
                let url = url.to_owned();
                return Err(DownloadError::Refused { url, status });
            }
        };
    }
    Err(DownloadError::TooManyRedirects {
        url: url.to_owned(),
    })
}

fn address(text: &str) -> Result<Uri, DownloadError> {
    let parsed = text.parse::<Uri>().ok();
    let usable =
        |uri: &Uri| matches!(uri.scheme_str(), Some("http" | "https")) && uri.authority().is_some();
    parsed
        .filter(usable)
        .ok_or_else(|| DownloadError::NotAnAddress(text.to_owned()))
}

/// Where the answer sends us; none when it is no redirect. What was asked for over https stays there.
fn next(from: &Uri, answer: &Response<Incoming>) -> Result<Option<Uri>, DownloadError> {
    let location = answer
        .headers()
        .get(LOCATION)
        .and_then(|to| to.to_str().ok());
    let Some(location) = location.filter(|_| answer.status().is_redirection()) else {
        return Ok(None);
    };
    let whole = match (
        location.strip_prefix('/'),
        from.scheme_str(),
        from.authority(),
    ) {
        (Some(path), Some(scheme), Some(host)) => format!("{scheme}://{host}/{path}"),
        _ => location.to_owned(),
    };
    let to = address(&whole)?;
    if from.scheme_str() == Some("https") && to.scheme_str() != Some("https") {
        return Err(DownloadError::NotAnAddress(whole));
    }
    Ok(Some(to))
}

async fn body(url: &str, answer: Response<Incoming>) -> Result<Bytes, DownloadError> {
    let collected = Limited::new(answer.into_body(), MOST_BYTES).collect().await;
    let url = url.to_owned();
    match collected {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(source) if source.is::<LengthLimitError>() => Err(DownloadError::TooLong { url }),
        Err(source) => Err(DownloadError::NoAnswer { url, source }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body_util::Full;
    use hyper::service::service_fn;
    use hyper_util::rt::TokioIo;
    use tokio::net::TcpListener;

    /// The digest of something else.
    const PIN: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

    fn pin() -> String {
        digest::of(b"kind: Namespace")
    }

    async fn answer(request: Request<Incoming>) -> Result<Response<Full<Bytes>>, BoxError> {
        let answer = Response::builder();
        let (answer, body) = match request.uri().path() {
            "/install.yaml" => (answer, Bytes::from_static(b"kind: Namespace")),
            "/moved" => (
                answer.status(302).header(LOCATION, "/install.yaml"),
                Bytes::new(),
            ),
            "/around" => (answer.status(301).header(LOCATION, "/around"), Bytes::new()),
            "/away" => (
                answer.status(301).header(LOCATION, "ftp://example.com/"),
                Bytes::new(),
            ),
            "/endless" => (answer, Bytes::from(vec![0; MOST_BYTES + 1])),
            _ => (answer.status(404), Bytes::new()),
        };
        Ok(answer.body(Full::new(body))?)
    }

    /// A server on loopback that lives as long as the test; its address.
    async fn serve() -> String {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(
                    hyper::server::conn::http1::Builder::new()
                        .serve_connection(TokioIo::new(stream), service_fn(answer)),
                );
            }
        });
        format!("http://{address}")
    }

    #[tokio::test]
    async fn the_pinned_document_comes_also_after_a_redirect() {
        let server = serve().await;
        for path in ["install.yaml", "moved"] {
            let url = format!("{server}/{path}");
            let document = fetch(&url, &pin().to_uppercase()).await.unwrap();
            assert_eq!(document, "kind: Namespace");
        }
    }

    #[tokio::test]
    async fn another_document_is_refused_with_both_digests() {
        let url = format!("{}/install.yaml", serve().await);
        let message = fetch(&url, PIN).await.unwrap_err().to_string();
        for part in [url.as_str(), PIN, pin().as_str()] {
            assert!(message.contains(part), "{message}");
        }
    }

    #[tokio::test]
    async fn what_is_no_document_is_told_apart() {
        let server = serve().await;
        let error = async |path: &str| fetch(&format!("{server}/{path}"), PIN).await.unwrap_err();
        let missing = error("missing").await;
        assert!(missing.to_string().contains("404 Not Found"), "{missing}");
        assert!(matches!(
            error("around").await,
            DownloadError::TooManyRedirects { .. }
        ));
        assert!(
            matches!(error("away").await, DownloadError::NotAnAddress(to) if to.starts_with("ftp:"))
        );
        assert!(matches!(
            error("endless").await,
            DownloadError::TooLong { .. }
        ));
        let nowhere = fetch("file:///etc/passwd", PIN).await.unwrap_err();
        assert!(matches!(nowhere, DownloadError::NotAnAddress(_)));
    }

    #[tokio::test]
    async fn a_server_that_is_not_there_is_named() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let url = format!("http://{}/", listener.local_addr().unwrap());
        drop(listener);
        let error = fetch(&url, PIN).await.unwrap_err();
        assert!(matches!(&error, DownloadError::NoAnswer { .. }), "{error}");
        assert!(error.to_string().contains(&url));
    }
}
