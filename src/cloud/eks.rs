//! A Kubernetes client of one EKS cluster, made only from what EKS tells of it: its address, its certificate authority
//! and tokens of our own credentials. No kubeconfig and no ambient context is ever looked at (promise 6).

use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use async_trait::async_trait;
use aws_credential_types::provider::{ProvideCredentials, SharedCredentialsProvider};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use futures::future::BoxFuture;
use http::header::{AUTHORIZATION, HeaderValue};
use kube::client::ClientBuilder;
use tokio::sync::Mutex;
use tower::{BoxError, Layer, Service, ServiceExt};

use super::kubeconfig::CONNECTS_WITHIN;
use super::token::{GOOD_FOR, Token, unsigned};
use super::{ANSWERS_WITHIN, Class, ClusterEndpoint, Connector, Fault, remains};
use crate::clock::Clock;

/// Connects to EKS clusters with the credentials that every other call uses.
pub struct EksConnector {
    credentials: SharedCredentialsProvider,
    clock: Arc<dyn Clock>,
}

impl EksConnector {
    /// A connector with these credentials.
    pub fn new(credentials: SharedCredentialsProvider, clock: Arc<dyn Clock>) -> Self {
        Self { credentials, clock }
    }

    /// A fresh token for a cluster.
    ///
    /// # Errors
    /// When there are no credentials.
    pub async fn token(&self, region: &str, cluster: &str) -> Result<Token, Fault> {
        let credentials = self.credentials.provide_credentials().await;
        let credentials = credentials
            .map_err(|error| unsigned("there are no usable AWS credentials", Box::new(error)))?;
        Token::sign(&credentials, region, cluster, self.clock.now())
    }
}

#[async_trait]
impl Connector for EksConnector {
    async fn connect(&self, cluster: &ClusterEndpoint) -> Result<kube::Client, Fault> {
        let url = cluster
            .url
            .parse()
            .map_err(|error| unusable("endpoint", Some(Box::new(error))))?;
        let mut config = kube::Config::new(url);
        config.root_cert = Some(certificates(&cluster.certificate_authority)?);
        config.connect_timeout = Some(CONNECTS_WITHIN);
        config.read_timeout = Some(ANSWERS_WITHIN);
        config.write_timeout = Some(ANSWERS_WITHIN);
        let tokens = Tokens {
            connector: Self::new(self.credentials.clone(), Arc::clone(&self.clock)),
            region: cluster.region.clone(),
            cluster: cluster.name.clone(),
            current: Mutex::new(None),
        };
        // So that missing credentials are told as such and not as an API server that does not answer.
        tokens.current().await?;
        let builder = ClientBuilder::try_from(config)
            .map_err(|error| unusable("certificate authority", Some(remains::of_client(error))))?;
        let authorize = Authorize {
            tokens: Arc::new(tokens),
        };
        Ok(builder.with_layer(&authorize).build())
    }
}

/// The certificates in EKS's base64 text: PEM blocks, each of which is base64 again.
fn certificates(authority: &str) -> Result<Vec<Vec<u8>>, Fault> {
    let broken = || unusable("certificate authority", None);
    let pem = BASE64_STANDARD.decode(authority).map_err(|_| broken())?;
    let pem = String::from_utf8(pem).map_err(|_| broken())?;
    let blocks = pem.split("-----BEGIN CERTIFICATE-----").skip(1);
    let decoded: Result<Vec<_>, Fault> = blocks
        .map(|block| {
            let (body, _) = block
                .split_once("-----END CERTIFICATE-----")
                .ok_or_else(broken)?;
            let body: String = body.split_whitespace().collect();
            BASE64_STANDARD.decode(body).map_err(|_| broken())
        })
        .collect();
    decoded.and_then(|found| {
        if found.is_empty() {
            Err(broken())
        } else {
            Ok(found)
        }
    })
}

fn unusable(member: &str, source: Option<BoxError>) -> Fault {
    Fault {
        service: "eks",
        operation: "connect to the cluster",
        code: "UnusableCluster".to_owned(),
        message: format!("the cluster's {member} can't be used"),
        class: Class::Stop,
        source,
    }
}

/// The token in use, made anew shortly before it expires.
struct Tokens {
    connector: EksConnector,
    region: String,
    cluster: String,
    /// With the moment, by the clock that nobody can set, at which it was made.
    current: Mutex<Option<(Token, Duration)>>,
}

impl Tokens {
    async fn current(&self) -> Result<Token, Fault> {
        let mut current = self.current.lock().await;
        let clock = &self.connector.clock;
        let (now, passed) = (clock.now(), clock.passed());
        // Where the wall clock was set back the other one tells its age, and where the machine slept the wall clock.
        let serves = |(token, made): &&(Token, Duration)| {
            now < token.expires && passed.saturating_sub(*made) < GOOD_FOR
        };
        if let Some((token, _)) = current.as_ref().filter(serves) {
            return Ok(token.clone());
        }
        let token = self.connector.token(&self.region, &self.cluster).await?;
        Ok(current.insert((token, passed)).0.clone())
    }
}

/// Puts the token into every request.
struct Authorize {
    tokens: Arc<Tokens>,
}

impl<S> Layer<S> for Authorize {
    type Service = Authorized<S>;

    fn layer(&self, inner: S) -> Authorized<S> {
        Authorized {
            tokens: Arc::clone(&self.tokens),
            inner: Arc::new(Mutex::new(inner)),
        }
    }
}

struct Authorized<S> {
    tokens: Arc<Tokens>,
    inner: Arc<Mutex<S>>,
}

impl<S, B> Service<http::Request<B>> for Authorized<S>
where
    S: Service<http::Request<B>, Error = BoxError> + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = S::Response;
    type Error = BoxError;
    type Future = BoxFuture<'static, Result<S::Response, BoxError>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        // Readiness of the service below is awaited in the call, after the token.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, mut request: http::Request<B>) -> Self::Future {
        let (tokens, inner) = (Arc::clone(&self.tokens), Arc::clone(&self.inner));
        Box::pin(async move {
            let token = tokens.current().await?;
            let mut bearer = HeaderValue::try_from(format!("Bearer {}", token.value.expose()))?;
            bearer.set_sensitive(true);
            request.headers_mut().insert(AUTHORIZATION, bearer);
            let answer = inner.lock().await.ready().await?.call(request);
            answer.await
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use aws_credential_types::Credentials;
    use jiff::Timestamp;
    use std::sync::Mutex as Blocking;

    /// Time that stands still until it is set: what the clock on the wall says, and what has passed.
    struct Hands(Blocking<(Timestamp, Duration)>);

    impl Hands {
        fn set(&self, now: &str, minutes: u64) {
            *self.0.lock().unwrap() = (now.parse().unwrap(), Duration::from_secs(minutes * 60));
        }
    }

    #[async_trait]
    impl Clock for Hands {
        fn now(&self) -> Timestamp {
            self.0.lock().unwrap().0
        }

        fn passed(&self) -> Duration {
            self.0.lock().unwrap().1
        }

        async fn sleep(&self, _: Duration) {}
    }

    fn connector(clock: &Arc<Hands>) -> EksConnector {
        let credentials = Credentials::new("AKIDEXAMPLE", "secret", None, None, "test");
        EksConnector::new(
            SharedCredentialsProvider::new(credentials),
            Arc::clone(clock) as Arc<dyn Clock>,
        )
    }

    fn noon() -> Arc<Hands> {
        let hands = Hands(Blocking::default());
        hands.set("2026-11-20T12:00:00Z", 0);
        Arc::new(hands)
    }

    /// Answers with the `Authorization` that a request came with.
    fn echo()
    -> impl Service<http::Request<()>, Response = String, Error = BoxError, Future: Send> + Send
    {
        tower::service_fn(|request: http::Request<()>| async move {
            Ok(request.headers()[AUTHORIZATION].to_str()?.to_owned())
        })
    }

    #[tokio::test(start_paused = true)]
    async fn a_token_serves_until_it_expires_and_then_another_does() {
        let clock = noon();
        let tokens = Arc::new(Tokens {
            connector: connector(&clock),
            region: "eu-west-1".into(),
            cluster: "demo".into(),
            current: Mutex::new(None),
        });
        let mut service = Authorize { tokens }.layer(echo());
        let mut bearer = async || service.call(http::Request::new(())).await.unwrap();
        let first = bearer().await;
        assert!(first.starts_with("Bearer k8s-aws-v1."), "{first}");
        clock.set("2026-11-20T12:13:59Z", 13);
        assert_eq!(bearer().await, first);
        clock.set("2026-11-20T12:14:00Z", 14);
        let second = bearer().await;
        assert_ne!(second, first);
        // Somebody sets the clock back, and a quarter of an hour passes.
        clock.set("2026-11-20T09:00:00Z", 27);
        assert_eq!(bearer().await, second);
        clock.set("2026-11-20T09:01:00Z", 28);
        let third = bearer().await;
        assert_ne!(third, second);
        // The machine sleeps, and with it the clock that nobody can set.
        clock.set("2026-11-20T10:00:00Z", 29);
        assert_ne!(bearer().await, third);
    }

    #[test]
    fn every_certificate_of_the_authority_is_taken() {
        let block = |body: &str| {
            format!("-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        };
        let pem = block("Zmly\nc3Q=") + &block("c2Vjb25k");
        let found = certificates(&BASE64_STANDARD.encode(pem)).unwrap();
        assert_eq!(found, [b"first".to_vec(), b"second".to_vec()]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_cluster_without_a_usable_authority_is_refused() {
        for authority in ["", "!", "Tm90IGEgY2VydGlmaWNhdGU="] {
            let endpoint = ClusterEndpoint {
                name: "demo".into(),
                region: "eu-west-1".into(),
                url: "https://example.eks.amazonaws.com".into(),
                certificate_authority: authority.into(),
            };
            let fault = connector(&noon()).connect(&endpoint).await.err().unwrap();
            assert_eq!(fault.code, "UnusableCluster", "{fault}");
        }
    }
}
