//! Elastic addresses: five for an account, and none goes while something wears it.

use std::net::Ipv4Addr;

use crate::sandbox::world::World;

/// A public address that nothing in the region uses.
pub(super) fn unused_public_ip(world: &mut World, region: &str) -> Ipv4Addr {
    loop {
        let host = u32::from_str_radix(&world.ids.hex(6), 16).unwrap_or(1);
        // 18.0.0.0/8 is one of Amazon's blocks.
        let ip = Ipv4Addr::from_bits((18 << 24) | host);
        let ec2 = &world.region(region).ec2;
        let used = ec2
            .addresses
            .values()
            .any(|address| address.public_ip == ip)
            || (ec2.interfaces.values()).any(|interface| interface.public_ip == Some(ip));
        if !used {
            return ip;
        }
    }
}
