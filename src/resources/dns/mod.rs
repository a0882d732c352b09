//! Names inside the VPC, the private zone and our records in it; and names of the ingress load balancer, there or in a
//! public zone.
//!
//! Route 53 takes a change at once and tells its servers within a minute (`PENDING` to `INSYNC`). Nothing of ours
//! waits for that: nothing that we make resolves these names while the environment is being made.

mod alias;
pub mod inventory;
mod record;
mod zone;

pub use alias::DnsAlias;
pub use record::DnsRecord;
pub(super) use record::delete_record;
pub use zone::DnsZone;

#[cfg(test)]
mod tests;
