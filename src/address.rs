//! The stable name of one resource: `network.subnet.public-a`, `database.flights.instance`.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// The stable name of one resource within its environment. It survives replacement, and is written into the
/// tag `groundwork:address` of everything that takes tags.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Address(String);

/// Text that is not an address.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is not an address: expected names joined by dots, such as network.subnet.public-a")]
pub struct Invalid(String);

impl Address {
    /// The address of these names, outermost first. Characters that an address does not take become `-`.
    pub fn of(names: &[&str]) -> Self {
        let clean = |name: &&str| -> String {
            name.chars()
                .map(|c| if allowed(c) { c } else { '-' })
                .collect()
        };
        Self(names.iter().map(clean).collect::<Vec<_>>().join("."))
    }

    /// The first name: the concern that the resource belongs to.
    pub fn section(&self) -> &str {
        self.0.split('.').next().unwrap_or(&self.0)
    }

    /// The address as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// What an address may be written with; `.` separates.
fn allowed(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | '+' | '@' | '=' | ',' | ':')
}

impl FromStr for Address {
    type Err = Invalid;

    fn from_str(text: &str) -> Result<Self, Invalid> {
        let named = text.split('.').count() >= 2 && text.split('.').all(|name| !name.is_empty());
        if named && text.chars().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(Invalid(text.to_owned()))
        }
    }
}

impl TryFrom<String> for Address {
    type Error = Invalid;

    fn try_from(text: String) -> Result<Self, Invalid> {
        text.parse()
    }
}

impl From<Address> for String {
    fn from(address: Address) -> Self {
        address.0
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_back_what_it_prints() {
        let address = Address::of(&["network", "subnet", "public-a"]);
        assert_eq!(address.to_string(), "network.subnet.public-a");
        assert_eq!(address.to_string().parse(), Ok(address));
    }

    #[test]
    fn refuses_what_is_no_address() {
        for text in [
            "",
            "network",
            "network..vpc",
            ".vpc",
            "network.v pc",
            "network.vpc\n",
        ] {
            assert_eq!(text.parse::<Address>(), Err(Invalid(text.to_owned())));
        }
    }

    #[test]
    fn section_is_the_first_name() {
        assert_eq!(Address::of(&["iam", "group", "DB Ops"]).section(), "iam");
        assert_eq!(
            Address::of(&["iam", "group", "DB Ops"]).as_str(),
            "iam.group.DB-Ops"
        );
    }
}
