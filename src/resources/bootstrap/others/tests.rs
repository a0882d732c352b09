use std::collections::BTreeMap;

use kube::client::Body;

use super::*;
use crate::resources::Ownership;

/// An API server that answers each path as told; the rest is not there.
fn server(answers: &[(&str, u16, Value)]) -> Client {
    let answers: BTreeMap<String, (u16, Value)> = answers
        .iter()
        .map(|(path, code, body)| ((*path).to_owned(), (*code, body.clone())))
        .collect();
    let service = tower::service_fn(move |request: http::Request<Body>| {
        let refused = |code: u16| {
            json!({
                "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
                "reason": if code == 403 { "Forbidden" } else { "NotFound" }, "message": "no",
            })
        };
        let (code, body) = match answers.get(request.uri().path()) {
            Some((200, body)) => (200, body.clone()),
            Some((code, _)) => (*code, refused(*code)),
            None => (404, refused(404)),
        };
        let body = Body::from(body.to_string().into_bytes());
        std::future::ready(http::Response::builder().status(code).body(body))
    });
    Client::new(service, "default")
}

fn resources(kinds: &[(&str, &str)]) -> Value {
    let kinds = kinds.iter().map(|(name, kind)| {
        json!({"name": name, "kind": kind, "namespaced": true, "verbs": ["list", "delete"]})
    });
    json!({ "resources": kinds.collect::<Vec<_>>() })
}

fn items(objects: &[Value]) -> Value {
    json!({"metadata": {}, "items": objects})
}

fn named(name: &str) -> Value {
    json!({"metadata": {"name": name, "namespace": "shop"}})
}

/// Two versions of a group, of which the one that is not preferred has a type of its own.
fn groups() -> Value {
    let version = |version: &str| json!({"groupVersion": format!("example.com/{version}")});
    json!({"groups": [{
        "name": "example.com", "preferredVersion": version("v2"), "versions": [version("v2"), version("v1")],
    }]})
}

fn discovered() -> Vec<(&'static str, u16, Value)> {
    vec![
        ("/apis", 200, groups()),
        ("/api/v1", 200, resources(&[("secrets", "Secret")])),
        ("/apis/example.com/v2", 200, resources(&[("books", "Book")])),
        (
            "/apis/example.com/v1",
            200,
            resources(&[("books", "Book"), ("pens", "Pen")]),
        ),
    ]
}

async fn taken(client: &Client, object: &Value) -> Result<Vec<String>, Fault> {
    let (known, lineage) = (BTreeMap::new(), "ours".to_owned());
    let ownership = Ownership {
        environment: "guest".to_owned(),
        region: "us-east-1".to_owned(),
        lineage,
        expires: None,
        owner: None,
    };
    let marks = Marks::of(&ownership, &known);
    let nothing = (
        BTreeMap::new(),
        BTreeMap::new(),
        BTreeMap::new(),
        BTreeMap::new(),
    );
    let wanted = Wanted {
        ownership: &ownership,
        desired: &nothing.0,
        recorded: &nothing.1,
        open: &nothing.2,
        variables: &nothing.3,
        teardown: true,
    };
    let going = Going::of(&wanted, &marks, [object].into_iter());
    let types = types(client).await?;
    taken_along(client, &types, &going, object).await
}

fn namespace() -> Value {
    json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop", "uid": "1"}})
}

/// What both serve is read as the preferred one has it.
#[tokio::test]
async fn a_type_that_only_another_version_serves_is_seen() {
    let mut answers = discovered();
    answers.push((
        "/apis/example.com/v2/namespaces/shop/books",
        200,
        items(&[named("a")]),
    ));
    answers.push((
        "/apis/example.com/v1/namespaces/shop/pens",
        200,
        items(&[named("b")]),
    ));
    let taken = taken(&server(&answers), &namespace()).await.unwrap();
    assert_eq!(taken, ["book/a", "pen/b"]);
}

#[tokio::test]
async fn what_may_not_be_listed_is_named() {
    let mut answers = discovered();
    answers.push(("/api/v1/namespaces/shop/secrets", 403, Value::Null));
    let client = server(&answers);
    let taken = taken(&client, &namespace()).await.unwrap();
    assert_eq!(taken, ["any secrets (which we may not list)"]);
    let types = types(&client).await.unwrap();
    let known = BTreeSet::new();
    let none = of_other_types(&client, &types, &known, "a=b");
    assert_eq!(none.await.unwrap().1, Vec::<String>::new());
    answers.push(("/apis/example.com/v1/pens", 403, Value::Null));
    let some = server(&answers);
    let some = of_other_types(&some, &types, &known, "a=b");
    assert_eq!(some.await.unwrap().1, ["pens.example.com"]);
}

fn definition(version: &str) -> Value {
    json!({
        "apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
        "metadata": {"name": "pens.example.com", "uid": "2"},
        "spec": {
            "group": "example.com", "scope": "Namespaced", "names": {"kind": "Pen", "plural": "pens"},
            "versions": [{"name": "v0", "served": false}, {"name": version, "served": true}],
        },
        "status": {"conditions": [{"type": "Established", "status": "True"}]},
    })
}

#[tokio::test]
async fn a_type_of_ours_is_read_as_its_definition_says() {
    let mut answers = discovered();
    answers.push(("/apis/example.com/v1/pens", 200, items(&[named("b")])));
    let client = server(&answers);
    assert_eq!(
        taken(&client, &definition("v1")).await.unwrap(),
        ["pen/shop/b"]
    );
    let unserved = taken(&client, &definition("v3")).await.unwrap_err();
    assert_eq!(unserved.operation, UNSERVED);
}

/// Whoever owns an object may well stay when that goes.
#[tokio::test]
async fn what_has_an_owner_goes_unnamed_only_with_it() {
    let owned = |name: &str, api: &str, kind: &str, uid: &str| {
        let mut object = named(name);
        object["metadata"]["ownerReferences"] =
            json!([{"apiVersion": api, "kind": kind, "name": "it", "uid": uid}]);
        object
    };
    let pens = items(&[
        owned("by-a-book", "example.com/v2", "Book", "8"),
        owned("by-a-pen", "example.com/v1", "Pen", "9"),
        owned("by-the-whole", "cluster.example.com/v1", "Library", "7"),
    ]);
    let mut answers = discovered();
    answers.push(("/apis/example.com/v1/pens", 200, pens.clone()));
    answers.push(("/apis/example.com/v1/namespaces/shop/pens", 200, pens));
    let client = server(&answers);
    let with_the_type = taken(&client, &definition("v1")).await.unwrap();
    assert_eq!(
        with_the_type,
        ["pen/shop/by-a-book", "pen/shop/by-the-whole"]
    );
    let with_the_namespace = taken(&client, &namespace()).await.unwrap();
    assert_eq!(with_the_namespace, ["pen/by-the-whole"]);
}

/// Neither names its owner, and both go with it.
#[tokio::test]
async fn what_the_agent_and_the_maker_of_load_balancers_made_is_nobodys() {
    let bound = |name: &str, labels: Value| {
        let mut bound = named(name);
        bound["metadata"]["labels"] = labels;
        bound
    };
    let answers = [
        ("/apis", 200, groups()),
        ("/api/v1", 200, resources(&[])),
        (
            "/apis/example.com/v2",
            200,
            resources(&[
                ("appprojects", "AppProject"),
                ("targetgroupbindings", "TargetGroupBinding"),
            ]),
        ),
        ("/apis/example.com/v1", 200, resources(&[])),
        (
            "/apis/example.com/v2/namespaces/shop/appprojects",
            200,
            items(&[named("default"), named("a")]),
        ),
        (
            "/apis/example.com/v2/namespaces/shop/targetgroupbindings",
            200,
            items(&[
                bound("k8s-shop-web", json!({"service.k8s.aws/stack-name": "web"})),
                bound("b", json!({"app": "web"})),
            ]),
        ),
    ];
    let taken = taken(&server(&answers), &namespace()).await.unwrap();
    assert_eq!(taken, ["appproject/a", "targetgroupbinding/b"]);
}
