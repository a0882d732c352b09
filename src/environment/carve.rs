//! Cuts a VPC's address block into subnets.

use ipnet::Ipv4Net;

/// The smallest subnet that AWS makes.
pub(super) const SMALLEST_SUBNET: u8 = 28;

/// The address blocks of one public and one private subnet in each of so many zones, zone by zone; nothing if they would be
/// smaller than AWS allows.
///
/// Public subnets share the lower half of the block and private ones the upper half, each cut into the power of two that is
/// enough for the zones. With two zones nothing is left over; and adding a third moves the existing blocks, so those who expect
/// to grow begin with three.
pub(super) fn carve(block: Ipv4Net, zones: u32) -> Option<Vec<(Ipv4Net, Ipv4Net)>> {
    let bits = zones.checked_next_power_of_two()?.trailing_zeros() as u8;
    let prefix = block.prefix_len() + 1 + bits;
    if prefix > SMALLEST_SUBNET {
        return None;
    }
    let mut halves = block.subnets(block.prefix_len() + 1).ok()?;
    let (public, private) = (
        halves.next()?.subnets(prefix).ok()?,
        halves.next()?.subnets(prefix).ok()?,
    );
    Some(public.zip(private).take(zones as usize).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn net(text: &str) -> Ipv4Net {
        text.parse().unwrap()
    }

    #[test]
    fn two_zones_share_the_whole_block() {
        let pairs = carve(net("10.10.0.0/16"), 2).unwrap();
        assert_eq!(
            pairs,
            [
                (net("10.10.0.0/18"), net("10.10.128.0/18")),
                (net("10.10.64.0/18"), net("10.10.192.0/18")),
            ]
        );
    }

    #[test]
    fn a_block_that_is_too_small_is_not_cut() {
        assert!(carve(net("10.0.0.0/26"), 2).is_some());
        assert_eq!(carve(net("10.0.0.0/27"), 2), None);
        assert_eq!(carve(net("10.0.0.0/26"), 3), None);
    }

    proptest! {
        #[test]
        fn subnets_are_equal_apart_and_inside(address: u32, prefix in 16u8..=28, zones in 1u32..=6) {
            let block = Ipv4Net::new(address.into(), prefix).unwrap().trunc();
            let Some(pairs) = carve(block, zones) else {
                prop_assert!(prefix + 1 + zones.next_power_of_two().trailing_zeros() as u8 > SMALLEST_SUBNET);
                return Ok(());
            };
            let all: Vec<Ipv4Net> = pairs.iter().flat_map(|(public, private)| [*public, *private]).collect();
            prop_assert_eq!(all.len(), 2 * zones as usize);
            for (index, one) in all.iter().enumerate() {
                prop_assert!(block.contains(one) && one.prefix_len() == all[0].prefix_len());
                prop_assert!(all[..index].iter().all(|other| !other.contains(one) && !one.contains(other)));
            }
        }
    }
}
