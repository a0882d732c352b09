//! IAM's refusals and answers, row by row of FACTS.md §1 and §4 and the differences from moto.

use serde_json::{Value, json};

use super::*;
use crate::sandbox::aws::testing::Desk;

const CLUSTER_POLICY: &str = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
const OWN_POLICY: &str = "arn:aws:iam::123456789012:policy/groundwork/db-ops";

fn ok(desk: &mut Desk, operation: &str, input: Value) -> Value {
    desk.ok("iam", operation, input)
}

fn refused(desk: &mut Desk, operation: &str, input: Value) -> String {
    desk.refused("iam", operation, input)
}

fn role() -> Value {
    json!({
        "RoleName": "control",
        "AssumeRolePolicyDocument": document::trust_of_service("eks.amazonaws.com"),
        "Tags": [{ "Key": "groundwork:environment", "Value": "staging" }],
    })
}

fn desk_with_role() -> Desk {
    let mut desk = Desk::new();
    ok(&mut desk, "CreateRole", role());
    desk
}

fn desk_with_group() -> Desk {
    let mut desk = Desk::new();
    let group = json!({ "GroupName": "DB-Ops", "Path": "/groundwork/staging/" });
    ok(&mut desk, "CreateGroup", group);
    desk
}

fn policy_text(action: &str) -> String {
    json!({ "Version": "2012-10-17", "Statement": { "Effect": "Allow", "Action": action, "Resource": "*" } }).to_string()
}

fn desk_with_policy() -> Desk {
    let mut desk = Desk::new();
    let policy = json!({ "PolicyName": "db-ops", "Path": "/groundwork/", "PolicyDocument": policy_text("rds:*") });
    let made = ok(&mut desk, "CreatePolicy", policy);
    assert_eq!(made["Policy"]["Arn"], OWN_POLICY);
    desk
}

fn membership(user: &str) -> Value {
    json!({ "GroupName": "DB-Ops", "UserName": user })
}

#[test]
fn create_role_name_taken() {
    let mut desk = desk_with_role();
    let fault = desk.send("iam", "CreateRole", role()).unwrap_err();
    assert_eq!(
        (fault.code.as_str(), fault.status),
        ("EntityAlreadyExists", 409)
    );
    let mut other_case = role();
    other_case["RoleName"] = json!("CONTROL");
    assert_eq!(
        refused(&mut desk, "CreateRole", other_case),
        "EntityAlreadyExists"
    );
}

#[test]
fn attach_role_policy_unknown_policy() {
    let mut desk = desk_with_role();
    let unknown =
        json!({ "RoleName": "control", "PolicyArn": "arn:aws:iam::aws:policy/NoSuchPolicy" });
    let fault = desk.send("iam", "AttachRolePolicy", unknown).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.status), ("NoSuchEntity", 404));
    let attachment = json!({ "RoleName": "none", "PolicyArn": CLUSTER_POLICY });
    assert_eq!(
        refused(&mut desk, "AttachRolePolicy", attachment),
        "NoSuchEntity"
    );
}

#[test]
fn delete_role_with_a_policy_attached() {
    let mut desk = desk_with_role();
    let attachment = json!({ "RoleName": "control", "PolicyArn": CLUSTER_POLICY });
    let inline = json!({ "RoleName": "control", "PolicyName": "own", "PolicyDocument": policy_text("ec2:*") });
    let named = json!({ "RoleName": "control" });
    ok(&mut desk, "AttachRolePolicy", attachment.clone());
    ok(&mut desk, "AttachRolePolicy", attachment.clone());
    ok(&mut desk, "PutRolePolicy", inline);
    let fault = desk.send("iam", "DeleteRole", named.clone()).unwrap_err();
    assert_eq!((fault.code.as_str(), fault.status), ("DeleteConflict", 409));

    ok(&mut desk, "DetachRolePolicy", attachment.clone());
    assert_eq!(
        refused(&mut desk, "DetachRolePolicy", attachment),
        "NoSuchEntity"
    );
    assert_eq!(
        refused(&mut desk, "DeleteRole", named.clone()),
        "DeleteConflict"
    );
    let inline = json!({ "RoleName": "control", "PolicyName": "own" });
    ok(&mut desk, "DeleteRolePolicy", inline);
    ok(&mut desk, "DeleteRole", named.clone());
    assert_eq!(refused(&mut desk, "GetRole", named), "NoSuchEntity");
}

#[test]
fn delete_group_with_a_member() {
    let mut desk = desk_with_group();
    ok(&mut desk, "AddUserToGroup", membership("ops-account"));
    let named = json!({ "GroupName": "DB-Ops" });
    assert_eq!(
        refused(&mut desk, "DeleteGroup", named.clone()),
        "DeleteConflict"
    );
    ok(&mut desk, "RemoveUserFromGroup", membership("ops-account"));
    let attachment = json!({ "GroupName": "DB-Ops", "PolicyArn": CLUSTER_POLICY });
    ok(&mut desk, "AttachGroupPolicy", attachment.clone());
    assert_eq!(
        refused(&mut desk, "DeleteGroup", named.clone()),
        "DeleteConflict"
    );
    ok(&mut desk, "DetachGroupPolicy", attachment);
    ok(&mut desk, "DeleteGroup", named);
}

#[test]
fn add_user_to_group_unknown_user() {
    let mut desk = desk_with_group();
    for membership in [
        membership("nobody"),
        json!({ "GroupName": "none", "UserName": "ops-account" }),
    ] {
        assert_eq!(
            refused(&mut desk, "AddUserToGroup", membership),
            "NoSuchEntity"
        );
    }
}

#[test]
fn a_group_tells_its_users_and_keeps_them_when_it_is_renamed() {
    let mut desk = desk_with_group();
    ok(&mut desk, "AddUserToGroup", membership("ops-account"));
    let rename = json!({ "GroupName": "DB-Ops", "NewGroupName": "Ops", "NewPath": "/other/" });
    ok(&mut desk, "UpdateGroup", rename);
    let told = ok(&mut desk, "GetGroup", json!({ "GroupName": "Ops" }));
    assert_eq!(
        told["Group"]["Arn"],
        "arn:aws:iam::123456789012:group/other/Ops"
    );
    assert_eq!(told["Users"][0]["UserName"], "ops-account");
    let groups = ok(
        &mut desk,
        "ListGroupsForUser",
        json!({ "UserName": "ops-account" }),
    );
    assert_eq!(groups["Groups"][0]["GroupName"], "Ops");
    let user = json!({ "UserName": "ops-account" });
    assert_eq!(refused(&mut desk, "DeleteUser", user), "DeleteConflict");
    let old = json!({ "GroupName": "DB-Ops" });
    assert_eq!(refused(&mut desk, "GetGroup", old), "NoSuchEntity");
}

#[test]
fn a_role_changes_in_place() {
    let mut desk = desk_with_role();
    let change = json!({ "RoleName": "control", "Description": "d", "MaxSessionDuration": "7200" });
    ok(&mut desk, "UpdateRole", change);
    let trust = json!({ "RoleName": "control", "PolicyDocument": document::trust_of_service("ec2.amazonaws.com") });
    ok(&mut desk, "UpdateAssumeRolePolicy", trust);
    let untag = json!({ "RoleName": "control", "TagKeys": ["groundwork:environment"] });
    ok(&mut desk, "UntagRole", untag);
    let tag = json!({ "RoleName": "control", "Tags": [{ "Key": "owner", "Value": "platform" }] });
    ok(&mut desk, "TagRole", tag);
    let told = ok(&mut desk, "GetRole", json!({ "RoleName": "control" }));
    let role = &told["Role"];
    assert_eq!(role["Description"], "d");
    assert_eq!(role["MaxSessionDuration"], 7200.0);
    assert_eq!(
        role["Tags"],
        json!([{ "Key": "owner", "Value": "platform" }])
    );
    let trust = role["AssumeRolePolicyDocument"]
        .as_str()
        .unwrap_or_default();
    assert!(
        trust.starts_with("%7B%22") && trust.contains("ec2.amazonaws.com"),
        "{trust}"
    );
    let arn = role["Arn"].as_str().unwrap_or_default();
    let found = desk.world.global.iam.role_by_arn(arn);
    assert!(found.is_some_and(|role| role.trusts("ec2.amazonaws.com")));
}

#[test]
fn names_paths_and_documents_are_checked() {
    let mut desk = Desk::new();
    let mut change = |operation: &str, member: &str, value: &str| {
        let mut input = match operation {
            "CreateRole" => role(),
            _ => json!({ "GroupName": "g" }),
        };
        input[member] = json!(value);
        refused(&mut desk, operation, input)
    };
    assert_eq!(change("CreateRole", "RoleName", "a b"), "ValidationError");
    assert_eq!(
        change("CreateRole", "RoleName", &"x".repeat(65)),
        "ValidationError"
    );
    assert_eq!(
        change("CreateGroup", "Path", "groundwork"),
        "ValidationError"
    );
    assert_eq!(
        change("CreateRole", "MaxSessionDuration", "60"),
        "ValidationError"
    );
    assert_eq!(
        change("CreateRole", "AssumeRolePolicyDocument", "{}"),
        "MalformedPolicyDocument"
    );
    assert_eq!(
        change("CreateRole", "AssumeRolePolicyDocument", &"{".repeat(2049)),
        "LimitExceeded"
    );
    assert!(desk.world.global.iam.roles.is_empty());
}

#[test]
fn a_policy_has_at_most_five_versions_and_goes_after_them() {
    let mut desk = desk_with_policy();
    let arn = json!({ "PolicyArn": OWN_POLICY });
    let version = |default| json!({ "PolicyArn": OWN_POLICY, "PolicyDocument": policy_text("rds:Describe*"), "SetAsDefault": default });
    for _ in 2..5 {
        ok(&mut desk, "CreatePolicyVersion", version("false"));
    }
    ok(&mut desk, "CreatePolicyVersion", version("true"));
    assert_eq!(
        refused(&mut desk, "CreatePolicyVersion", version("true")),
        "LimitExceeded"
    );
    let told = ok(&mut desk, "GetPolicy", arn.clone());
    assert_eq!(told["Policy"]["DefaultVersionId"], "v5");
    assert_eq!(
        refused(&mut desk, "DeletePolicy", arn.clone()),
        "DeleteConflict"
    );
    let of = |id: &str| json!({ "PolicyArn": OWN_POLICY, "VersionId": id });
    assert_eq!(
        refused(&mut desk, "DeletePolicyVersion", of("v5")),
        "DeleteConflict"
    );
    for id in ["v1", "v2", "v3", "v4"] {
        ok(&mut desk, "DeletePolicyVersion", of(id));
    }
    let again = ok(&mut desk, "CreatePolicyVersion", version("false"));
    assert_eq!(again["PolicyVersion"]["VersionId"], "v6");
    ok(&mut desk, "DeletePolicyVersion", of("v6"));
    ok(&mut desk, "DeletePolicy", arn.clone());
    assert_eq!(refused(&mut desk, "GetPolicy", arn), "NoSuchEntity");
}

#[test]
fn a_policy_in_use_stays_and_one_of_aws_never_changes() {
    let mut desk = desk_with_policy();
    let attachment = json!({ "UserName": "ops-account", "PolicyArn": OWN_POLICY });
    ok(&mut desk, "AttachUserPolicy", attachment);
    let arn = json!({ "PolicyArn": OWN_POLICY });
    assert_eq!(
        refused(&mut desk, "DeletePolicy", arn.clone()),
        "DeleteConflict"
    );
    let users = ok(&mut desk, "ListEntitiesForPolicy", arn);
    assert_eq!(users["PolicyUsers"][0]["UserName"], "ops-account");
    let taken = json!({ "PolicyName": "DB-OPS", "PolicyDocument": policy_text("rds:*") });
    assert_eq!(
        refused(&mut desk, "CreatePolicy", taken),
        "EntityAlreadyExists"
    );
    let managed = json!({ "PolicyArn": CLUSTER_POLICY });
    assert_eq!(refused(&mut desk, "DeletePolicy", managed), "AccessDenied");
}

#[test]
fn the_accounts_details_hold_everything_in_pages() {
    let mut desk = desk_with_policy();
    ok(&mut desk, "CreateRole", role());
    ok(&mut desk, "CreateGroup", json!({ "GroupName": "DB-Ops" }));
    ok(&mut desk, "AddUserToGroup", membership("ops-account"));
    let attachment = json!({ "RoleName": "control", "PolicyArn": CLUSTER_POLICY });
    ok(&mut desk, "AttachRolePolicy", attachment);
    let inline = json!({ "GroupName": "DB-Ops", "PolicyName": "own", "PolicyDocument": policy_text("rds:*") });
    ok(&mut desk, "PutGroupPolicy", inline);

    let all = ok(&mut desk, "GetAccountAuthorizationDetails", json!({}));
    assert_eq!(all["UserDetailList"][0]["GroupList"], json!(["DB-Ops"]));
    assert_eq!(
        all["GroupDetailList"][0]["GroupPolicyList"][0]["PolicyName"],
        "own"
    );
    let role = &all["RoleDetailList"][0];
    assert_eq!(role["Tags"][0]["Value"], "staging");
    assert_eq!(
        role["AttachedManagedPolicies"][0]["PolicyArn"],
        CLUSTER_POLICY
    );
    let policies = all["Policies"].as_array().cloned().unwrap_or_default();
    let arns: Vec<_> = policies.iter().map(|policy| &policy["Arn"]).collect();
    let callers = "arn:aws:iam::aws:policy/AdministratorAccess";
    assert_eq!(arns, [OWN_POLICY, callers, CLUSTER_POLICY]);
    let text = &policies[0]["PolicyVersionList"][0]["Document"];
    assert!(
        text.as_str().is_some_and(|text| text.contains("rds%3A%2A")),
        "{text}"
    );

    let mut counted = 0;
    let mut page = json!({ "MaxItems": "2" });
    loop {
        let told = ok(&mut desk, "GetAccountAuthorizationDetails", page.clone());
        let lists = [
            "UserDetailList",
            "GroupDetailList",
            "RoleDetailList",
            "Policies",
        ];
        let length = |list| told[list].as_array().map_or(0, Vec::len);
        counted += lists.map(length).iter().sum::<usize>();
        if told["IsTruncated"] == false {
            break;
        }
        page["Marker"] = told["Marker"].clone();
    }
    assert_eq!(counted, 7);

    let filtered = json!({ "Filter": ["LocalManagedPolicy"] });
    let told = ok(&mut desk, "GetAccountAuthorizationDetails", filtered);
    assert_eq!(told["RoleDetailList"], json!([]));
    assert_eq!(told["Policies"][0]["PolicyName"], "db-ops");
    let unknown = json!({ "Filter": ["Everything"] });
    assert_eq!(
        refused(&mut desk, "GetAccountAuthorizationDetails", unknown),
        "ValidationError"
    );
}

#[test]
fn lists_go_by_path_and_page() {
    let mut desk = desk_with_group();
    ok(&mut desk, "CreateGroup", json!({ "GroupName": "other" }));
    let ours = ok(
        &mut desk,
        "ListGroups",
        json!({ "PathPrefix": "/groundwork/" }),
    );
    assert_eq!(ours["Groups"].as_array().map(Vec::len), Some(1));
    let first = ok(&mut desk, "ListGroups", json!({ "MaxItems": "1" }));
    assert_eq!(
        (&first["IsTruncated"], &first["Marker"]),
        (&json!(true), &json!("DB-Ops"))
    );
    let policies = json!({ "Scope": "AWS", "PathPrefix": "/service-role/", "MaxItems": "1000" });
    let told = ok(&mut desk, "ListPolicies", policies);
    let listed = told["Policies"].as_array().cloned().unwrap_or_default();
    assert!(
        listed
            .iter()
            .any(|policy| policy["PolicyName"] == "AmazonEBSCSIDriverPolicy")
    );
    assert!(
        listed
            .iter()
            .all(|policy| policy["Path"] == "/service-role/")
    );
}

#[test]
fn a_service_linked_role_is_made_once_and_belongs_to_aws() {
    let mut desk = Desk::new();
    let service = json!({ "AWSServiceName": "eks.amazonaws.com" });
    let made = ok(&mut desk, "CreateServiceLinkedRole", service.clone());
    assert_eq!(made["Role"]["Path"], "/aws-service-role/eks.amazonaws.com/");
    assert_eq!(
        refused(&mut desk, "CreateServiceLinkedRole", service),
        "InvalidInput"
    );
    let named = json!({ "RoleName": "AWSServiceRoleForAmazonEKS" });
    assert_eq!(
        refused(&mut desk, "DeleteRole", named),
        "UnmodifiableEntity"
    );
}

#[test]
fn providers_are_known_by_their_url() {
    let mut desk = Desk::new();
    let provider =
        json!({ "Url": "https://oidc.example.com/id/1", "ClientIDList": ["sts.amazonaws.com"] });
    let made = ok(&mut desk, "CreateOpenIDConnectProvider", provider.clone());
    let arn = "arn:aws:iam::123456789012:oidc-provider/oidc.example.com/id/1";
    assert_eq!(made["OpenIDConnectProviderArn"], arn);
    assert_eq!(
        refused(&mut desk, "CreateOpenIDConnectProvider", provider),
        "EntityAlreadyExists"
    );
    let named = json!({ "OpenIDConnectProviderArn": arn });
    let told = ok(&mut desk, "GetOpenIDConnectProvider", named.clone());
    assert_eq!(told["ClientIDList"], json!(["sts.amazonaws.com"]));
    // IAM fetches the thumbprint where none is given.
    let print = |told: &Value| told["ThumbprintList"][0].as_str().unwrap_or_default().len();
    assert_eq!(print(&told), 40);
    let with = |more: Value| {
        let mut all = named.clone();
        all.as_object_mut()
            .unwrap()
            .extend(more.as_object().unwrap().clone());
        all
    };
    for short in [json!(["abc"]), json!(vec!["a".repeat(40); 6])] {
        let operation = "UpdateOpenIDConnectProviderThumbprint";
        let code = refused(&mut desk, operation, with(json!({"ThumbprintList": short})));
        assert!(
            ["ValidationError", "InvalidInput"].contains(&code.as_str()),
            "{code}"
        );
    }
    let client = with(json!({"ClientID": "other"}));
    ok(
        &mut desk,
        "AddClientIDToOpenIDConnectProvider",
        client.clone(),
    );
    ok(
        &mut desk,
        "AddClientIDToOpenIDConnectProvider",
        client.clone(),
    );
    let told = ok(&mut desk, "GetOpenIDConnectProvider", named.clone());
    assert_eq!(told["ClientIDList"], json!(["other", "sts.amazonaws.com"]));
    ok(&mut desk, "RemoveClientIDFromOpenIDConnectProvider", client);
    let tags = with(json!({"Tags": [{"Key": "team", "Value": "a"}]}));
    ok(&mut desk, "TagOpenIDConnectProvider", tags);
    let told = ok(&mut desk, "ListOpenIDConnectProviderTags", named.clone());
    assert_eq!(told["Tags"][0]["Key"], "team");
    ok(
        &mut desk,
        "UntagOpenIDConnectProvider",
        with(json!({"TagKeys": ["team"]})),
    );
    let told = ok(&mut desk, "GetOpenIDConnectProvider", named.clone());
    assert_eq!(told["Tags"], json!([]));
    ok(&mut desk, "DeleteOpenIDConnectProvider", named.clone());
    ok(&mut desk, "DeleteOpenIDConnectProvider", named.clone());
    assert_eq!(
        refused(&mut desk, "GetOpenIDConnectProvider", named),
        "NoSuchEntity"
    );
}

#[test]
fn no_role_has_more_than_ten_policies() {
    let mut desk = desk_with_role();
    let arns: Vec<String> = managed::all().map(|policy| policy.arn).collect();
    let attachment = |arn: &String| json!({ "RoleName": "control", "PolicyArn": arn });
    for arn in &arns[..10] {
        ok(&mut desk, "AttachRolePolicy", attachment(arn));
    }
    assert_eq!(
        refused(&mut desk, "AttachRolePolicy", attachment(&arns[10])),
        "LimitExceeded"
    );
    let named = json!({ "RoleName": "control" });
    let told = ok(&mut desk, "ListAttachedRolePolicies", named);
    assert_eq!(told["AttachedPolicies"].as_array().map(Vec::len), Some(10));
}

#[test]
fn instance_profiles_are_an_empty_list() {
    let mut desk = desk_with_role();
    let named = json!({ "RoleName": "control" });
    let told = ok(&mut desk, "ListInstanceProfilesForRole", named);
    assert_eq!(told["InstanceProfiles"], json!([]));
    let removal = json!({ "RoleName": "control", "InstanceProfileName": "none" });
    assert_eq!(
        refused(&mut desk, "RemoveRoleFromInstanceProfile", removal),
        "NoSuchEntity"
    );
}
