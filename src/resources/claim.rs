//! What only one resource can have at a time.

use ipnet::Ipv4Net;

/// Something that no two resources can have at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Claim {
    /// A unique name, told apart from those of other kinds.
    Name(String),
    /// A block of addresses in the VPC.
    Block(Ipv4Net),
}

impl Claim {
    /// Whether who has the one keeps everybody from having the other: blocks need only overlap.
    pub fn excludes(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Name(one), Self::Name(other)) => one == other,
            (Self::Block(one), Self::Block(other)) => one.contains(other) || other.contains(one),
            (Self::Name(_), Self::Block(_)) | (Self::Block(_), Self::Name(_)) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_exclude_each_other_where_they_overlap() {
        let block = |text: &str| Claim::Block(text.parse().unwrap());
        let (outer, inner) = (block("10.0.0.0/18"), block("10.0.32.0/19"));
        assert!(outer.excludes(&inner) && inner.excludes(&outer));
        assert!(!outer.excludes(&block("10.0.64.0/19")));
        let name = |text: &str| Claim::Name(text.to_owned());
        assert!(name("a").excludes(&name("a")) && !name("a").excludes(&name("b")));
        assert!(!name("10.0.0.0/18").excludes(&outer));
    }
}
