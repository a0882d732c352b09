//! The controllers.

use serde_json::json;

use super::*;
use crate::sandbox::aws::tags::Tags;
use crate::sandbox::aws::testing::Desk;
use crate::sandbox::kubernetes::object::{condition, list, text};

#[tokio::test(start_paused = true)]
async fn workloads_wait_for_a_node_and_become_ready() {
    let host = Host::new();
    host.post(DEPLOYMENTS, deployment("web")).await;
    let path = format!("{DEPLOYMENTS}/web");
    seconds(300).await;
    let (_, waiting) = host.get(&path).await;
    assert_eq!(condition(&waiting, "Available"), "False");
    assert_eq!(waiting["status"]["unavailableReplicas"], 2);
    let (_, dns) = host
        .get("/apis/apps/v1/namespaces/kube-system/deployments/coredns")
        .await;
    assert_eq!(condition(&dns, "Available"), "False");
    host.join("ip-10-0-1-2.eu-central-1.compute.internal");
    seconds(22).await;
    let (_, ready) = host.get(&path).await;
    assert_eq!(condition(&ready, "Available"), "True");
    assert_eq!(ready["status"]["readyReplicas"], 2);
    assert_eq!(
        ready["status"]["observedGeneration"],
        ready["metadata"]["generation"]
    );
    let (_, dns) = host
        .get("/apis/apps/v1/namespaces/kube-system/deployments/coredns")
        .await;
    assert_eq!(condition(&dns, "Available"), "True");
    let (_, daemon) = host
        .get("/apis/apps/v1/namespaces/kube-system/daemonsets/aws-node")
        .await;
    assert_eq!(daemon["status"]["numberReady"], 1);
}

#[tokio::test(start_paused = true)]
async fn a_new_template_replaces_the_pods() {
    let host = Host::with_node();
    let path = format!("{DEPLOYMENTS}/web");
    host.post(DEPLOYMENTS, deployment("web")).await;
    seconds(25).await;
    let patch = json!({"spec": {"template": {"metadata": {"labels": {"app": "web", "new": "1"}}}}});
    host.merge(&path, patch).await;
    seconds(25).await;
    let (_, rolled) = host.get(&path).await;
    assert_eq!(rolled["status"]["replicas"], 2, "{}", rolled["status"]);
    assert_eq!(rolled["status"]["observedGeneration"], 2);
    let (_, pods) = host.get("/api/v1/namespaces/default/pods").await;
    let pods = list(&pods, "/items");
    assert_eq!(pods.len(), 2);
    assert!(
        pods.iter()
            .all(|pod| pod["metadata"]["labels"]["new"] == "1")
    );
}

#[tokio::test(start_paused = true)]
async fn a_pod_waits_for_the_secret_that_it_names() {
    let host = Host::with_node();
    let mut document = deployment("web");
    document["spec"]["template"]["spec"]["containers"][0]["env"] =
        json!([{"name": "P", "valueFrom": {"secretKeyRef": {"name": "db", "key": "password"}}}]);
    host.post(DEPLOYMENTS, document).await;
    seconds(60).await;
    let (_, pods) = host.get("/api/v1/namespaces/default/pods").await;
    let waiting = &pods["items"][0]["status"]["containerStatuses"][0]["state"]["waiting"];
    assert_eq!(waiting["reason"], "CreateContainerConfigError");
    let secret = json!({
        "apiVersion": "v1", "kind": "Secret", "metadata": {"name": "db"}, "stringData": {"password": "x"},
    });
    let (_, secret) = host
        .post("/api/v1/namespaces/default/secrets", secret)
        .await;
    assert_eq!(secret["data"]["password"], "eA==");
    seconds(1).await;
    let (_, ready) = host.get(&format!("{DEPLOYMENTS}/web")).await;
    assert_eq!(condition(&ready, "Available"), "True");
}

#[tokio::test(start_paused = true)]
async fn stateful_pods_start_one_after_the_other_with_their_claims() {
    let host = Host::with_node();
    let path = "/apis/apps/v1/namespaces/default/statefulsets";
    let object = json!({
        "apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": {"name": "db"},
        "spec": {
            "replicas": 2, "serviceName": "db", "selector": {"matchLabels": {"app": "db"}},
            "template": {"metadata": {"labels": {"app": "db"}}, "spec": {"containers": [
                {"name": "db", "image": "db:1", "volumeMounts": [{"name": "data", "mountPath": "/data"}]},
            ]}},
            "volumeClaimTemplates": [{"metadata": {"name": "data"}, "spec": {
                "accessModes": ["ReadWriteOnce"], "storageClassName": "gp2",
                "resources": {"requests": {"storage": "8Gi"}},
            }}],
        },
    });
    let (code, answer) = host.post(path, object).await;
    assert_eq!(code, 201, "{answer}");
    seconds(26).await;
    let (_, first) = host.get(&format!("{path}/db")).await;
    assert_eq!(
        (
            &first["status"]["replicas"],
            &first["status"]["readyReplicas"]
        ),
        (&json!(2), &json!(1)),
        "{}",
        first["status"]
    );
    seconds(26).await;
    let (_, both) = host.get(&format!("{path}/db")).await;
    assert_eq!(both["status"]["readyReplicas"], 2);
    let volumes = |world: &mut World| -> Vec<(i64, String)> {
        let ec2 = &world.region(REGION).ec2;
        let tag = |id: &String| ec2.tags[id]["kubernetes.io/created-for/pvc/name"].clone();
        ec2.volumes
            .iter()
            .map(|(id, volume)| (volume.gib, tag(id)))
            .collect()
    };
    let mut found = host.world(volumes);
    found.sort();
    assert_eq!(
        found,
        [(8, "data-db-0".to_owned()), (8, "data-db-1".to_owned())]
    );
    // Claims outlive their StatefulSet; without them the volumes go.
    host.delete(&format!("{path}/db")).await;
    seconds(10).await;
    assert_eq!(host.world(volumes).len(), 2);
    host.delete("/api/v1/namespaces/default/persistentvolumeclaims")
        .await;
    seconds(10).await;
    assert_eq!(host.world(volumes), []);
    let (_, left) = host.get("/api/v1/persistentvolumes").await;
    assert_eq!(left["items"], json!([]));
}

#[tokio::test(start_paused = true)]
async fn a_job_completes() {
    let host = Host::with_node();
    let path = "/apis/batch/v1/namespaces/default/jobs";
    let object = json!({
        "apiVersion": "batch/v1", "kind": "Job", "metadata": {"name": "once"},
        "spec": {"ttlSecondsAfterFinished": 60, "template": {"spec": {
            "restartPolicy": "Never", "containers": [{"name": "once", "image": "once:1"}],
        }}},
    });
    assert_eq!(host.post(path, object).await.0, 201);
    seconds(25).await;
    let (_, job) = host.get(&format!("{path}/once")).await;
    assert_eq!(condition(&job, "Complete"), "True");
    seconds(65).await;
    assert_eq!(host.get(&format!("{path}/once")).await.0, 404);
}

#[tokio::test(start_paused = true)]
async fn endpoints_name_the_ready_pods() {
    let host = Host::with_node();
    host.post(SERVICES, service("web", "ClusterIP")).await;
    host.post(DEPLOYMENTS, deployment("web")).await;
    seconds(25).await;
    let (_, endpoints) = host.get("/api/v1/namespaces/default/endpoints/web").await;
    assert_eq!(list(&endpoints, "/subsets/0/addresses").len(), 2);
    assert_eq!(endpoints["subsets"][0]["ports"][0]["port"], 80);
    host.delete(&format!("{SERVICES}/web")).await;
    seconds(1).await;
    assert_eq!(
        host.get("/api/v1/namespaces/default/endpoints/web").await.0,
        404
    );
    let (_, slices) = host
        .get("/apis/discovery.k8s.io/v1/namespaces/default/endpointslices")
        .await;
    assert_eq!(slices["items"], json!([]));
}

/// A world in which EKS makes the cluster, in a network for internal load balancers.
fn aws() -> World {
    let mut desk = Desk::new();
    for subnet in ["subnet-a", "subnet-b"] {
        let role = ("kubernetes.io/role/internal-elb".to_owned(), "1".to_owned());
        desk.world
            .region(REGION)
            .ec2
            .add_tags(subnet, Tags::from([role]));
    }
    let trust = json!({"Version": "2012-10-17", "Statement": [{
        "Effect": "Allow", "Action": "sts:AssumeRole", "Principal": {"Service": "eks.amazonaws.com"},
    }]});
    let name = "control";
    let role = json!({"RoleName": name, "AssumeRolePolicyDocument": trust.to_string()});
    desk.ok("iam", "CreateRole", role);
    let policy = "arn:aws:iam::aws:policy/AmazonEKSClusterPolicy";
    desk.ok(
        "iam",
        "AttachRolePolicy",
        json!({"RoleName": name, "PolicyArn": policy}),
    );
    let cluster = json!({
        "name": CLUSTER, "roleArn": "arn:aws:iam::123456789012:role/control",
        "resourcesVpcConfig": {"subnetIds": ["subnet-a", "subnet-b"]},
    });
    desk.ok("eks", "CreateCluster", cluster);
    desk.world
}

fn ingress() -> Value {
    json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "Ingress", "metadata": {"name": "web"},
        "spec": {"ingressClassName": "traefik", "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}}},
    })
}

#[tokio::test(start_paused = true)]
async fn a_service_gets_a_load_balancer_and_ingresses_its_address() {
    let host = Host::new();
    host.world(|world| *world = aws());
    seconds(601).await;
    host.join("ip-10-0-1-2.eu-central-1.compute.internal");
    let mut traefik = service("traefik", "LoadBalancer");
    traefik["metadata"]["annotations"] = json!({"service.beta.kubernetes.io/aws-load-balancer-type": "nlb", "service.beta.kubernetes.io/aws-load-balancer-internal": "true"});
    let mut controller = deployment("web");
    controller["spec"]["template"]["spec"]["containers"][0]["args"] =
        json!(["--providers.kubernetesingress.ingressendpoint.publishedservice=default/traefik"]);
    host.post(SERVICES, traefik).await;
    host.post(DEPLOYMENTS, controller).await;
    let class = json!({
        "apiVersion": "networking.k8s.io/v1", "kind": "IngressClass", "metadata": {"name": "traefik"},
        "spec": {"controller": "traefik.io/ingress-controller"},
    });
    host.post("/apis/networking.k8s.io/v1/ingressclasses", class)
        .await;
    let ingresses = "/apis/networking.k8s.io/v1/namespaces/default/ingresses";
    host.post(ingresses, ingress()).await;
    let balancers = |world: &mut World| world.region(REGION).elbv2.load_balancers.len();
    let path = format!("{SERVICES}/traefik");
    seconds(5).await;
    assert_eq!(
        list(&host.get(&path).await.1, "/status/loadBalancer/ingress"),
        &[] as &[Value]
    );
    seconds(25).await;
    let (_, live) = host.get(&path).await;
    let hostname = text(&live, "/status/loadBalancer/ingress/0/hostname");
    assert!(hostname.ends_with(".amazonaws.com"), "{live}");
    let (_, published) = host.get(&format!("{ingresses}/web")).await;
    assert_eq!(
        text(&published, "/status/loadBalancer/ingress/0/hostname"),
        hostname
    );
    assert_eq!(host.world(balancers), 1);
    host.delete(&path).await;
    seconds(5).await;
    assert_eq!((host.world(balancers), host.get(&path).await.0), (0, 200));
    seconds(60).await;
    assert_eq!(host.get(&path).await.0, 404);
    let groups = host.world(|world| {
        let ec2 = &world.region(REGION).ec2;
        ec2.security_groups
            .values()
            .filter(|group| group.name.starts_with("k8s-elb-"))
            .count()
    });
    assert_eq!(groups, 0);
}

async fn argo(host: &Host) {
    host.namespace("argocd").await;
    for (plural, kind) in [
        ("applications", "Application"),
        ("appprojects", "AppProject"),
    ] {
        let mut document = definition();
        document["metadata"]["name"] = format!("{plural}.argoproj.io").into();
        document["spec"]["group"] = "argoproj.io".into();
        document["spec"]["names"] = json!({"plural": plural, "kind": kind});
        document["spec"]["versions"][0]["name"] = "v1alpha1".into();
        document["spec"]["versions"][0]["subresources"] = Value::Null;
        assert_eq!(host.post(DEFINITIONS, document).await.0, 201);
    }
    let mut server = deployment("argocd-server");
    server["metadata"]["namespace"] = "argocd".into();
    let (code, answer) = host
        .post("/apis/apps/v1/namespaces/argocd/deployments", server)
        .await;
    assert_eq!(code, 201, "{answer}");
    let mut controller = deployment("argocd-application-controller");
    controller["metadata"]["namespace"] = "argocd".into();
    controller["kind"] = "StatefulSet".into();
    controller["spec"]["serviceName"] = "argocd".into();
    controller["spec"]["replicas"] = 1.into();
    let (code, answer) = host
        .post("/apis/apps/v1/namespaces/argocd/statefulsets", controller)
        .await;
    assert_eq!(code, 201, "{answer}");
    seconds(25).await;
}

#[tokio::test(start_paused = true)]
async fn applications_are_compared_synced_and_let_go() {
    let host = Host::with_node();
    argo(&host).await;
    let (code, secret) = host
        .get("/api/v1/namespaces/argocd/secrets/argocd-initial-admin-secret")
        .await;
    assert_eq!(code, 200);
    assert!(!text(&secret, "/data/password").is_empty());
    let path = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications";
    for (name, policy) in [("manual", json!({})), ("auto", json!({"automated": {}}))] {
        let application = json!({
            "apiVersion": "argoproj.io/v1alpha1", "kind": "Application",
            "metadata": {"name": name, "finalizers": ["resources-finalizer.argocd.argoproj.io"]},
            "spec": {
                "project": "default", "source": {"repoURL": "https://example.org/a", "path": "a"},
                "destination": {"server": "https://kubernetes.default.svc", "namespace": "a"}, "syncPolicy": policy,
            },
        });
        let (code, answer) = host.post(path, application).await;
        assert_eq!(code, 201, "{answer}");
    }
    seconds(30).await;
    let state = async |name: &str| {
        let (_, found) = host.get(&format!("{path}/{name}")).await;
        let part = |pointer| text(&found, pointer).to_owned();
        (part("/status/sync/status"), part("/status/health/status"))
    };
    let pair = |sync: &str, health: &str| (sync.to_owned(), health.to_owned());
    assert_eq!(state("manual").await, pair("OutOfSync", "Missing"));
    assert_eq!(state("auto").await, pair("Synced", "Healthy"));
    host.merge(
        &format!("{path}/manual"),
        json!({"operation": {"sync": {}}}),
    )
    .await;
    seconds(30).await;
    assert_eq!(state("manual").await, pair("Synced", "Healthy"));
    host.delete(&format!("{path}/auto")).await;
    seconds(10).await;
    assert_eq!(host.get(&format!("{path}/auto")).await.0, 404);
    // Nobody lets an application go once its controller is gone.
    host.delete("/apis/apps/v1/namespaces/argocd/statefulsets/argocd-application-controller")
        .await;
    host.delete(&format!("{path}/manual")).await;
    seconds(60).await;
    assert_eq!(host.get(&format!("{path}/manual")).await.0, 200);
}

#[tokio::test(start_paused = true)]
async fn pods_move_when_their_node_leaves() {
    let host = Host::with_node();
    host.post(DEPLOYMENTS, deployment("web")).await;
    seconds(25).await;
    host.join("ip-10-0-1-3.eu-central-1.compute.internal");
    host.world(|world| {
        super::super::remove_node(
            world,
            REGION,
            CLUSTER,
            "ip-10-0-1-2.eu-central-1.compute.internal",
        );
    });
    seconds(25).await;
    let (_, ready) = host.get(&format!("{DEPLOYMENTS}/web")).await;
    assert_eq!(ready["status"]["readyReplicas"], 2);
    let (_, daemon) = host
        .get("/apis/apps/v1/namespaces/kube-system/daemonsets/kube-proxy")
        .await;
    assert_eq!(daemon["status"]["desiredNumberScheduled"], 1);
}

#[tokio::test(start_paused = true)]
async fn nothing_is_planned_for_a_cluster_that_is_gone() {
    let host = Host::with_node();
    host.post(DEPLOYMENTS, deployment("web")).await;
    host.world(|world| super::super::delete_cluster(world, REGION, CLUSTER));
    let planned = host.world(|world| serde_json::to_value(&world.schedule).unwrap_or_default());
    assert_eq!(planned["entries"], json!([]));
}
