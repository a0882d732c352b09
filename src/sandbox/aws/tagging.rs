//! The Resource Groups Tagging API: the tagged resources of every service of a region, by tag.

use std::collections::{BTreeMap, BTreeSet};

use super::call::{Call, Fault, Params, Reply};
use super::{ec2, elbv2};
use crate::sandbox::world::World;

/// The tags of a resource.
pub type Tags = BTreeMap<String, String>;

const LARGEST_PAGE: usize = 100;

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "GetResources" => get_resources(world, call),
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// Every resource of `region` that carries a tag, sorted by ARN. IAM is left out, as AWS leaves it out.
fn tagged(world: &World, region: &str) -> BTreeMap<String, Tags> {
    let services = [ec2::tagged_arns, elbv2::tagged_arns];
    (services.into_iter())
        .flat_map(|tagged_arns| tagged_arns(world, region))
        .collect()
}

fn get_resources(world: &World, call: &Call) -> Result<Reply, Fault> {
    let filters: Vec<TagFilter> = call
        .params
        .list("TagFilters")
        .iter()
        .map(TagFilter::read)
        .collect::<Result<_, _>>()?;
    let types = call.params.texts("ResourceTypeFilters");
    let page = page_size(&call.params)?;
    let after = call.params.text("PaginationToken").unwrap_or_default();

    let mut found = tagged(world, &call.region)
        .into_iter()
        .filter(|(arn, tags)| {
            *arn > after
                && !tags.is_empty()
                && filters.iter().all(|filter| filter.admits(tags))
                && (types.is_empty() || types.iter().any(|wanted| has_type(arn, wanted)))
        });
    let mappings: Vec<(String, Tags)> = found.by_ref().take(page).collect();
    let token = match (found.next(), mappings.last()) {
        (Some(_), Some((last, _))) => last.clone(),
        _ => String::new(),
    };
    Ok(Reply::Fields(vec![
        ("PaginationToken", token.into()),
        (
            "ResourceTagMappingList",
            Reply::List("member", mappings.into_iter().map(mapping).collect()),
        ),
    ]))
}

fn page_size(params: &Params) -> Result<usize, Fault> {
    match params.int("ResourcesPerPage")? {
        None => Ok(LARGEST_PAGE),
        Some(wanted) => usize::try_from(wanted)
            .ok()
            .filter(|wanted| (1..=LARGEST_PAGE).contains(wanted))
            .ok_or_else(|| {
                invalid(format!(
                    "ResourcesPerPage must be between 1 and {LARGEST_PAGE}, not {wanted}"
                ))
            }),
    }
}

fn invalid(message: String) -> Fault {
    Fault::new("InvalidParameterException", message)
}

/// One wanted tag: its key, and the values of which it must have one (none given: any).
struct TagFilter {
    key: String,
    values: BTreeSet<String>,
}

impl TagFilter {
    fn read(params: &Params) -> Result<Self, Fault> {
        let key = params
            .text("Key")
            .filter(|key| !key.is_empty())
            .ok_or_else(|| invalid("A tag filter must have a key".to_owned()))?;
        let values = params.texts("Values").into_iter().collect();
        Ok(Self { key, values })
    }

    fn admits(&self, tags: &Tags) -> bool {
        tags.get(&self.key)
            .is_some_and(|value| self.values.is_empty() || self.values.contains(value))
    }
}

/// Whether `arn` is of the type `wanted`, which is a service (`ec2`) or a service and a type (`ec2:vpc`).
fn has_type(arn: &str, wanted: &str) -> bool {
    let mut parts = arn.splitn(6, ':').skip(2);
    let (service, resource) = (parts.next(), parts.nth(2));
    let (wanted_service, wanted_type) = match wanted.split_once(':') {
        Some((service, kind)) => (service, Some(kind)),
        None => (wanted, None),
    };
    let kind = resource.and_then(|resource| resource.split([':', '/']).next());
    service == Some(wanted_service) && (wanted_type.is_none() || wanted_type == kind)
}

fn mapping((arn, tags): (String, Tags)) -> Reply {
    let tags = tags
        .into_iter()
        .map(|(key, value)| Reply::Fields(vec![("Key", key.into()), ("Value", value.into())]))
        .collect();
    Reply::Fields(vec![
        ("ResourceARN", arn.into()),
        ("Tags", Reply::List("member", tags)),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_type_filter_names_a_service_or_one_of_its_types() {
        let vpc = "arn:aws:ec2:eu-central-1:123456789012:vpc/vpc-1";
        let database = "arn:aws:rds:eu-central-1:123456789012:db:flights";
        assert!(has_type(vpc, "ec2"));
        assert!(has_type(vpc, "ec2:vpc"));
        assert!(!has_type(vpc, "ec2:subnet"));
        assert!(has_type(database, "rds:db"));
        assert!(!has_type(database, "ec2"));
    }
}
