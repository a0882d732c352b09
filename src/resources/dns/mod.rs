//! Names inside the VPC: the private zone and our records in it.
//!
//! Route 53 takes a change at once and tells its servers within a minute (`PENDING` to `INSYNC`). Nothing of ours
//! waits for that: nothing that we make resolves these names while the environment is being made.

pub mod inventory;
mod record;
mod zone;

pub use record::DnsRecord;
pub(super) use record::delete_record;
pub use zone::DnsZone;

#[cfg(test)]
mod tests;
