//! The instance types that can be worker nodes, and where they are offered.

use super::describe::{self, Listing};
use super::zones;
use crate::sandbox::aws::machine_types::{self, INSTANCES};
use crate::sandbox::aws::{Call, Fault, Fields, Reply};

/// DescribeInstanceTypes.
pub(super) fn describe(call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "instanceTypeSet",
        ids: "InstanceType",
        kind: None,
        id_member: "instanceType",
        filters: &[
            ("bare-metal", "bareMetal"),
            ("current-generation", "currentGeneration"),
            ("instance-type", "instanceType"),
            ("memory-info.size-in-mib", "memoryInfo.sizeInMiB"),
            (
                "processor-info.supported-architecture",
                "processorInfo.supportedArchitectures",
            ),
            ("vcpu-info.default-vcpus", "vCpuInfo.defaultVCpus"),
        ],
    };
    let unknown: Vec<String> = (call.params.texts("InstanceType").into_iter())
        .filter(|name| !machine_types::is_known(INSTANCES, name))
        .collect();
    if !unknown.is_empty() {
        return Err(Fault::new(
            "InvalidInstanceType",
            format!(
                "The following supplied instance types do not exist: [{}]",
                unknown.join(", ")
            ),
        ));
    }
    let all = machine_types::names(INSTANCES, "").map(|name| (name.clone(), reply(&name)));
    describe::answer(call, &listing, all.collect())
}

fn reply(name: &str) -> Reply {
    let architecture = if machine_types::is_arm(name) {
        "arm64"
    } else {
        "x86_64"
    };
    let (vcpus, mebibytes) = size(name);
    Fields::new()
        .with("instanceType", name)
        .with("currentGeneration", true)
        .with("bareMetal", false)
        .with("hypervisor", "nitro")
        .with("burstablePerformanceSupported", name.starts_with('t'))
        .with(
            "processorInfo",
            Fields::new().with(
                "supportedArchitectures",
                Reply::texts("item", [architecture]),
            ),
        )
        .with("vCpuInfo", Fields::new().with("defaultVCpus", vcpus))
        .with("memoryInfo", Fields::new().with("sizeInMiB", mebibytes))
        .into()
}

/// Virtual processors and MiB of memory. `large` has two processors and each size above it twice the one before,
/// or the number in its name times four; `c`, `m` and `r` have 2, 4 and 8 GiB for each.
fn size(name: &str) -> (i64, i64) {
    let (family, size) = name.split_once('.').unwrap_or((name, ""));
    let vcpus = match size.strip_suffix("xlarge") {
        Some("") => 4,
        Some(times) => 4 * times.parse::<i64>().unwrap_or(1),
        None => 2,
    };
    let per_vcpu = match family.chars().next() {
        Some('c') => 2048,
        Some('r') => 8192,
        Some(_) | None => 4096,
    };
    // Below `large` the burstable ones keep two processors and halve the memory.
    let mebibytes = match size {
        "nano" => 512,
        "micro" => 1024,
        "small" => 2048,
        "medium" => 4096,
        _ => vcpus * per_vcpu,
    };
    (vcpus, mebibytes)
}

/// DescribeInstanceTypeOfferings: every type in every zone.
pub(super) fn describe_offerings(call: &Call) -> Result<Reply, Fault> {
    let listing = Listing {
        set: "instanceTypeOfferingSet",
        ids: "",
        kind: None,
        id_member: "instanceType",
        filters: &[("instance-type", "instanceType"), ("location", "location")],
    };
    let region = &call.region;
    let location_type = (call.params.text("LocationType")).unwrap_or_else(|| "region".to_owned());
    let locations = match location_type.as_str() {
        "region" => vec![region.clone()],
        "availability-zone" => zones::names(region).to_vec(),
        "availability-zone-id" => zones::names(region)
            .map(|zone| zones::id(region, &zone))
            .to_vec(),
        other => {
            return Err(Fault::new(
                "InvalidParameterValue",
                format!("Value ({other}) for parameter locationType is invalid."),
            ));
        }
    };
    let all = machine_types::names(INSTANCES, "")
        .flat_map(|name| {
            locations
                .iter()
                .map(move |location| (name.clone(), location))
        })
        .map(|(name, location)| {
            let key = format!("{name} {location}");
            let offering = Fields::new()
                .with("instanceType", name)
                .with("locationType", &location_type)
                .with("location", location);
            (key, offering.into())
        });
    describe::answer(call, &listing, all.collect())
}
