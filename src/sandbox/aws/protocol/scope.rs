//! The credential scope of a signed request: the region and the service that it is meant for.

use bytes::Bytes;
use http::Request;
use http::header::AUTHORIZATION;

use crate::sandbox::aws::call::Fault;

/// Where a request is going.
pub struct Scope {
    /// The region of the signature; global services sign with `us-east-1`.
    pub region: String,
    /// The signing name of the service.
    pub service: String,
}

/// The scope in the `Authorization` header or, for a presigned request, in its query string.
///
/// # Errors
/// AWS's refusals of unsigned requests and of signatures without a readable scope.
pub fn of(request: &Request<Bytes>) -> Result<Scope, Fault> {
    let header = request
        .headers()
        .get(AUTHORIZATION)
        .and_then(|value| value.to_str().ok());
    let credential = match header {
        Some(header) => credential_of(header).map(str::to_owned),
        None => presigned(request),
    };
    match (&credential, header) {
        (Some(credential), _) => parse(credential).ok_or_else(incomplete),
        (None, Some(_)) => Err(incomplete()),
        (None, None) => Err(Fault::new(
            "MissingAuthenticationToken",
            "Request is missing Authentication Token",
        )
        .status(403)),
    }
}

fn incomplete() -> Fault {
    Fault::new(
        "IncompleteSignature",
        "Authorization header requires 'Credential' parameter of the form key/date/region/service/aws4_request",
    )
}

/// The credential in `AWS4-HMAC-SHA256 Credential=…, SignedHeaders=…, Signature=…`.
fn credential_of(header: &str) -> Option<&str> {
    let (_, parameters) = header.split_once(' ')?;
    parameters
        .split(',')
        .find_map(|parameter| parameter.trim().strip_prefix("Credential="))
}

fn presigned(request: &Request<Bytes>) -> Option<String> {
    let query = request.uri().query()?;
    form_urlencoded::parse(query.as_bytes())
        .find(|(name, _)| name == "X-Amz-Credential")
        .map(|(_, value)| value.into_owned())
}

/// Reads `key/date/region/service/aws4_request`; the key itself may contain slashes.
fn parse(credential: &str) -> Option<Scope> {
    let mut parts = credential.rsplit('/');
    let end = parts.next()?;
    let (service, region) = (parts.next()?, parts.next()?);
    let signed = end == "aws4_request" && !service.is_empty() && !region.is_empty();
    (signed && parts.count() >= 2).then(|| Scope {
        region: region.to_owned(),
        service: service.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn request(authorization: Option<&str>, uri: &str) -> Request<Bytes> {
        let mut builder = Request::builder().uri(uri);
        if let Some(value) = authorization {
            builder = builder.header(AUTHORIZATION, value);
        }
        builder.body(Bytes::new()).expect("a valid request")
    }

    #[test]
    fn the_scope_comes_from_the_header_or_the_presigned_query() {
        let header = "AWS4-HMAC-SHA256 Credential=AKID/20260101/eu-central-1/ec2/aws4_request, SignedHeaders=host, Signature=00";
        let scope = of(&request(Some(header), "/")).expect("a scope");
        assert_eq!(
            (scope.region.as_str(), scope.service.as_str()),
            ("eu-central-1", "ec2")
        );

        let presigned = "/?X-Amz-Credential=AKID%2F20260101%2Feu-west-1%2Fsts%2Faws4_request";
        let scope = of(&request(None, presigned)).expect("a scope");
        assert_eq!(
            (scope.region.as_str(), scope.service.as_str()),
            ("eu-west-1", "sts")
        );
    }

    #[test]
    fn unsigned_and_half_signed_requests_are_refused() {
        let code = |request| of(&request).err().map(|fault| (fault.code, fault.status));
        assert_eq!(
            code(request(None, "/")),
            Some(("MissingAuthenticationToken".to_owned(), 403))
        );
        for header in [
            "Bearer secret",
            "AWS4-HMAC-SHA256 Credential=AKID/ec2/aws4_request",
        ] {
            assert_eq!(
                code(request(Some(header), "/")),
                Some(("IncompleteSignature".to_owned(), 400)),
                "{header}"
            );
        }
    }
}
