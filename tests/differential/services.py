"""The requests of everything that stands in a network, and of what needs none."""

import json

from network import place

TRUST = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "sts:AssumeRole"}]}
TRUST["Statement"][0]["Principal"] = {"Service": "eks.amazonaws.com"}
ALLOW = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
READ_ONLY = "arn:aws:iam::aws:policy/ReadOnlyAccess"
TAGS = [{"Key": "groundwork:owner", "Value": "platform"}]
ACCOUNT = "123456789012"


def quotas(cloud):
    """Comes first: what follows makes more networks than a new account may have."""
    quotas = cloud.steps("quotas", "service-quotas")
    networks = {"ServiceCode": "vpc", "QuotaCode": "L-F678F1CE"}
    quotas("GetServiceQuota", "GetServiceQuota", **networks)
    quotas("GetServiceQuota, of clusters", "GetServiceQuota", ServiceCode="eks", QuotaCode="L-1194D53C")
    quotas("GetServiceQuota, unknown", "GetServiceQuota", ServiceCode="vpc", QuotaCode="L-00000000")
    quotas("GetAWSDefaultServiceQuota", "GetAWSDefaultServiceQuota", ServiceCode="ec2", QuotaCode="L-0263D0A3")
    quotas("RequestServiceQuotaIncrease, to less", "RequestServiceQuotaIncrease", **networks, DesiredValue=4)
    quotas("RequestServiceQuotaIncrease", "RequestServiceQuotaIncrease", **networks, DesiredValue=50)


def roles(cloud):
    iam = cloud.steps("roles", "iam")
    asked = {"RoleName": "judge", "AssumeRolePolicyDocument": json.dumps(TRUST)}
    iam("CreateRole", "CreateRole", **asked, Description="of judge", Tags=TAGS)
    iam("CreateRole, name taken", "CreateRole", **asked)
    iam("CreateRole, no document", "CreateRole", RoleName="other", AssumeRolePolicyDocument="nonsense")
    iam("GetRole", "GetRole", RoleName="judge")
    iam("GetRole, unknown", "GetRole", RoleName="nobody")
    iam("UpdateAssumeRolePolicy", "UpdateAssumeRolePolicy", RoleName="judge", PolicyDocument=json.dumps(TRUST))
    iam("AttachRolePolicy", "AttachRolePolicy", RoleName="judge", PolicyArn=READ_ONLY)
    iam("AttachRolePolicy again", "AttachRolePolicy", RoleName="judge", PolicyArn=READ_ONLY)
    iam("AttachRolePolicy, unknown policy", "AttachRolePolicy", RoleName="judge", PolicyArn=READ_ONLY + "X")
    iam("ListAttachedRolePolicies", "ListAttachedRolePolicies", RoleName="judge")
    iam("PutRolePolicy", "PutRolePolicy", RoleName="judge", PolicyName="inline", PolicyDocument=json.dumps(ALLOW))
    iam("GetRolePolicy", "GetRolePolicy", RoleName="judge", PolicyName="inline")
    iam("GetRolePolicy, unknown", "GetRolePolicy", RoleName="judge", PolicyName="other")
    iam("ListRolePolicies", "ListRolePolicies", RoleName="judge")
    iam("TagRole", "TagRole", RoleName="judge", Tags=[{"Key": "team", "Value": "a <b> & c"}])
    iam("ListRoleTags", "ListRoleTags", RoleName="judge")
    iam("UntagRole", "UntagRole", RoleName="judge", TagKeys=["team"])
    iam("DeleteRole with policies", "DeleteRole", RoleName="judge")
    iam("DetachRolePolicy", "DetachRolePolicy", RoleName="judge", PolicyArn=READ_ONLY)
    iam("DetachRolePolicy again", "DetachRolePolicy", RoleName="judge", PolicyArn=READ_ONLY)
    iam("DeleteRole with a policy of its own", "DeleteRole", RoleName="judge")
    iam("DeleteRolePolicy", "DeleteRolePolicy", RoleName="judge", PolicyName="inline")
    iam("ListInstanceProfilesForRole", "ListInstanceProfilesForRole", RoleName="judge")
    iam("DeleteRole", "DeleteRole", RoleName="judge")
    iam("DeleteRole again", "DeleteRole", RoleName="judge")


def groups_and_policies(cloud):
    iam = cloud.steps("groups and policies", "iam")
    iam("CreateGroup", "CreateGroup", GroupName="judges")
    iam("CreateGroup, name taken", "CreateGroup", GroupName="judges")
    iam("GetGroup, unknown", "GetGroup", GroupName="nobody")
    iam("AddUserToGroup, unknown user", "AddUserToGroup", GroupName="judges", UserName="nobody")
    iam("AddUserToGroup", "AddUserToGroup", GroupName="judges", UserName="ops-account")
    iam("GetGroup", "GetGroup", GroupName="judges")
    iam("ListGroupsForUser", "ListGroupsForUser", UserName="ops-account")
    iam("GetUser, unknown", "GetUser", UserName="nobody")
    made = iam("CreatePolicy", "CreatePolicy", PolicyName="judge", PolicyDocument=json.dumps(ALLOW), Tags=TAGS)
    policy = made["Policy"]["Arn"]
    iam("CreatePolicy, name taken", "CreatePolicy", PolicyName="judge", PolicyDocument=json.dumps(ALLOW))
    iam("CreatePolicy, no document", "CreatePolicy", PolicyName="other", PolicyDocument="nonsense")
    iam("AttachGroupPolicy", "AttachGroupPolicy", GroupName="judges", PolicyArn=policy)
    iam("ListAttachedGroupPolicies", "ListAttachedGroupPolicies", GroupName="judges")
    iam("GetPolicy", "GetPolicy", PolicyArn=policy)
    iam("GetPolicy, unknown", "GetPolicy", PolicyArn=policy + "x")
    iam("ListEntitiesForPolicy", "ListEntitiesForPolicy", PolicyArn=policy)
    iam("CreatePolicyVersion", "CreatePolicyVersion", PolicyArn=policy, PolicyDocument=json.dumps(TRUST), SetAsDefault=True)
    iam("GetPolicyVersion", "GetPolicyVersion", PolicyArn=policy, VersionId="v2")
    iam("ListPolicyVersions", "ListPolicyVersions", PolicyArn=policy)
    iam("DeletePolicyVersion, the default", "DeletePolicyVersion", PolicyArn=policy, VersionId="v2")
    iam("DeletePolicyVersion", "DeletePolicyVersion", PolicyArn=policy, VersionId="v1")
    iam("DetachGroupPolicy", "DetachGroupPolicy", GroupName="judges", PolicyArn=policy)
    iam("DeletePolicy", "DeletePolicy", PolicyArn=policy)
    iam("DeletePolicy again", "DeletePolicy", PolicyArn=policy)
    attached = iam("CreatePolicy, a second", "CreatePolicy", PolicyName="other", PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]
    iam("AttachGroupPolicy, the second", "AttachGroupPolicy", GroupName="judges", PolicyArn=attached)
    iam("DeletePolicy, attached", "DeletePolicy", PolicyArn=attached)
    iam("RemoveUserFromGroup", "RemoveUserFromGroup", GroupName="judges", UserName="ops-account")
    iam("DeleteGroup with a policy", "DeleteGroup", GroupName="judges")
    asked = {"PolicySourceArn": f"arn:aws:iam::{ACCOUNT}:user/ops-account", "ActionNames": ["s3:GetObject", "ec2:CreateVpc"]}
    iam("SimulatePrincipalPolicy", "SimulatePrincipalPolicy", **asked, ResourceArns=["arn:aws:s3:::judge/a", "*"])
    iam("CreateGroup, a second", "CreateGroup", GroupName="empty")
    iam("DeleteGroup", "DeleteGroup", GroupName="empty")
    iam("DeleteGroup again", "DeleteGroup", GroupName="empty")
    iam("CreateGroup, a third", "CreateGroup", GroupName="full")
    iam("AddUserToGroup, the third", "AddUserToGroup", GroupName="full", UserName="ops-account")
    iam("DeleteGroup with a member", "DeleteGroup", GroupName="full")
    issuer = {"Url": "https://oidc.example.com/id/judge", "ClientIDList": ["sts.amazonaws.com"], "ThumbprintList": ["a" * 40]}
    made = iam("CreateOpenIDConnectProvider", "CreateOpenIDConnectProvider", **issuer)
    iam("CreateOpenIDConnectProvider again", "CreateOpenIDConnectProvider", **issuer)
    provider = {"OpenIDConnectProviderArn": made["OpenIDConnectProviderArn"]}
    iam("GetOpenIDConnectProvider", "GetOpenIDConnectProvider", **provider)
    iam("ListOpenIDConnectProviders", "ListOpenIDConnectProviders")
    iam("TagOpenIDConnectProvider", "TagOpenIDConnectProvider", **provider, Tags=TAGS)
    iam("ListOpenIDConnectProviderTags", "ListOpenIDConnectProviderTags", **provider)
    iam("UntagOpenIDConnectProvider", "UntagOpenIDConnectProvider", **provider, TagKeys=["groundwork:owner"])
    iam("GetOpenIDConnectProvider, untagged", "GetOpenIDConnectProvider", **provider)
    print_of = {"ThumbprintList": ["b" * 40]}
    iam("UpdateOpenIDConnectProviderThumbprint", "UpdateOpenIDConnectProviderThumbprint", **provider, **print_of)
    iam("GetOpenIDConnectProvider, another thumbprint", "GetOpenIDConnectProvider", **provider)
    iam("DeleteOpenIDConnectProvider", "DeleteOpenIDConnectProvider", **provider)
    iam("DeleteOpenIDConnectProvider again", "DeleteOpenIDConnectProvider", **provider)
    iam("TagOpenIDConnectProvider, unknown", "TagOpenIDConnectProvider", **provider, Tags=TAGS)
    iam("CreateOpenIDConnectProvider, no URL", "CreateOpenIDConnectProvider", Url="nowhere", ThumbprintList=["a" * 40])
    many = {"Url": "https://oidc.example.com/id/many", "ThumbprintList": ["a" * 40] * 6}
    iam("CreateOpenIDConnectProvider, six thumbprints", "CreateOpenIDConnectProvider", **many)
    iam("GetOpenIDConnectProvider, unknown", "GetOpenIDConnectProvider", **provider)


def clusters(cloud):
    network, parts = place(cloud, "clusters")
    way = cloud.steps("clusters", "ec2")
    gateway = way("CreateInternetGateway", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    way("AttachInternetGateway", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=network)
    of_network = [{"Name": "vpc-id", "Values": [network]}]
    table = way("DescribeRouteTables", "DescribeRouteTables", Filters=of_network)["RouteTables"][0]["RouteTableId"]
    way("CreateRoute", "CreateRoute", RouteTableId=table, DestinationCidrBlock="0.0.0.0/0", GatewayId=gateway)
    iam = cloud.steps("clusters", "iam")
    role = f"arn:aws:iam::{ACCOUNT}:role/"
    ec2 = {"Version": "2012-10-17", "Statement": [{**TRUST["Statement"][0], "Principal": {"Service": "ec2.amazonaws.com"}}]}
    iam("CreateRole of the control plane", "CreateRole", RoleName="plane", AssumeRolePolicyDocument=json.dumps(TRUST))
    iam("CreateRole of the nodes", "CreateRole", RoleName="nodes", AssumeRolePolicyDocument=json.dumps(ec2))
    iam("AttachRolePolicy", "AttachRolePolicy", RoleName="plane", PolicyArn="arn:aws:iam::aws:policy/AmazonEKSClusterPolicy")
    for policy in ("AmazonEKSWorkerNodePolicy", "AmazonEKS_CNI_Policy", "AmazonEC2ContainerRegistryPullOnly"):
        iam(f"AttachRolePolicy {policy}", "AttachRolePolicy", RoleName="nodes", PolicyArn=f"arn:aws:iam::aws:policy/{policy}")
    eks = cloud.steps("clusters", "eks")
    eks("DescribeClusterVersions", "DescribeClusterVersions")
    asked = {"name": "judge", "roleArn": role + "plane", "resourcesVpcConfig": {"subnetIds": parts}, "version": "1.34"}
    eks("DescribeCluster, unknown", "DescribeCluster", name="nobody")
    eks("CreateCluster", "CreateCluster", **asked, tags={"groundwork:owner": "platform"})
    eks("CreateCluster, name taken", "CreateCluster", **asked)
    eks.until(lambda answer: answer["cluster"]["status"] == "ACTIVE", "DescribeCluster", "DescribeCluster", name="judge")
    eks("ListClusters", "ListClusters")
    group = {"clusterName": "judge", "nodegroupName": "default", "nodeRole": role + "nodes", "subnets": parts}
    group["scalingConfig"] = {"minSize": 1, "desiredSize": 1, "maxSize": 3}
    eks("CreateNodegroup, unknown cluster", "CreateNodegroup", **{**group, "clusterName": "nobody"})
    eks("CreateNodegroup", "CreateNodegroup", **group, instanceTypes=["t3.medium"], diskSize=20, labels={"team": "judge"})
    eks("CreateNodegroup, name taken", "CreateNodegroup", **group)
    one = {"clusterName": "judge", "nodegroupName": "default"}
    eks.until(lambda answer: answer["nodegroup"]["status"] == "ACTIVE", "DescribeNodegroup", "DescribeNodegroup", **one)
    eks("DescribeNodegroup, unknown", "DescribeNodegroup", clusterName="judge", nodegroupName="nobody")
    eks("ListNodegroups", "ListNodegroups", clusterName="judge")
    eks("DeleteCluster with a node group", "DeleteCluster", name="judge")
    changed = {"minSize": 1, "desiredSize": 2, "maxSize": 4}
    made = eks("UpdateNodegroupConfig", "UpdateNodegroupConfig", **one, scalingConfig=changed)
    eks.until(
        lambda answer: answer is None or answer["update"]["status"] == "Successful",
        "DescribeUpdate", "DescribeUpdate", name="judge", nodegroupName="default", updateId=made["update"]["id"],
    )  # fmt: skip
    arn = {"resourceArn": f"arn:aws:eks:us-east-1:{ACCOUNT}:cluster/judge"}
    eks("TagResource", "TagResource", **arn, tags={"team": "a <b> & c"})
    eks("ListTagsForResource", "ListTagsForResource", **arn)
    eks("UntagResource", "UntagResource", **arn, tagKeys=["team"])
    eks("DeleteNodegroup", "DeleteNodegroup", **one)
    eks.until(lambda answer: answer is None, "DescribeNodegroup after DeleteNodegroup", "DescribeNodegroup", **one)
    eks("DeleteNodegroup again", "DeleteNodegroup", **one)
    eks("DeleteCluster", "DeleteCluster", name="judge")
    eks.until(lambda answer: answer is None, "DescribeCluster after DeleteCluster", "DescribeCluster", name="judge")
    eks("DeleteCluster again", "DeleteCluster", name="judge")
    eks("CreateCluster, no such role", "CreateCluster", **{**asked, "name": "other", "roleArn": role + "nobody"})
    eks("CreateCluster, one subnet", "CreateCluster", **{**asked, "name": "third", "resourcesVpcConfig": {"subnetIds": parts[:1]}})
    eks("CreateCluster, unknown version", "CreateCluster", **{**asked, "name": "fourth", "version": "9.99"})
    eks("CreateCluster, a second", "CreateCluster", **{**asked, "name": "second"})
    eks.until(lambda answer: answer["cluster"]["status"] == "ACTIVE", "DescribeCluster, the second", "DescribeCluster", name="second")
    upside_down = {"minSize": 3, "desiredSize": 2, "maxSize": 1}
    eks("CreateNodegroup, sizes upside down", "CreateNodegroup", **{**group, "clusterName": "second", "scalingConfig": upside_down})


def databases(cloud):
    network, parts = place(cloud, "databases")
    group = cloud.steps("databases", "ec2")("CreateSecurityGroup", "CreateSecurityGroup", GroupName="db", Description="db", VpcId=network)["GroupId"]
    rds = cloud.steps("databases", "rds")
    where = {"DBSubnetGroupName": "judge", "DBSubnetGroupDescription": "of judge"}
    rds("CreateDBSubnetGroup in one zone", "CreateDBSubnetGroup", **{**where, "DBSubnetGroupName": "other"}, SubnetIds=parts[:1])
    rds("CreateDBSubnetGroup, unknown subnet", "CreateDBSubnetGroup", **where, SubnetIds=["subnet-0123456789abcdef0"])
    rds("CreateDBSubnetGroup", "CreateDBSubnetGroup", **where, SubnetIds=parts, Tags=TAGS)
    rds("CreateDBSubnetGroup, name taken", "CreateDBSubnetGroup", **where, SubnetIds=parts)
    rds("DescribeDBSubnetGroups", "DescribeDBSubnetGroups", DBSubnetGroupName="judge")
    rds("DescribeDBSubnetGroups, unknown", "DescribeDBSubnetGroups", DBSubnetGroupName="nobody")
    rds("DescribeDBEngineVersions", "DescribeDBEngineVersions", Engine="mysql", EngineVersion="8.0.42")
    asked = {"DBInstanceIdentifier": "judge", "DBInstanceClass": "db.t3.micro", "Engine": "mysql", "EngineVersion": "8.0.42"}
    asked |= {"AllocatedStorage": 20, "MasterUsername": "admin", "MasterUserPassword": "correct-horse", "DBName": "judge"}
    asked |= {"DBSubnetGroupName": "judge", "VpcSecurityGroupIds": [group], "BackupRetentionPeriod": 1}
    rds("CreateDBInstance, password of 3 characters", "CreateDBInstance", **{**asked, "DBInstanceIdentifier": "wrong-0", "MasterUserPassword": "abc"})
    rds("CreateDBInstance, unknown class", "CreateDBInstance", **{**asked, "DBInstanceIdentifier": "wrong-1", "DBInstanceClass": "db.none"})
    rds("CreateDBInstance, unknown engine", "CreateDBInstance", **{**asked, "DBInstanceIdentifier": "wrong-2", "Engine": "dbase"})
    rds("CreateDBInstance, unknown subnet group", "CreateDBInstance", **{**asked, "DBInstanceIdentifier": "wrong-3", "DBSubnetGroupName": "nobody"})
    rds("CreateDBInstance", "CreateDBInstance", **asked, StorageType="gp3", Tags=TAGS)
    rds("CreateDBInstance, name taken", "CreateDBInstance", **asked)
    one = {"DBInstanceIdentifier": "judge"}
    there = lambda answer: answer["DBInstances"][0]["DBInstanceStatus"] == "available"  # noqa: E731
    rds.until(there, "DescribeDBInstances", "DescribeDBInstances", **one)
    rds("DescribeDBInstances, unknown", "DescribeDBInstances", DBInstanceIdentifier="nobody")
    rds("ModifyDBInstance, less storage", "ModifyDBInstance", **one, AllocatedStorage=10)
    rds("ModifyDBInstance", "ModifyDBInstance", **one, AllocatedStorage=30, ApplyImmediately=True)
    rds.until(there, "DescribeDBInstances after ModifyDBInstance", "DescribeDBInstances", **one)
    arn = {"ResourceName": f"arn:aws:rds:us-east-1:{ACCOUNT}:db:judge"}
    rds("AddTagsToResource", "AddTagsToResource", **arn, Tags=[{"Key": "team", "Value": "a b"}])
    rds("ListTagsForResource", "ListTagsForResource", **arn)
    rds("RemoveTagsFromResource", "RemoveTagsFromResource", **arn, TagKeys=["team"])
    cloud.steps("databases", "ec2")("DeleteSecurityGroup used by the database", "DeleteSecurityGroup", GroupId=group)
    rds("DeleteDBInstance", "DeleteDBInstance", **one, SkipFinalSnapshot=True)
    rds.until(lambda answer: answer is None, "DescribeDBInstances after DeleteDBInstance", "DescribeDBInstances", **one)
    rds("DeleteDBInstance again", "DeleteDBInstance", **one, SkipFinalSnapshot=True)
    rds("DeleteDBSubnetGroup", "DeleteDBSubnetGroup", DBSubnetGroupName="judge")
    rds("DeleteDBSubnetGroup again", "DeleteDBSubnetGroup", DBSubnetGroupName="judge")
    where = {"DBSubnetGroupName": "second", "DBSubnetGroupDescription": "of judge"}
    rds("CreateDBSubnetGroup, a second", "CreateDBSubnetGroup", **where, SubnetIds=parts)
    second = {**asked, "DBInstanceIdentifier": "second", "DBSubnetGroupName": "second"}
    rds("CreateDBInstance, a second", "CreateDBInstance", **{**second, "VpcSecurityGroupIds": []})
    rds("DeleteDBSubnetGroup in use", "DeleteDBSubnetGroup", DBSubnetGroupName="second")
    rds.until(there, "DescribeDBInstances, the second", "DescribeDBInstances", DBInstanceIdentifier="second")
    rds("DeleteDBInstance, neither snapshot nor none", "DeleteDBInstance", DBInstanceIdentifier="second")


def caches(cloud):
    _, parts = place(cloud, "caches")
    elasticache = cloud.steps("caches", "elasticache")
    where = {"CacheSubnetGroupName": "judge", "CacheSubnetGroupDescription": "of judge", "SubnetIds": parts}
    elasticache("CreateCacheSubnetGroup", "CreateCacheSubnetGroup", **where)
    elasticache("CreateCacheSubnetGroup, name taken", "CreateCacheSubnetGroup", **where)
    elasticache("DescribeCacheSubnetGroups", "DescribeCacheSubnetGroups", CacheSubnetGroupName="judge")
    elasticache("DescribeCacheSubnetGroups, unknown", "DescribeCacheSubnetGroups", CacheSubnetGroupName="nobody")
    asked = {"ReplicationGroupId": "judge", "ReplicationGroupDescription": "of judge", "Engine": "redis"}
    asked |= {"CacheNodeType": "cache.t3.micro", "NumCacheClusters": 1, "CacheSubnetGroupName": "judge"}
    elasticache("CreateReplicationGroup, unknown subnet group", "CreateReplicationGroup", **{**asked, "ReplicationGroupId": "other", "CacheSubnetGroupName": "nobody"})
    elasticache("CreateReplicationGroup", "CreateReplicationGroup", **asked)
    elasticache("CreateReplicationGroup, name taken", "CreateReplicationGroup", **asked)
    one = {"ReplicationGroupId": "judge"}
    elasticache.until(
        lambda answer: answer["ReplicationGroups"][0]["Status"] == "available",
        "DescribeReplicationGroups", "DescribeReplicationGroups", **one,
    )  # fmt: skip
    elasticache("DescribeReplicationGroups, unknown", "DescribeReplicationGroups", ReplicationGroupId="nobody")
    elasticache("DeleteReplicationGroup", "DeleteReplicationGroup", **one)
    elasticache("DeleteReplicationGroup, unknown", "DeleteReplicationGroup", ReplicationGroupId="nobody")


def zones(cloud):
    network, _ = place(cloud, "zones")
    route53 = cloud.steps("zones", "route53")
    asked = {"Name": "staging.judge.example", "VPC": {"VPCRegion": "us-east-1", "VPCId": network}}
    made = route53("CreateHostedZone", "CreateHostedZone", **asked, CallerReference="one", HostedZoneConfig={"PrivateZone": True})
    zone = made["HostedZone"]["Id"].rpartition("/")[2]
    route53("GetHostedZone", "GetHostedZone", Id=zone)
    route53("GetHostedZone, unknown", "GetHostedZone", Id="Z0123456789ABCDEFGHIJ")
    route53("ListHostedZonesByName", "ListHostedZonesByName", DNSName="staging.judge.example.")
    route53("ListHostedZonesByVPC", "ListHostedZonesByVPC", VPCId=network, VPCRegion="us-east-1")
    route53("CreateHostedZone again, same CallerReference", "CreateHostedZone", **asked, CallerReference="one")
    route53("CreateHostedZone again, same name and VPC", "CreateHostedZone", **asked, CallerReference="two")
    record = {"Name": "db.staging.judge.example", "Type": "CNAME", "TTL": 300, "ResourceRecords": [{"Value": "host.example"}]}

    def change(step, action, record=record):
        changes = {"Changes": [{"Action": action, "ResourceRecordSet": record}]}
        return route53(step, "ChangeResourceRecordSets", HostedZoneId=zone, ChangeBatch=changes)

    change("ChangeResourceRecordSets CREATE", "CREATE")
    change("ChangeResourceRecordSets CREATE, record exists", "CREATE")
    made = change("ChangeResourceRecordSets UPSERT", "UPSERT", {**record, "TTL": 60})
    route53.until(
        lambda answer: answer["ChangeInfo"]["Status"] == "INSYNC",
        "GetChange", "GetChange", Id=made["ChangeInfo"]["Id"].rpartition("/")[2],
    )  # fmt: skip
    route53("ListResourceRecordSets", "ListResourceRecordSets", HostedZoneId=zone)
    tags = {"ResourceType": "hostedzone", "ResourceId": zone}
    route53("ChangeTagsForResource", "ChangeTagsForResource", **tags, AddTags=[{"Key": "team", "Value": "a <b> & c"}])
    route53("ListTagsForResource", "ListTagsForResource", **tags)
    change("ChangeResourceRecordSets DELETE", "DELETE", {**record, "TTL": 60})
    change("ChangeResourceRecordSets DELETE, no such record", "DELETE")
    change("ChangeResourceRecordSets CREATE, the second", "CREATE")
    change("ChangeResourceRecordSets DELETE, another value", "DELETE", {**record, "TTL": 30})
    route53("DeleteHostedZone with records", "DeleteHostedZone", Id=zone)
    change("ChangeResourceRecordSets DELETE, the second", "DELETE")
    route53("DeleteHostedZone", "DeleteHostedZone", Id=zone)
    route53("DeleteHostedZone again", "DeleteHostedZone", Id=zone)


def secrets(cloud):
    secretsmanager = cloud.steps("secrets", "secretsmanager")
    secretsmanager("CreateSecret", "CreateSecret", Name="judge/password", SecretString="hunter2", Tags=TAGS)
    secretsmanager("CreateSecret, name taken", "CreateSecret", Name="judge/password", SecretString="other")
    one = {"SecretId": "judge/password"}
    secretsmanager("DescribeSecret", "DescribeSecret", **one)
    secretsmanager("DescribeSecret, unknown", "DescribeSecret", SecretId="nobody")
    secretsmanager("GetSecretValue", "GetSecretValue", **one)
    secretsmanager("GetSecretValue, unknown", "GetSecretValue", SecretId="nobody")
    secretsmanager("PutSecretValue", "PutSecretValue", **one, SecretString="hunter3")
    secretsmanager("GetSecretValue after PutSecretValue", "GetSecretValue", **one)
    secretsmanager("GetSecretValue, the previous", "GetSecretValue", **one, VersionStage="AWSPREVIOUS")
    secretsmanager("UpdateSecret", "UpdateSecret", **one, Description="of judge")
    secretsmanager("TagResource", "TagResource", **one, Tags=[{"Key": "team", "Value": "a <b> & c"}])
    secretsmanager("UntagResource", "UntagResource", **one, TagKeys=["team"])
    secretsmanager("ListSecrets", "ListSecrets", Filters=[{"Key": "name", "Values": ["judge/"]}])
    secretsmanager("DeleteSecret, with a window", "DeleteSecret", **one, RecoveryWindowInDays=7)
    secretsmanager("GetSecretValue, scheduled for deletion", "GetSecretValue", **one)
    secretsmanager("CreateSecret, scheduled for deletion", "CreateSecret", Name="judge/password", SecretString="other")
    secretsmanager("RestoreSecret", "RestoreSecret", **one)
    secretsmanager("DeleteSecret, at once", "DeleteSecret", **one, ForceDeleteWithoutRecovery=True)
    secretsmanager.until(lambda answer: answer is None, "DescribeSecret after DeleteSecret", "DescribeSecret", **one)


def registries(cloud):
    ecr = cloud.steps("registries", "ecr")
    asked = {"repositoryName": "judge/flights"}
    ecr("CreateRepository", "CreateRepository", **asked, imageScanningConfiguration={"scanOnPush": True}, tags=TAGS)
    ecr("CreateRepository, name taken", "CreateRepository", **asked)
    ecr("CreateRepository, upper case", "CreateRepository", repositoryName="Judge")
    ecr("DescribeRepositories", "DescribeRepositories", repositoryNames=["judge/flights"])
    ecr("DescribeRepositories, unknown", "DescribeRepositories", repositoryNames=["nobody"])
    ecr("PutImageTagMutability", "PutImageTagMutability", **asked, imageTagMutability="IMMUTABLE")
    rules = {"rules": [{"rulePriority": 1, "selection": {"tagStatus": "untagged", "countType": "imageCountMoreThan", "countNumber": 3}, "action": {"type": "expire"}}]}
    ecr("GetLifecyclePolicy, none", "GetLifecyclePolicy", **asked)
    ecr("PutLifecyclePolicy", "PutLifecyclePolicy", **asked, lifecyclePolicyText=json.dumps(rules))
    ecr("GetLifecyclePolicy", "GetLifecyclePolicy", **asked)
    arn = {"resourceArn": f"arn:aws:ecr:us-east-1:{ACCOUNT}:repository/judge/flights"}
    ecr("TagResource", "TagResource", **arn, tags=[{"Key": "team", "Value": "a <b> & c"}])
    ecr("ListTagsForResource", "ListTagsForResource", **arn)
    ecr("UntagResource", "UntagResource", **arn, tagKeys=["team"])
    ecr("ListImages", "ListImages", **asked)
    image = {"schemaVersion": 2, "mediaType": "application/vnd.docker.distribution.manifest.v2+json"}
    image |= {"config": {"mediaType": "application/vnd.docker.container.image.v1+json", "size": 2, "digest": "sha256:" + "a" * 64}, "layers": []}
    ecr("PutImage", "PutImage", **asked, imageManifest=json.dumps(image), imageTag="v1")
    ecr("DeleteRepository with an image", "DeleteRepository", **asked)
    ecr("DeleteRepository", "DeleteRepository", **asked, force=True)
    ecr("DeleteRepository again", "DeleteRepository", **asked)


def logs(cloud):
    logs = cloud.steps("logs", "logs")
    asked = {"logGroupName": "/aws/eks/judge/cluster"}
    logs("CreateLogGroup", "CreateLogGroup", **asked, tags={"groundwork:owner": "platform"})
    logs("CreateLogGroup, name taken", "CreateLogGroup", **asked)
    logs("PutRetentionPolicy", "PutRetentionPolicy", **asked, retentionInDays=7)
    logs("DescribeLogGroups", "DescribeLogGroups", logGroupNamePrefix="/aws/eks/judge/")
    logs("DeleteLogGroup", "DeleteLogGroup", **asked)
    logs("DeleteLogGroup again", "DeleteLogGroup", **asked)
    cloud.steps("logs", "sts")("GetCallerIdentity", "GetCallerIdentity")


def load_balancers(cloud):
    network, parts = place(cloud, "load balancers")
    ec2 = cloud.steps("load balancers", "ec2")
    gateway = ec2("CreateInternetGateway", "CreateInternetGateway")["InternetGateway"]["InternetGatewayId"]
    ec2("AttachInternetGateway", "AttachInternetGateway", InternetGatewayId=gateway, VpcId=network)
    elb = cloud.steps("load balancers", "elbv2")
    made = elb("CreateLoadBalancer", "CreateLoadBalancer", Name="judge", Subnets=parts, Type="network", Tags=TAGS)
    balancer = made["LoadBalancers"][0]["LoadBalancerArn"]
    elb("DescribeLoadBalancers", "DescribeLoadBalancers", LoadBalancerArns=[balancer])
    elb("DescribeLoadBalancers, unknown", "DescribeLoadBalancers", Names=["nobody"])
    elb("DescribeTags", "DescribeTags", ResourceArns=[balancer])
    asked = {"Name": "judge", "Protocol": "TCP", "Port": 80, "VpcId": network, "TargetType": "ip"}
    group = elb("CreateTargetGroup", "CreateTargetGroup", **asked)["TargetGroups"][0]["TargetGroupArn"]
    forward = [{"Type": "forward", "TargetGroupArn": group}]
    elb("CreateListener", "CreateListener", LoadBalancerArn=balancer, Protocol="TCP", Port=80, DefaultActions=forward)
    elb("DescribeListeners", "DescribeListeners", LoadBalancerArn=balancer)
    elb("DescribeTargetGroups", "DescribeTargetGroups", TargetGroupArns=[group])
    elb("DeleteTargetGroup in use", "DeleteTargetGroup", TargetGroupArn=group)
    elb("DeleteLoadBalancer", "DeleteLoadBalancer", LoadBalancerArn=balancer)
    elb("DeleteTargetGroup", "DeleteTargetGroup", TargetGroupArn=group)


SEQUENCES = [quotas, roles, groups_and_policies, clusters, databases, caches, zones, secrets, registries, logs, load_balancers]
