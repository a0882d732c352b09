//! AWS's wire protocols: requests become [`Call`]s, replies and faults become responses.
//!
//! A request is routed by the credential scope of its signature, as AWS's shared front door would; the
//! signature itself is not verified. Which protocol a service speaks is one row of `SERVICES`.

mod json;
mod query;
mod rest;
mod routes;
mod scope;
#[cfg(test)]
mod service_tests;
#[cfg(test)]
mod tests;
mod xml;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use http::{Request, Response, StatusCode};

use super::call::{Call, Fault, Params, Reply};
use rest::Routes;

/// How a service writes its requests and replies.
#[derive(Clone, Copy)]
enum Protocol {
    /// Form in; XML out, in the shape that only EC2 uses.
    Ec2Query,
    /// Form in, XML out.
    Query,
    /// Method, path and JSON in; JSON out.
    RestJson(&'static Routes),
    /// JSON in and out; the operation stands in `X-Amz-Target`, behind this prefix.
    Json(&'static str),
    /// Method, path and XML in; XML out.
    RestXml(&'static Routes),
}

/// A service that the sandbox offers.
struct Service {
    /// The name that requests are signed with; of classic load balancers it is that of the newer ones.
    name: &'static str,
    protocol: Protocol,
    /// The XML namespace of its replies.
    namespace: &'static str,
}

/// Classic load balancers.
const CLASSIC: &str = "elasticloadbalancing-classic";

impl Service {
    /// Whether a request that is signed for `name` means this service. Classic and newer load balancers share a
    /// signing name: only the version tells them apart.
    fn is_meant(&self, name: &str, request: &Request<Bytes>) -> bool {
        if name != "elasticloadbalancing" {
            return self.name == name && self.name != CLASSIC;
        }
        let version = query::version(request);
        let classic = version.is_some_and(|version| version == "2012-06-01");
        self.name == if classic { CLASSIC } else { name }
    }
}

const SERVICES: &[Service] = &[
    Service {
        name: "ec2",
        protocol: Protocol::Ec2Query,
        namespace: "http://ec2.amazonaws.com/doc/2016-11-15/",
    },
    Service {
        name: "eks",
        protocol: Protocol::RestJson(&routes::EKS),
        namespace: "",
    },
    Service {
        name: "rds",
        protocol: Protocol::Query,
        namespace: "http://rds.amazonaws.com/doc/2014-10-31/",
    },
    Service {
        name: "elasticache",
        protocol: Protocol::Query,
        namespace: "http://elasticache.amazonaws.com/doc/2015-02-02/",
    },
    Service {
        name: "elasticloadbalancing",
        protocol: Protocol::Query,
        namespace: "http://elasticloadbalancing.amazonaws.com/doc/2015-12-01/",
    },
    Service {
        name: CLASSIC,
        protocol: Protocol::Query,
        namespace: "http://elasticloadbalancing.amazonaws.com/doc/2012-06-01/",
    },
    Service {
        name: "iam",
        protocol: Protocol::Query,
        namespace: "https://iam.amazonaws.com/doc/2010-05-08/",
    },
    Service {
        name: "sts",
        protocol: Protocol::Query,
        namespace: "https://sts.amazonaws.com/doc/2011-06-15/",
    },
    Service {
        name: "route53",
        protocol: Protocol::RestXml(&routes::ROUTE53),
        namespace: "https://route53.amazonaws.com/doc/2013-04-01/",
    },
    Service {
        name: "ecr",
        protocol: Protocol::Json("AmazonEC2ContainerRegistry_V20150921"),
        namespace: "",
    },
    Service {
        name: "secretsmanager",
        protocol: Protocol::Json("secretsmanager"),
        namespace: "",
    },
    Service {
        name: "servicequotas",
        protocol: Protocol::Json("ServiceQuotasV20190624"),
        namespace: "",
    },
    Service {
        name: "logs",
        protocol: Protocol::Json("Logs_20140328"),
        namespace: "",
    },
    Service {
        name: "tagging",
        protocol: Protocol::Json("ResourceGroupsTaggingAPI_20170126"),
        namespace: "",
    },
];

/// Tells how to write the answer to a request that was understood.
#[derive(Clone, Copy)]
pub struct Dialect {
    form: Form,
    namespace: &'static str,
    success: StatusCode,
    /// Whether the answer names in its `Location` header what it made.
    located: bool,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Form {
    Ec2,
    Query,
    RestXml,
    Json,
    RestJson,
}

impl Dialect {
    fn plain(form: Form, namespace: &'static str) -> Self {
        Self {
            form,
            namespace,
            success: StatusCode::OK,
            located: false,
        }
    }

    /// The best guess for a request whose service is not known.
    fn guess(request: &Request<Bytes>) -> Self {
        let json = request.headers().contains_key(json::TARGET)
            || request
                .headers()
                .get(CONTENT_TYPE)
                .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"));
        let form = if json { Form::Json } else { Form::Query };
        Self::plain(form, "http://webservices.amazon.com/AWSFault/2005-15-09")
    }

    fn content_type(self) -> &'static str {
        match self.form {
            Form::Ec2 => "text/xml;charset=UTF-8",
            Form::Query | Form::RestXml => "text/xml",
            Form::Json => "application/x-amz-json-1.1",
            Form::RestJson => "application/json",
        }
    }

    /// The answer to a request that the service fulfilled.
    pub fn reply(self, operation: &str, reply: &Reply, request_id: &str) -> Response<Bytes> {
        let body = match self.form {
            Form::Ec2 => xml::ec2_reply(operation, self.namespace, reply, request_id),
            Form::Query => xml::query_reply(operation, self.namespace, reply, request_id),
            Form::RestXml => xml::rest_reply(operation, self.namespace, reply),
            Form::Json | Form::RestJson => json::reply(reply),
        };
        let mut response = self.response(self.success, body, request_id);
        if self.located
            && let Some(location) = rest::location(self.namespace, reply)
        {
            insert(&mut response, "location", &location);
        }
        response
    }

    /// The answer to a request that was refused.
    pub fn fault(self, fault: &Fault, request_id: &str) -> Response<Bytes> {
        let body = match self.form {
            Form::Ec2 => xml::ec2_fault(fault, request_id),
            Form::Query | Form::RestXml => xml::fault(self.namespace, fault, request_id),
            Form::Json | Form::RestJson => json::fault(fault),
        };
        let status = StatusCode::from_u16(fault.status).unwrap_or(StatusCode::BAD_REQUEST);
        let mut response = self.response(status, body, request_id);
        if matches!(self.form, Form::Json | Form::RestJson) {
            insert(&mut response, "x-amzn-errortype", &fault.code);
        }
        response
    }

    /// The refusal of one request too many, in the service's own words.
    pub fn throttled(self) -> Fault {
        let message = "Rate exceeded";
        match self.form {
            Form::Ec2 => Fault::new("RequestLimitExceeded", "Request limit exceeded.").status(503),
            Form::Query | Form::RestXml => Fault::new("Throttling", message),
            Form::Json | Form::RestJson => Fault::new("ThrottlingException", message),
        }
    }

    /// The failure of the service itself, in its own words.
    pub fn server_error(self) -> Fault {
        let code = match self.form {
            Form::Ec2 => "InternalError",
            Form::Query | Form::RestXml | Form::Json | Form::RestJson => "InternalFailure",
        };
        Fault::new(code, "An internal error has occurred").status(500)
    }

    fn response(self, status: StatusCode, body: String, request_id: &str) -> Response<Bytes> {
        let mut response = Response::new(Bytes::from(body));
        *response.status_mut() = status;
        insert(&mut response, "content-type", self.content_type());
        insert(&mut response, "x-amzn-requestid", request_id);
        response
    }
}

/// Sets a header; a value that no header can carry is left out.
fn insert(response: &mut Response<Bytes>, name: &'static str, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response
            .headers_mut()
            .insert(HeaderName::from_static(name), value);
    }
}

/// Reads a request.
///
/// # Errors
/// The refusal of a request that names no known service or operation, and how to write it.
pub fn decode(request: &Request<Bytes>) -> Result<(Dialect, Call), (Dialect, Fault)> {
    let guess = Dialect::guess(request);
    let scope = scope::of(request).map_err(|fault| (guess, fault))?;
    let service = SERVICES
        .iter()
        .find(|service| service.is_meant(&scope.service, request))
        .ok_or_else(|| {
            let message = format!("The sandbox does not offer the service {}", scope.service);
            (guess, Fault::new("UnknownService", message).status(404))
        })?;
    let namespace = service.namespace;
    let (dialect, decoded) = match service.protocol {
        Protocol::Ec2Query => (
            Dialect::plain(Form::Ec2, namespace),
            query::decode(request, namespace),
        ),
        Protocol::Query => (
            Dialect::plain(Form::Query, namespace),
            query::decode(request, namespace),
        ),
        Protocol::Json(prefix) => (
            Dialect::plain(Form::Json, namespace),
            json::decode(request, prefix),
        ),
        Protocol::RestJson(routes) => {
            let dialect = Dialect::plain(Form::RestJson, namespace);
            let decoded = rest::matched(routes, request)
                .and_then(|matched| Ok(matched.call(json::body(request)?)));
            (dialect, decoded)
        }
        Protocol::RestXml(routes) => {
            let mut dialect = Dialect::plain(Form::RestXml, namespace);
            let decoded = rest::matched(routes, request).and_then(|matched| {
                if matched.creates {
                    (dialect.success, dialect.located) = (StatusCode::CREATED, true);
                }
                Ok(matched.call(xml::body(request.body())?))
            });
            (dialect, decoded)
        }
    };
    let (operation, params) = decoded.map_err(|fault| (dialect, fault))?;
    let call = Call {
        service: service.name.to_owned(),
        region: scope.region,
        operation,
        params,
    };
    Ok((dialect, call))
}

/// The name of an operation and its input.
type Decoded = (String, Params);
