//! SHA-256 digests, by which what comes from elsewhere is pinned.

use sha2::{Digest, Sha256};

/// The SHA-256 of `document` in lowercase hexadecimal.
pub fn of(document: &[u8]) -> String {
    let bytes = Sha256::digest(document);
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Whether `document` has the SHA-256 `sha256` (hexadecimal).
pub fn matches(document: &[u8], sha256: &str) -> bool {
    of(document).eq_ignore_ascii_case(sha256)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digests_are_those_of_sha256sum() {
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(of(b""), empty);
        assert!(matches(b"", &empty.to_uppercase()));
        assert!(!matches(b"x", empty));
    }
}
