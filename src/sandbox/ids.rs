//! Identifiers that look like AWS's and are the same in every run of the same requests.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// A deterministic source of unique identifiers.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct IdSource {
    issued: u64,
}

impl IdSource {
    /// `digits` hexadecimal digits that no earlier call returned (for 12 and more digits).
    pub fn hex(&mut self, digits: usize) -> String {
        self.issued += 1;
        let digest = Sha256::digest(format!("groundwork sandbox id {}", self.issued));
        let mut text: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
        text.truncate(digits);
        text
    }

    /// An EC2-style identifier such as `vpc-0a1b2c3d4e5f60718`.
    pub fn ec2(&mut self, prefix: &str) -> String {
        format!("{prefix}-0{}", self.hex(16))
    }

    /// An identifier in capital letters and digits, as Route 53 and IAM use them.
    pub fn upper(&mut self, prefix: &str, length: usize) -> String {
        format!("{prefix}{}", self.hex(length).to_uppercase())
    }

    /// A UUID-shaped identifier.
    pub fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        format!(
            "{}-{}-{}-{}-{}",
            &hex[..8],
            &hex[8..12],
            &hex[12..16],
            &hex[16..20],
            &hex[20..]
        )
    }
}
