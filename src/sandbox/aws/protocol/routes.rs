//! The operations of the REST services, as data.

use super::rest::Route;

/// A route whose query parameters are named like their members.
const fn plain(method: &'static str, path: &'static str, operation: &'static str) -> Route {
    Route {
        operation,
        method,
        path,
        renamed: &[],
        lists: &[],
        creates: false,
    }
}

/// The operations of EKS.
pub const EKS: &[Route] = &[
    plain("POST", "/clusters", "CreateCluster"),
    Route {
        lists: &["include"],
        ..plain("GET", "/clusters", "ListClusters")
    },
    plain("GET", "/clusters/{name}", "DescribeCluster"),
    plain("DELETE", "/clusters/{name}", "DeleteCluster"),
    plain(
        "POST",
        "/clusters/{name}/update-config",
        "UpdateClusterConfig",
    ),
    plain("POST", "/clusters/{name}/updates", "UpdateClusterVersion"),
    plain("GET", "/clusters/{name}/updates", "ListUpdates"),
    plain(
        "GET",
        "/clusters/{name}/updates/{updateId}",
        "DescribeUpdate",
    ),
    Route {
        lists: &["clusterVersions"],
        ..plain("GET", "/cluster-versions", "DescribeClusterVersions")
    },
    plain(
        "POST",
        "/clusters/{clusterName}/node-groups",
        "CreateNodegroup",
    ),
    plain(
        "GET",
        "/clusters/{clusterName}/node-groups",
        "ListNodegroups",
    ),
    plain(
        "GET",
        "/clusters/{clusterName}/node-groups/{nodegroupName}",
        "DescribeNodegroup",
    ),
    plain(
        "DELETE",
        "/clusters/{clusterName}/node-groups/{nodegroupName}",
        "DeleteNodegroup",
    ),
    plain(
        "POST",
        "/clusters/{clusterName}/node-groups/{nodegroupName}/update-config",
        "UpdateNodegroupConfig",
    ),
    plain(
        "POST",
        "/clusters/{clusterName}/node-groups/{nodegroupName}/update-version",
        "UpdateNodegroupVersion",
    ),
    plain("POST", "/clusters/{clusterName}/addons", "CreateAddon"),
    plain("GET", "/clusters/{clusterName}/addons", "ListAddons"),
    plain(
        "GET",
        "/clusters/{clusterName}/addons/{addonName}",
        "DescribeAddon",
    ),
    plain(
        "DELETE",
        "/clusters/{clusterName}/addons/{addonName}",
        "DeleteAddon",
    ),
    plain(
        "POST",
        "/clusters/{clusterName}/addons/{addonName}/update",
        "UpdateAddon",
    ),
    Route {
        lists: &["types", "publishers", "owners"],
        ..plain("GET", "/addons/supported-versions", "DescribeAddonVersions")
    },
    plain(
        "GET",
        "/addons/configuration-schemas",
        "DescribeAddonConfiguration",
    ),
    plain(
        "POST",
        "/clusters/{clusterName}/access-entries",
        "CreateAccessEntry",
    ),
    plain(
        "GET",
        "/clusters/{clusterName}/access-entries",
        "ListAccessEntries",
    ),
    plain(
        "GET",
        "/clusters/{clusterName}/access-entries/{principalArn}",
        "DescribeAccessEntry",
    ),
    plain(
        "POST",
        "/clusters/{clusterName}/access-entries/{principalArn}",
        "UpdateAccessEntry",
    ),
    plain(
        "DELETE",
        "/clusters/{clusterName}/access-entries/{principalArn}",
        "DeleteAccessEntry",
    ),
    plain(
        "POST",
        "/clusters/{clusterName}/access-entries/{principalArn}/access-policies",
        "AssociateAccessPolicy",
    ),
    plain(
        "GET",
        "/clusters/{clusterName}/access-entries/{principalArn}/access-policies",
        "ListAssociatedAccessPolicies",
    ),
    plain(
        "DELETE",
        "/clusters/{clusterName}/access-entries/{principalArn}/access-policies/{policyArn}",
        "DisassociateAccessPolicy",
    ),
    plain("GET", "/access-policies", "ListAccessPolicies"),
    plain(
        "POST",
        "/clusters/{clusterName}/pod-identity-associations",
        "CreatePodIdentityAssociation",
    ),
    plain(
        "GET",
        "/clusters/{clusterName}/pod-identity-associations",
        "ListPodIdentityAssociations",
    ),
    plain(
        "GET",
        "/clusters/{clusterName}/pod-identity-associations/{associationId}",
        "DescribePodIdentityAssociation",
    ),
    plain(
        "POST",
        "/clusters/{clusterName}/pod-identity-associations/{associationId}",
        "UpdatePodIdentityAssociation",
    ),
    plain(
        "DELETE",
        "/clusters/{clusterName}/pod-identity-associations/{associationId}",
        "DeletePodIdentityAssociation",
    ),
    plain(
        "GET",
        "/clusters/{clusterName}/fargate-profiles",
        "ListFargateProfiles",
    ),
    plain("POST", "/tags/{resourceArn}", "TagResource"),
    plain("GET", "/tags/{resourceArn}", "ListTagsForResource"),
    Route {
        lists: &["tagKeys"],
        ..plain("DELETE", "/tags/{resourceArn}", "UntagResource")
    },
];

/// The operations of Route 53.
pub const ROUTE53: &[Route] = &[
    Route {
        creates: true,
        ..plain("POST", "/2013-04-01/hostedzone", "CreateHostedZone")
    },
    Route {
        renamed: &[
            ("marker", "Marker"),
            ("maxitems", "MaxItems"),
            ("delegationsetid", "DelegationSetId"),
            ("hostedzonetype", "HostedZoneType"),
        ],
        ..plain("GET", "/2013-04-01/hostedzone", "ListHostedZones")
    },
    Route {
        renamed: &[
            ("dnsname", "DNSName"),
            ("hostedzoneid", "HostedZoneId"),
            ("maxitems", "MaxItems"),
        ],
        ..plain(
            "GET",
            "/2013-04-01/hostedzonesbyname",
            "ListHostedZonesByName",
        )
    },
    Route {
        renamed: &[
            ("vpcid", "VPCId"),
            ("vpcregion", "VPCRegion"),
            ("maxitems", "MaxItems"),
            ("nexttoken", "NextToken"),
        ],
        ..plain(
            "GET",
            "/2013-04-01/hostedzonesbyvpc",
            "ListHostedZonesByVPC",
        )
    },
    plain("GET", "/2013-04-01/hostedzonecount", "GetHostedZoneCount"),
    plain("GET", "/2013-04-01/hostedzone/{Id}", "GetHostedZone"),
    plain(
        "POST",
        "/2013-04-01/hostedzone/{Id}",
        "UpdateHostedZoneComment",
    ),
    plain("DELETE", "/2013-04-01/hostedzone/{Id}", "DeleteHostedZone"),
    plain(
        "POST",
        "/2013-04-01/hostedzone/{HostedZoneId}/associatevpc",
        "AssociateVPCWithHostedZone",
    ),
    plain(
        "POST",
        "/2013-04-01/hostedzone/{HostedZoneId}/disassociatevpc",
        "DisassociateVPCFromHostedZone",
    ),
    plain(
        "POST",
        "/2013-04-01/hostedzone/{HostedZoneId}/rrset",
        "ChangeResourceRecordSets",
    ),
    Route {
        renamed: &[
            ("name", "StartRecordName"),
            ("type", "StartRecordType"),
            ("identifier", "StartRecordIdentifier"),
            ("maxitems", "MaxItems"),
        ],
        ..plain(
            "GET",
            "/2013-04-01/hostedzone/{HostedZoneId}/rrset",
            "ListResourceRecordSets",
        )
    },
    plain("GET", "/2013-04-01/change/{Id}", "GetChange"),
    plain(
        "GET",
        "/2013-04-01/tags/{ResourceType}/{ResourceId}",
        "ListTagsForResource",
    ),
    plain(
        "POST",
        "/2013-04-01/tags/{ResourceType}/{ResourceId}",
        "ChangeTagsForResource",
    ),
    plain(
        "POST",
        "/2013-04-01/tags/{ResourceType}",
        "ListTagsForResources",
    ),
];
