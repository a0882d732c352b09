//! In a cluster that somebody else made: what others made goes only with consent, also where it looks like ours.

use groundwork::ops::{self, Confirmed, Error};
use groundwork::plan::{Danger, Goal};
use http::Method;
use serde_json::{Value, json};

use crate::common::{Silence, apply, never_stopped};
use crate::guest::{
    agreed, call, forgotten, guest, hosted, is_there, is_untouched, marked, put, theirs,
};

#[tokio::test(start_paused = true)]
async fn what_others_made_goes_only_with_consent() {
    let (world, host) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    put(&world, "/api/v1/namespaces/shop/configmaps", theirs()).await;
    let books = "/apis/ledger.example.com/v1/namespaces/default/books";
    let mut book = json!({"apiVersion": "ledger.example.com/v1", "kind": "Book"});
    book["metadata"] = json!({"name": "theirs"});
    put(&world, books, book).await;
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let taking = planned.plan.work();
    let taking = taking.filter(|action| action.danger == Some(Danger::TakesOthers));
    let taking: Vec<_> = taking
        .map(|action| (action.address.as_str(), action.reason.as_str()))
        .collect();
    let types = "bootstrap.release.ledger.customresourcedefinition.books.ledger.example.com";
    assert_eq!(
        taking,
        [
            (
                "bootstrap.namespace.shop",
                "the environment is destroyed, and with it what others made: configmap/theirs"
            ),
            (
                types,
                "the environment is destroyed, and with it what others made: book/default/theirs"
            ),
        ]
    );
    let run = async |planned: &ops::Planned| {
        let consent = agreed(&["bootstrap.namespace.shop"]);
        ops::destroy(&session, planned, &consent, &Silence, never_stopped()).await
    };
    let refused = run(&planned).await.unwrap_err();
    let told = refused.to_string();
    assert!(matches!(refused, Error::TakesOthers(_)), "{told}");
    assert!(
        told.contains("book/default/theirs") && !told.contains("configmap"),
        "{told}"
    );
    assert!(is_there(&world, "/api/v1/namespaces/shop/configmaps/theirs").await);

    let book = format!("{books}/theirs");
    call(&world, Method::DELETE, &book, &json!({}))
        .await
        .unwrap();
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let ended = run(&planned).await.unwrap();
    assert!(ended.report.is_complete() && ended.remains.is_empty());
    assert_eq!(marked(&world).await, Vec::<String>::new());
    is_untouched(&host).await;
}

/// Somebody made anew what we had made: by its name it is what we remember, and by nothing else.
#[tokio::test(start_paused = true)]
async fn what_somebody_made_anew_goes_only_with_consent() {
    let (world, host) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    let shop = "/api/v1/namespaces/shop";
    call(&world, Method::DELETE, shop, &json!({}))
        .await
        .unwrap();
    tokio::time::sleep(std::time::Duration::from_secs(60)).await;
    assert!(!is_there(&world, shop).await);
    let anew = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}});
    put(&world, "/api/v1/namespaces", anew).await;
    put(&world, &format!("{shop}/configmaps"), theirs()).await;
    let address = "bootstrap.namespace.shop";
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let action = planned.plan.action(&address.parse().unwrap()).unwrap();
    assert_eq!(action.danger, Some(Danger::TakesOthers), "{action:#?}");
    assert_eq!(
        action.reason,
        "the environment is destroyed, and with it what others made: configmap/theirs; it no longer says that it is ours"
    );
    let nothing = Confirmed::default();
    let refused = ops::destroy(&session, &planned, &nothing, &Silence, never_stopped()).await;
    assert!(matches!(refused, Err(Error::TakesOthers(_))));
    assert!(is_there(&world, &format!("{shop}/configmaps/theirs")).await);
    let consent = agreed(&[address]);
    let ended = ops::destroy(&session, &planned, &consent, &Silence, never_stopped()).await;
    assert_eq!(ended.unwrap().remains, []);
    is_untouched(&host).await;
}

/// Who copies an object copies our marks along.
#[tokio::test(start_paused = true)]
async fn a_copy_of_what_is_ours_is_not_ours() {
    let (world, _) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    let secrets = |namespace: &str| format!("/api/v1/namespaces/{namespace}/secrets");
    let original = format!("{}/greeting", secrets("shop"));
    let original = call(&world, Method::GET, &original, &Value::Null).await;
    let mut copy = original.unwrap();
    for namespace in ["shop", "default"] {
        let (labels, annotations) = (
            &copy["metadata"]["labels"],
            &copy["metadata"]["annotations"],
        );
        copy["metadata"] = json!({
            "name": "copy", "namespace": namespace, "labels": labels, "annotations": annotations,
        });
        put(&world, &secrets(namespace), copy.clone()).await;
    }
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let surplus: Vec<_> = planned.plan.work().flat_map(|it| &it.surplus).collect();
    assert_eq!(surplus, Vec::<&String>::new());
    let shop = "bootstrap.namespace.shop";
    let action = planned.plan.action(&shop.parse().unwrap()).unwrap();
    assert_eq!(action.danger, Some(Danger::TakesOthers), "{action:#?}");
    assert!(action.reason.ends_with("secret/copy"), "{}", action.reason);
    let consent = agreed(&[shop]);
    let ended = ops::destroy(&session, &planned, &consent, &Silence, never_stopped()).await;
    assert_eq!(ended.unwrap().remains, []);
    assert!(is_there(&world, &format!("{}/copy", secrets("default"))).await);
}

/// Which of them is the copy nobody can tell, where nobody remembers the address.
#[tokio::test(start_paused = true)]
async fn of_two_at_an_address_that_nobody_remembers_neither_goes_unasked() {
    let (world, _) = hosted().await;
    let session = guest(&world);
    apply(&session).await;
    let address = "bootstrap.release.gone.persistentvolumeclaim.forgotten";
    let mut forgotten = forgotten(&session, address);
    forgotten["kind"] = json!("PersistentVolumeClaim");
    forgotten["spec"] = json!({
        "accessModes": ["ReadWriteOnce"], "storageClassName": "gp2",
        "resources": {"requests": {"storage": "1Gi"}},
    });
    for name in ["forgotten", "copy"] {
        forgotten["metadata"]["name"] = json!(name);
        let claims = "/api/v1/namespaces/default/persistentvolumeclaims";
        put(&world, claims, forgotten.clone()).await;
    }
    let planned = session.plan(Goal::Destroy).await.unwrap();
    let action = planned.plan.action(&address.parse().unwrap()).unwrap();
    assert_eq!(action.danger, Some(Danger::TakesOthers), "{action:#?}");
}
