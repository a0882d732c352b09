//! The Resource Groups Tagging API: the tagged resources of every service of a region, by tag.

use std::collections::{BTreeMap, BTreeSet};

use super::call::{Call, Fault, Params, Reply};
use super::tags::{self, Tags};
use super::{ec2, ecr, eks, elasticache, elbv2, logs, page, rds, route53, secrets_manager};
use crate::sandbox::world::World;

const LARGEST_PAGE: usize = 100;
const INVALID: &str = "InvalidParameterException";

/// Answers one request.
///
/// # Errors
/// The error that AWS would answer.
pub fn handle(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    match call.operation.as_str() {
        "GetResources" => get_resources(tagged(world, &call.region), &call.params),
        _ => Err(Fault::unknown_operation(call)),
    }
}

/// Every resource of `region` that carries a tag, sorted by ARN. IAM is left out, as AWS leaves it out.
fn tagged(world: &World, region: &str) -> BTreeMap<String, Tags> {
    let services = [
        ec2::tagged_arns,
        eks::tagged_arns,
        ecr::tagged_arns,
        elasticache::tagged_arns,
        elbv2::tagged_arns,
        logs::tagged_arns,
        rds::tagged_arns,
        route53::tagged_arns,
        secrets_manager::tagged_arns,
    ];
    (services.into_iter())
        .flat_map(|tagged_arns| tagged_arns(world, region))
        .collect()
}

fn get_resources(resources: BTreeMap<String, Tags>, params: &Params) -> Result<Reply, Fault> {
    let filters = params.list("TagFilters");
    let filters: Vec<TagFilter> = filters
        .iter()
        .map(TagFilter::read)
        .collect::<Result<_, _>>()?;
    let types = params.texts("ResourceTypeFilters");
    let size = page::size(
        params,
        "ResourcesPerPage",
        LARGEST_PAGE,
        LARGEST_PAGE,
        INVALID,
    )?;
    let after = params
        .text("PaginationToken")
        .filter(|token| !token.is_empty());

    let found = resources.into_iter().filter(|(arn, tags)| {
        !tags.is_empty()
            && filters.iter().all(|filter| filter.admits(tags))
            && (types.is_empty() || types.iter().any(|wanted| has_type(arn, wanted)))
    });
    let keyed = found.map(|(arn, tags)| (arn.clone(), mapping(arn, &tags)));
    let page = page::cut(keyed, after.as_deref(), size);
    Ok(Reply::Fields(vec![
        ("PaginationToken", page.next.unwrap_or_default().into()),
        ("ResourceTagMappingList", Reply::List("member", page.items)),
    ]))
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
            .ok_or_else(|| Fault::new(INVALID, "A tag filter must have a key"))?;
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

fn mapping(arn: String, tags: &Tags) -> Reply {
    Reply::Fields(vec![
        ("ResourceARN", arn.into()),
        ("Tags", tags::reply("member", tags)),
    ])
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    /// The ARNs of a page, and its token.
    fn page(params: Value) -> (Vec<String>, String) {
        let resource = |id: &str, tags: &[(&str, &str)]| {
            let tags = tags
                .iter()
                .map(|(key, value)| ((*key).into(), (*value).into()));
            (format!("arn:aws:ec2:eu-central-1:1:{id}"), tags.collect())
        };
        let resources = BTreeMap::from([
            resource("vpc/1", &[("environment", "staging"), ("tier", "a")]),
            resource("vpc/2", &[("environment", "demo")]),
            resource("subnet/1", &[("environment", "staging")]),
            resource("subnet/2", &[]),
        ]);
        let Ok(Reply::Fields(members)) = get_resources(resources, &Params(params)) else {
            panic!("the request is valid");
        };
        let [(_, Reply::Text(token)), (_, Reply::List(_, mappings))] = &members[..] else {
            panic!("a token and mappings, not {members:?}");
        };
        let arn = |mapping: &Reply| match mapping {
            Reply::Fields(members) => match &members[0].1 {
                Reply::Text(arn) => arn.rsplit(':').next().unwrap_or_default().to_owned(),
                other => panic!("an ARN, not {other:?}"),
            },
            other => panic!("a mapping, not {other:?}"),
        };
        (mappings.iter().map(arn).collect(), token.clone())
    }

    #[test]
    fn filters_are_joined_and_untagged_resources_left_out() {
        let found = |params| page(params).0;
        assert_eq!(found(json!({})), ["subnet/1", "vpc/1", "vpc/2"]);
        let staging = json!({"Key": "environment", "Values": ["staging", "x"]});
        assert_eq!(
            found(json!({"TagFilters": [staging]})),
            ["subnet/1", "vpc/1"]
        );
        assert_eq!(
            found(json!({"TagFilters": [staging, {"Key": "tier"}]})),
            ["vpc/1"]
        );
        assert_eq!(
            found(json!({"TagFilters": [staging], "ResourceTypeFilters": ["ec2:subnet", "rds"]})),
            ["subnet/1"]
        );
    }

    #[test]
    fn pages_follow_one_another_until_the_token_is_empty() {
        let (first, token) = page(json!({"ResourcesPerPage": 2}));
        assert_eq!(first, ["subnet/1", "vpc/1"]);
        let (second, end) = page(json!({"ResourcesPerPage": 2, "PaginationToken": token}));
        assert_eq!((second, end.as_str()), (vec!["vpc/2".to_owned()], ""));
    }

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
