//! Names that RDS and ElastiCache take alike, and the parts of DNS names that AWS makes up.

use sha2::{Digest, Sha256};

use super::call::{Fault, Params};

/// An identifier of at most `longest` characters, in small letters.
///
/// # Errors
/// When the member is missing or not such a name.
pub fn identifier(params: &Params, member: &str, longest: usize) -> Result<String, Fault> {
    let id = params.required(member)?.to_lowercase();
    let shaped = id.len() <= longest
        && id.starts_with(|c: char| c.is_ascii_alphabetic())
        && id.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')
        && !id.ends_with('-')
        && !id.contains("--");
    match shaped {
        true => Ok(id),
        false => Err(Fault::new(
            "InvalidParameterValue",
            format!(
                "The parameter {member} is not a valid identifier. Identifiers must begin with a letter; must contain only ASCII letters, digits, and hyphens; and must not end with a hyphen or contain two consecutive hyphens."
            ),
        )),
    }
}

/// Letters and digits that all endpoints of a service share in one account and region.
pub fn endpoint_hash(service: &str, account: &str, region: &str, length: usize) -> String {
    let digest = Sha256::digest(format!("{service} {account} {region}"));
    let hex = digest.iter().map(|byte| format!("{byte:02x}"));
    let mut text: String = std::iter::once("c".to_owned()).chain(hex).collect();
    text.truncate(length);
    text
}

/// A region as ElastiCache abbreviates it: `eu-central-1` is `euc1`, `ap-southeast-2` is `apse2`.
pub fn short_region(region: &str) -> String {
    let mut parts = region.split('-');
    let area = parts.next().unwrap_or_default();
    let direction = parts.next().unwrap_or_default();
    let letters = match direction {
        "northeast" => "ne",
        "northwest" => "nw",
        "southeast" => "se",
        "southwest" => "sw",
        _ => direction.get(..1).unwrap_or_default(),
    };
    format!("{area}{letters}{}", parts.collect::<String>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn regions_are_abbreviated_as_in_endpoints() {
        assert_eq!(short_region("eu-central-1"), "euc1");
        assert_eq!(short_region("us-east-1"), "use1");
        assert_eq!(short_region("ap-southeast-2"), "apse2");
    }

    #[test]
    fn identifiers_are_lowered_and_checked() {
        let read = |id: &str| {
            let params = Params(serde_json::json!({ "Id": id }));
            identifier(&params, "Id", 10).ok()
        };
        assert_eq!(read("Flights-1").as_deref(), Some("flights-1"));
        for bad in ["1st", "a--b", "a-", "a_b", "longer-than-ten"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
