//! Service Quotas: how much of what an account may have. A new account has AWS's defaults.

use std::collections::BTreeMap;

use super::call::{Call, Fault, Reply};
use super::fields::Fields;
use crate::sandbox::world::World;

/// What an account may have of something.
pub struct Quota {
    service: &'static str,
    code: &'static str,
    name: &'static str,
    /// How many where nobody asked for more.
    usual: u32,
}

/// VPCs in a region.
pub const VPCS: Quota = Quota {
    service: "vpc",
    code: "L-F678F1CE",
    name: "VPCs per Region",
    usual: 5,
};
/// NAT gateways in an availability zone.
pub const NAT_GATEWAYS: Quota = Quota {
    service: "vpc",
    code: "L-FE5A380F",
    name: "NAT gateways per Availability Zone",
    usual: 5,
};
/// Elastic addresses in a region.
pub const ADDRESSES: Quota = Quota {
    service: "ec2",
    code: "L-0263D0A3",
    name: "EC2-VPC Elastic IPs",
    usual: 5,
};
/// Clusters in a region.
pub const CLUSTERS: Quota = Quota {
    service: "eks",
    code: "L-1194D53C",
    name: "Clusters",
    usual: 100,
};

const ALL: [Quota; 4] = [VPCS, NAT_GATEWAYS, ADDRESSES, CLUSTERS];

/// What was agreed on for an account in a region, by the quota's code.
pub type Agreed = BTreeMap<String, u32>;

impl Quota {
    /// Whether there is no room for one more beside `number`.
    pub fn is_full(&self, agreed: &Agreed, number: usize) -> bool {
        u32::try_from(number).is_ok_and(|number| number >= self.value(agreed))
    }

    fn value(&self, agreed: &Agreed) -> u32 {
        agreed.get(self.code).copied().unwrap_or(self.usual)
    }
}

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let service = call.params.required("ServiceCode")?;
    let code = call.params.required("QuotaCode")?;
    let known = (ALL.iter()).find(|quota| quota.service == service && quota.code == code);
    let quota = known.ok_or_else(|| {
        Fault::new(
            "NoSuchResourceException",
            "The request failed because the specified quota does not exist.",
        )
    })?;
    match call.operation.as_str() {
        "GetServiceQuota" => {
            let value = quota.value(&world.region(&call.region).quotas);
            Ok(reply(call, quota, &world.account, value))
        }
        "GetAWSDefaultServiceQuota" => Ok(reply(call, quota, "", quota.usual)),
        "RequestServiceQuotaIncrease" => raise(world, call, quota),
        _ => Err(Fault::unknown_operation(call)),
    }
}

fn reply(call: &Call, quota: &Quota, account: &str, value: u32) -> Reply {
    let (service, code, region) = (quota.service, quota.code, &call.region);
    let quota = Fields::new()
        .with("ServiceCode", service)
        .with(
            "QuotaArn",
            format!("arn:aws:servicequotas:{region}:{account}:{service}/{code}"),
        )
        .with("QuotaCode", code)
        .with("QuotaName", quota.name)
        .with("Value", Reply::Number(value.into()))
        .with("Unit", "None")
        .with("Adjustable", true)
        .with("GlobalQuota", false);
    Fields::new().with("Quota", quota).into()
}

/// AWS thinks about it for hours or days; here the answer is yes, at once.
fn raise(world: &mut World, call: &Call, quota: &Quota) -> Result<Reply, Fault> {
    let wanted = call.params.int("DesiredValue")?.unwrap_or_default();
    let agreed = &mut world.region(&call.region).quotas;
    let wanted = u32::try_from(wanted)
        .ok()
        .filter(|wanted| *wanted > quota.value(agreed))
        .ok_or_else(|| {
            Fault::new(
                "IllegalArgumentException",
                "You must provide a quota value greater than the current quota value.",
            )
        })?;
    agreed.insert(quota.code.to_owned(), wanted);
    let id = world.ids.hex(32);
    let request = Fields::new()
        .with("Id", id)
        .with("ServiceCode", quota.service)
        .with("QuotaCode", quota.code)
        .with("QuotaName", quota.name)
        .with("DesiredValue", Reply::Number(wanted.into()))
        .with("Status", "APPROVED")
        .with("Created", world.now);
    Ok(Fields::new().with("RequestedQuota", request).into())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::sandbox::aws::testing::Desk;

    #[test]
    fn a_quota_holds_until_it_is_raised() {
        let mut desk = Desk::new();
        let mut quota = json!({ "ServiceCode": "ec2", "QuotaCode": "L-0263D0A3" });
        for _ in 0..5 {
            desk.ok("ec2", "AllocateAddress", json!({}));
        }
        let refused = desk.refused("ec2", "AllocateAddress", json!({}));
        assert_eq!(refused, "AddressLimitExceeded");
        quota["DesiredValue"] = json!("5");
        let refused = desk.refused(
            "servicequotas",
            "RequestServiceQuotaIncrease",
            quota.clone(),
        );
        assert_eq!(refused, "IllegalArgumentException");
        quota["DesiredValue"] = json!("6");
        desk.ok(
            "servicequotas",
            "RequestServiceQuotaIncrease",
            quota.clone(),
        );
        let value = |desk: &mut Desk, operation| {
            desk.ok("servicequotas", operation, quota.clone())["Quota"]["Value"].clone()
        };
        assert_eq!(value(&mut desk, "GetServiceQuota"), 6.0);
        assert_eq!(value(&mut desk, "GetAWSDefaultServiceQuota"), 5.0);
        desk.ok("ec2", "AllocateAddress", json!({}));
    }
}
