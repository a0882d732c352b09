"""What moto lacks or gets wrong of what groundwork calls, and what stands in for it.

Each gap names its operations and the reason; everything else reaches moto as it came. A gap answers as AWS documents it and
does no more than the tests need.
"""

import json
import re
from urllib.parse import parse_qsl

from moto.backends import get_backend

ACCOUNT = "123456789012"
NAMESPACES = {
    "elasticache": "http://elasticache.amazonaws.com/doc/2015-02-02/",
    "iam": "https://iam.amazonaws.com/doc/2010-05-08/",
    "rds": "http://rds.amazonaws.com/doc/2014-10-31/",
}

GAPS = {}


def gap(service, *operations, why):
    """Registers what answers `operations` instead of moto, because of `why`."""
    assert why

    def register(answer):
        for operation in operations:
            GAPS[service, operation] = answer
        return answer

    return register


def backend(call, service=None):
    return get_backend(service or call.service)[ACCOUNT][call.region]


def as_xml(call, result):
    operation = call.operation
    body = (
        f'<{operation}Response xmlns="{NAMESPACES[call.service]}"><{operation}Result>{result}</{operation}Result>'
        f"<ResponseMetadata><RequestId>gap</RequestId></ResponseMetadata></{operation}Response>"
    )
    return 200, {"Content-Type": "text/xml"}, body.encode()


def as_json(value):
    return 200, {"Content-Type": "application/json"}, json.dumps(value).encode()


def tag(name, value):
    return f"<{name}>{value}</{name}>"


# EC2


@gap("ec2", "DeleteNatGateway", why="the gateway's network interface stays behind")
def delete_nat_gateway(call):
    cloud = backend(call)
    gateway = cloud.nat_gateways.get(call.parameters["NatGatewayId"])
    answer = call.forward()
    if gateway and answer[0] == 200:
        cloud.enis.pop(gateway._eni.id, None)
    return answer


# IAM


@gap("iam", "GetAccountAuthorizationDetails", why="managed policies come without PolicyName")
def authorization_details(call):
    status, headers, body = call.forward()
    users, policies, rest = body.partition(b"<Policies>")
    arn = rb"(<Arn>arn:aws:iam::\d*:policy/(?:[^<]*/)?([^/<]+)</Arn>)"
    return status, headers, users + policies + re.sub(arn, rb"\1<PolicyName>\2</PolicyName>", rest)


@gap("iam", "SimulatePrincipalPolicy", why="not implemented; whoever calls moto may do everything")
def simulate(call):
    actions = [value for key, value in call.parameters.items() if key.startswith("ActionNames.member.")]
    results = (
        f"<member><EvalActionName>{action}</EvalActionName><EvalDecision>allowed</EvalDecision></member>"
        for action in actions
    )
    return as_xml(call, f"<IsTruncated>false</IsTruncated><EvaluationResults>{''.join(results)}</EvaluationResults>")


# Service Quotas


@gap("servicequotas", "GetAWSDefaultServiceQuota", why="not implemented, and there are quotas of vpc only")
def default_quota(call):
    defaults = {"L-0263D0A3": 5, "L-1194D53C": 100}
    code = call.parameters["QuotaCode"]
    return as_json({"Quota": {"QuotaCode": code, "ServiceCode": call.parameters["ServiceCode"], "Value": defaults[code]}})


# ECR


@gap("ecr", "PutImageScanningConfiguration", why="takes a configuration that leaves scanOnPush to its default for none")
def put_image_scanning_configuration(call):
    configuration = {"scanOnPush": False, **call.parameters["imageScanningConfiguration"]}
    asked = {**call.parameters, "imageScanningConfiguration": configuration}
    return call.forward(json.dumps(asked).encode())


# Tagging


@gap("tagging", "GetResources", why="ends a page after 100 tags, and lists neither repositories nor database subnet groups")
def get_resources(call):
    asked = {**call.parameters, "TagsPerPage": 500}
    status, headers, body = call.forward(json.dumps(asked).encode())
    listed = json.loads(body)
    [wanted] = asked["TagFilters"]
    repositories = backend(call, "ecr")
    tagged = [
        (repository.arn, repositories.tagger.list_tags_for_resource(repository.arn)["tags"])
        for repository in repositories.repositories.values()
    ]
    tagged += [(group.arn, group.tags) for group in backend(call, "rds").subnet_groups.values()]
    for arn, tags in tagged:
        if any(tag["Key"] == wanted["Key"] and tag["Value"] in wanted["Values"] for tag in tags):
            listed["ResourceTagMappingList"].append({"ResourceARN": arn, "Tags": tags})
    return status, headers, json.dumps(listed).encode()


# EKS

CLUSTERS = {}  # what moto's clusters do not keep, by region and name


@gap("eks", "GET cluster-versions", why="not implemented")
def cluster_versions(_call):
    versions = ("1.33", "1.34", "1.35")
    listed = [
        {"clusterVersion": version, "defaultVersion": version == versions[-1], "versionStatus": "STANDARD_SUPPORT"}
        for version in versions
    ]
    return as_json({"clusterVersions": listed})


@gap("eks", "POST clusters", why="accessConfig is dropped, and the cluster's security group is one that does not exist")
def create_cluster(call):
    answer = call.forward()
    if answer[0] == 200:
        cloud, name = backend(call, "ec2"), call.parameters["name"]
        network = call.parameters["resourcesVpcConfig"]
        vpc = cloud.get_subnet(network["subnetIds"][0]).vpc_id
        owned = {f"kubernetes.io/cluster/{name}": "owned"}
        group = cloud.create_security_group(f"eks-cluster-sg-{name}", "made by EKS", vpc, owned, force=True)
        CLUSTERS[call.region, name] = {
            "accessConfig": call.parameters.get("accessConfig", {}),
            "resourcesVpcConfig": {**network, "vpcId": vpc, "clusterSecurityGroupId": group.id},
        }
    return completed(call, answer)


@gap("eks", "GET clusters/*", why="as for POST clusters")
def describe_cluster(call):
    return completed(call, call.forward())


@gap("eks", "DELETE clusters/*", why="as for POST clusters")
def delete_cluster(call):
    answer = completed(call, call.forward())
    if answer[0] == 200:
        kept = CLUSTERS.pop((call.region, call.path[1]))
        group = kept["resourcesVpcConfig"]["clusterSecurityGroupId"]
        backend(call, "ec2").delete_security_group(group_id=group)
    return answer


def completed(call, answer):
    status, headers, body = answer
    if status != 200:
        return answer
    cluster = json.loads(body)["cluster"]
    for field, more in CLUSTERS[call.region, cluster["name"]].items():
        cluster[field] = {**cluster.get(field, {}), **more} if isinstance(more, dict) else more
    return as_json({"cluster": cluster})


@gap("eks", "POST clusters/*/update-config", why="answers with the cluster, not with an update")
def update_cluster_config(call):
    kept = CLUSTERS[call.region, call.path[1]]
    for field in ("accessConfig", "resourcesVpcConfig", "logging"):
        kept[field] = {**kept.get(field, {}), **call.parameters.get(field, {})}
    return updated("ConfigUpdate")


@gap("eks", "POST clusters/*/updates", why="not implemented")
def update_cluster_version(call):
    CLUSTERS[call.region, call.path[1]]["version"] = call.parameters["version"]
    return updated("VersionUpdate")


@gap("eks", "GET clusters/*/updates/*", why="not implemented")
def describe_update(call):
    return as_json({"update": {"id": call.path[3], "status": "Successful"}})


def updated(kind):
    update = {"id": "00000000-0000-4000-8000-000000000000", "type": kind, "status": "Successful"}
    return as_json({"update": update})


@gap("eks", "POST tags/*", "DELETE tags/*", why="node groups are not found")
def tag_resource(call):
    arn = "/".join(call.path[1:])
    groups = (group for cluster in backend(call).clusters.values() for group in cluster.nodegroups.values())
    group = next((group for group in groups if group.arn == arn), None)
    if not group:
        return call.forward()
    group.tags.update(call.parameters.get("tags", {}))
    for name, value in parse_qsl(call.environ["QUERY_STRING"]):
        if name == "tagKeys":
            group.tags.pop(value, None)
    return as_json({})


# RDS

ENGINES = {"mysql": ("8.4.6", "mysql8.4"), "postgres": ("16.10", "postgres16")}


@gap("rds", "DescribeDBEngineVersions", why="not implemented")
def database_versions(call):
    engine = call.parameters["Engine"]
    version, family = ENGINES[engine]
    listed = tag("Engine", engine) + tag("EngineVersion", version) + tag("DBParameterGroupFamily", family)
    return as_xml(call, tag("DBEngineVersions", tag("DBEngineVersion", listed)))


@gap("rds", "DescribeOrderableDBInstanceOptions", why="knows Aurora and Neptune only")
def database_classes(call):
    engine = call.parameters["Engine"]
    classes = [call.parameters["DBInstanceClass"]] if "DBInstanceClass" in call.parameters else ["db.t3.micro", "db.t3.small"]
    options = (
        tag("Engine", engine) + tag("EngineVersion", ENGINES[engine][0]) + tag("DBInstanceClass", name)
        for name in classes
    )
    listed = "".join(tag("OrderableDBInstanceOption", option) for option in options)
    return as_xml(call, tag("OrderableDBInstanceOptions", listed))


# ElastiCache

CACHES = {}  # what was asked for, by region and name


@gap("elasticache", "DescribeCacheEngineVersions", why="not implemented")
def cache_versions(call):
    version = tag("Engine", "redis") + tag("EngineVersion", "7.0") + tag("CacheParameterGroupFamily", "redis7")
    return as_xml(call, tag("CacheEngineVersions", tag("CacheEngineVersion", version)))


@gap("elasticache", "CreateReplicationGroup", why="its member clusters do not exist")
def create_replication_group(call):
    answer = call.forward()
    if answer[0] == 200:
        CACHES[call.region, call.parameters["ReplicationGroupId"]] = call.parameters
    return answer


@gap("elasticache", "DescribeCacheClusters", why="as for CreateReplicationGroup")
def describe_cache_clusters(call):
    members = []
    for (region, name), asked in CACHES.items():
        group = backend(call).replication_groups.get(name) if region == call.region else None
        for member in group.member_clusters if group else []:
            if call.parameters.get("CacheClusterId", member) == member:
                members.append(tag("CacheCluster", cache_cluster(call, asked, member)))
    return as_xml(call, tag("CacheClusters", "".join(members))) if members else call.forward()


def cache_cluster(call, asked, member):
    groups = [value for name, value in asked.items() if name.startswith("SecurityGroupIds.")]
    worn = (tag("member", tag("SecurityGroupId", group) + tag("Status", "active")) for group in groups)
    return "".join(
        tag(name, value)
        for name, value in {
            "CacheClusterId": member,
            "ReplicationGroupId": asked["ReplicationGroupId"],
            "CacheClusterStatus": "available",
            "Engine": asked["Engine"],
            "EngineVersion": f"{asked['EngineVersion']}.1",
            "CacheNodeType": asked["CacheNodeType"],
            "CacheSubnetGroupName": asked["CacheSubnetGroupName"],
            "SecurityGroups": "".join(worn),
            "ARN": f"arn:aws:elasticache:{call.region}:{ACCOUNT}:cluster:{member}",
        }.items()
    )


@gap("elasticache", "DeleteReplicationGroup", why="the group stays `deleting` for ever")
def delete_replication_group(call):
    answer = call.forward()
    if answer[0] == 200:
        name = call.parameters["ReplicationGroupId"]
        CACHES.pop((call.region, name))
        backend(call).replication_groups.pop(name, None)
    return answer


@gap("elasticache", "DeleteCacheSubnetGroup", why="not implemented")
def delete_cache_subnet_group(call):
    backend(call).cache_subnet_groups.pop(call.parameters["CacheSubnetGroupName"])
    return as_xml(call, "")
