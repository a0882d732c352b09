//! The operations of the REST services, as tables: method, operation, path.
//!
//! A segment in braces is a label; it is named like the member that it carries.

use super::rest::Routes;

/// EKS.
pub const EKS: Routes = Routes {
    created: &[],
    renamed: &[],
    lists: &[
        "clusterVersions",
        "include",
        "owners",
        "publishers",
        "tagKeys",
        "types",
    ],
    table: "
POST   CreateCluster                  /clusters
GET    ListClusters                   /clusters
GET    DescribeCluster                /clusters/{name}
DELETE DeleteCluster                  /clusters/{name}
POST   UpdateClusterConfig            /clusters/{name}/update-config
POST   UpdateClusterVersion           /clusters/{name}/updates
GET    ListUpdates                    /clusters/{name}/updates
GET    DescribeUpdate                 /clusters/{name}/updates/{updateId}
GET    DescribeClusterVersions        /cluster-versions
POST   CreateNodegroup                /clusters/{clusterName}/node-groups
GET    ListNodegroups                 /clusters/{clusterName}/node-groups
GET    DescribeNodegroup              /clusters/{clusterName}/node-groups/{nodegroupName}
DELETE DeleteNodegroup                /clusters/{clusterName}/node-groups/{nodegroupName}
POST   UpdateNodegroupConfig          /clusters/{clusterName}/node-groups/{nodegroupName}/update-config
POST   UpdateNodegroupVersion         /clusters/{clusterName}/node-groups/{nodegroupName}/update-version
POST   CreateAddon                    /clusters/{clusterName}/addons
GET    ListAddons                     /clusters/{clusterName}/addons
GET    DescribeAddon                  /clusters/{clusterName}/addons/{addonName}
DELETE DeleteAddon                    /clusters/{clusterName}/addons/{addonName}
POST   UpdateAddon                    /clusters/{clusterName}/addons/{addonName}/update
GET    DescribeAddonVersions          /addons/supported-versions
GET    DescribeAddonConfiguration     /addons/configuration-schemas
POST   CreateAccessEntry              /clusters/{clusterName}/access-entries
GET    ListAccessEntries              /clusters/{clusterName}/access-entries
GET    DescribeAccessEntry            /clusters/{clusterName}/access-entries/{principalArn}
POST   UpdateAccessEntry              /clusters/{clusterName}/access-entries/{principalArn}
DELETE DeleteAccessEntry              /clusters/{clusterName}/access-entries/{principalArn}
POST   AssociateAccessPolicy          /clusters/{clusterName}/access-entries/{principalArn}/access-policies
GET    ListAssociatedAccessPolicies   /clusters/{clusterName}/access-entries/{principalArn}/access-policies
DELETE DisassociateAccessPolicy       /clusters/{clusterName}/access-entries/{principalArn}/access-policies/{policyArn}
GET    ListAccessPolicies             /access-policies
POST   CreatePodIdentityAssociation   /clusters/{clusterName}/pod-identity-associations
GET    ListPodIdentityAssociations    /clusters/{clusterName}/pod-identity-associations
GET    DescribePodIdentityAssociation /clusters/{clusterName}/pod-identity-associations/{associationId}
POST   UpdatePodIdentityAssociation   /clusters/{clusterName}/pod-identity-associations/{associationId}
DELETE DeletePodIdentityAssociation   /clusters/{clusterName}/pod-identity-associations/{associationId}
GET    ListFargateProfiles            /clusters/{clusterName}/fargate-profiles
POST   TagResource                    /tags/{resourceArn}
GET    ListTagsForResource            /tags/{resourceArn}
DELETE UntagResource                  /tags/{resourceArn}
",
};

/// Route 53.
pub const ROUTE53: Routes = Routes {
    created: &["CreateHostedZone"],
    lists: &[],
    renamed: &[
        ("delegationsetid", "DelegationSetId"),
        ("dnsname", "DNSName"),
        ("hostedzoneid", "HostedZoneId"),
        ("hostedzonetype", "HostedZoneType"),
        ("identifier", "StartRecordIdentifier"),
        ("marker", "Marker"),
        ("maxitems", "MaxItems"),
        ("name", "StartRecordName"),
        ("nexttoken", "NextToken"),
        ("type", "StartRecordType"),
        ("vpcid", "VPCId"),
        ("vpcregion", "VPCRegion"),
    ],
    table: "
POST   CreateHostedZone              /2013-04-01/hostedzone
GET    ListHostedZones               /2013-04-01/hostedzone
GET    ListHostedZonesByName         /2013-04-01/hostedzonesbyname
GET    ListHostedZonesByVPC          /2013-04-01/hostedzonesbyvpc
GET    GetHostedZoneCount            /2013-04-01/hostedzonecount
GET    GetHostedZone                 /2013-04-01/hostedzone/{Id}
POST   UpdateHostedZoneComment       /2013-04-01/hostedzone/{Id}
DELETE DeleteHostedZone              /2013-04-01/hostedzone/{Id}
POST   AssociateVPCWithHostedZone    /2013-04-01/hostedzone/{HostedZoneId}/associatevpc
POST   DisassociateVPCFromHostedZone /2013-04-01/hostedzone/{HostedZoneId}/disassociatevpc
POST   ChangeResourceRecordSets      /2013-04-01/hostedzone/{HostedZoneId}/rrset
GET    ListResourceRecordSets        /2013-04-01/hostedzone/{HostedZoneId}/rrset
GET    GetChange                     /2013-04-01/change/{Id}
GET    ListTagsForResource           /2013-04-01/tags/{ResourceType}/{ResourceId}
POST   ChangeTagsForResource         /2013-04-01/tags/{ResourceType}/{ResourceId}
POST   ListTagsForResources          /2013-04-01/tags/{ResourceType}
",
};
