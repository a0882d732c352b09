//! Blocks of addresses, read as AWS reads them.

use ipnet::Ipv4Net;

use crate::sandbox::aws::{Fault, Params};

/// The IPv4 block in a member; host bits are cut off, as AWS does.
pub(super) fn read(text: &str, parameter: &str) -> Result<Ipv4Net, Fault> {
    text.parse().map(|block: Ipv4Net| block.trunc()).map_err(|_| {
        Fault::new(
            "InvalidParameterValue",
            format!(
                "Value ({text}) for parameter {parameter} is invalid. This is not a valid CIDR block."
            ),
        )
    })
}

/// The block of a new network or subnet: between /16 and /28, else the refusal `out_of_range`.
pub(super) fn sized(params: &Params, out_of_range: &str) -> Result<Ipv4Net, Fault> {
    let text = params.required("CidrBlock")?;
    let block = read(&text, "cidrBlock")?;
    if !(16..=28).contains(&block.prefix_len()) {
        return Err(Fault::new(
            out_of_range,
            format!("The CIDR '{text}' is invalid."),
        ));
    }
    Ok(block)
}

/// Whether two blocks share an address. Blocks are nested or apart, never half in one another.
pub(super) fn overlap(one: &Ipv4Net, other: &Ipv4Net) -> bool {
    one.contains(other) || other.contains(one)
}
