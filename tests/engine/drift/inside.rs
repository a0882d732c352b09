//! Rows of what is in the cluster.

use groundwork::environment::Environment;
use groundwork::environment::model::{Agent, Bootstrap};
use serde_json::json;

use super::Rows;

/// Why only one kind has data.
const NO_DATA: &str = "only a Secret has data that is fetched from elsewhere";

/// Why only one kind is run.
const NO_RUN: &str = "only a published Job has a run";

/// Why only one kind has a load balancer.
const NO_BALANCER: &str = "only the ingress controller has a Service of type LoadBalancer";

const DEPLOYMENT: &str = "/apis/apps/v1/namespaces";
const APPLICATION: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/applications/flight-info";

fn bootstrap(environment: &mut Environment) -> &mut Bootstrap {
    environment.bootstrap.as_mut().unwrap()
}

fn agent(environment: &mut Environment) -> &mut Agent {
    bootstrap(environment).agent.as_mut().unwrap()
}

pub fn rows() -> Vec<Rows> {
    vec![
        namespace(),
        secret(),
        ingress(),
        balanced(),
        deploy_agent(),
        application(),
        release(),
        project(),
        repository(),
    ]
}

/// A release is in no example: `bench` adds this one, a Secret and a Job of a chart.
fn release() -> Rows {
    const SECRET: &str = "/api/v1/namespaces/ledger/secrets/ledger";
    const JOB: &str = "/apis/batch/v1/namespaces/ledger/jobs/ledger";
    Rows::of(
        "bootstrap.release",
        "bootstrap.release.ledger.secret.ledger",
    )
    .file("object", |environment| {
        let release = bootstrap(environment).releases.get_mut("ledger").unwrap();
        "elsewhere".clone_into(&mut release.namespace);
    })
    .hand("manifest", |h| {
        let note = json!({"metadata": {"annotations": {"groundwork.dev/address": "a.b"}}});
        Box::pin(h.patch(SECRET, note))
    })
    .hand("data", |h| {
        Box::pin(h.patch(SECRET, json!({"data": {"password": "bWFsbG9yeQ=="}})))
    })
    .at("bootstrap.release.ledger.job.ledger")
    .hand("run", |h| {
        let note = json!({"metadata": {"annotations": {"groundwork.dev/run": "other"}}});
        Box::pin(h.patch(JOB, note))
    })
    .nobody("balancer", NO_BALANCER)
    .deleted(|h| Box::pin(h.delete(JOB)))
}

fn namespace() -> Rows {
    Rows::of("bootstrap.namespace", "bootstrap.namespace.microservices")
        .nobody(
            "object",
            "its name is its address: another one is another resource",
        )
        .hand("manifest", |h| {
            let labels = json!({"metadata": {"labels": {"groundwork.dev/environment": "other"}}});
            Box::pin(h.patch("/api/v1/namespaces/microservices", labels))
        })
        .nobody("data", NO_DATA)
        .nobody("run", NO_RUN)
        .nobody("balancer", NO_BALANCER)
        .deleted(|h| {
            Box::pin(async move {
                h.delete("/api/v1/namespaces/microservices").await;
                h.wait(120).await;
            })
        })
}

fn secret() -> Rows {
    const PATH: &str = "/api/v1/namespaces/microservices/secrets/mysql";
    Rows::of("bootstrap.secret", "bootstrap.secret.mysql")
        .file("object", |environment| {
            let secret = bootstrap(environment).secrets.get_mut("mysql").unwrap();
            "other".clone_into(&mut secret.name);
        })
        .hand("manifest", |h| {
            let note = json!({"metadata": {"annotations": {"groundwork.dev/address": "a.b"}}});
            Box::pin(h.patch(PATH, note))
        })
        .hand("data", |h| {
            Box::pin(h.patch(PATH, json!({"data": {"password": "bWFsbG9yeQ=="}})))
        })
        .nobody("run", NO_RUN)
        .nobody("balancer", NO_BALANCER)
        .deleted(|h| Box::pin(h.delete(PATH)))
}

fn ingress() -> Rows {
    Rows::of("bootstrap.ingress", "bootstrap.ingress.deployment.traefik")
        .file("object", |environment| {
            let ingress = bootstrap(environment).ingress.as_mut().unwrap();
            "edge".clone_into(&mut ingress.namespace);
        })
        .hand("manifest", |h| {
            Box::pin(async move {
                let path = format!("{DEPLOYMENT}/traefik/deployments/traefik");
                h.patch(&path, json!({"spec": {"replicas": 7}})).await;
                h.wait(120).await;
            })
        })
        .nobody("data", NO_DATA)
        .nobody("run", NO_RUN)
        .deleted(|h| {
            Box::pin(async move {
                let path = format!("{DEPLOYMENT}/traefik/deployments/traefik");
                h.delete(&path).await;
                h.wait(120).await;
            })
        })
}

/// The load balancer of a living Service would stay behind if it became another's.
fn balanced() -> Rows {
    Rows::of("bootstrap.ingress", "bootstrap.ingress.service.traefik").hand("balancer", |h| {
        Box::pin(async move {
            let other = json!({"metadata": {"annotations": {
                "service.beta.kubernetes.io/aws-load-balancer-type": "external",
            }}});
            h.patch("/api/v1/namespaces/traefik/services/traefik", other)
                .await;
        })
    })
}

fn deploy_agent() -> Rows {
    Rows::of(
        "bootstrap.agent",
        "bootstrap.agent.deployment.argocd-server",
    )
    .file("object", |environment| {
        "deploy".clone_into(&mut agent(environment).namespace);
    })
    .hand("manifest", |h| {
        Box::pin(async move {
            let path = format!("{DEPLOYMENT}/argocd/deployments/argocd-server");
            h.patch(&path, json!({"spec": {"replicas": 3}})).await;
            h.wait(120).await;
        })
    })
    .nobody("data", NO_DATA)
    .nobody("run", NO_RUN)
    .nobody("balancer", NO_BALANCER)
    .deleted(|h| {
        Box::pin(async move {
            let path = format!("{DEPLOYMENT}/argocd/deployments/argocd-server");
            h.delete(&path).await;
            h.wait(120).await;
        })
    })
}

fn project() -> Rows {
    const PATH: &str = "/apis/argoproj.io/v1alpha1/namespaces/argocd/appprojects/flights";
    Rows::of("bootstrap.project", "bootstrap.project.flights")
        .nobody(
            "object",
            "its name is its address: another one is another resource",
        )
        .hand("manifest", |h| {
            let anywhere = json!({"spec": {"sourceRepos": ["*"]}});
            Box::pin(h.patch(PATH, anywhere))
        })
        .nobody("data", NO_DATA)
        .nobody("run", NO_RUN)
        .nobody("balancer", NO_BALANCER)
        .deleted(|h| Box::pin(h.delete(PATH)))
}

fn repository() -> Rows {
    const PATH: &str = "/api/v1/namespaces/argocd/secrets/repository-deploy";
    Rows::of("bootstrap.repository", "bootstrap.repository.deploy")
        .file("object", |environment| {
            "deploy".clone_into(&mut agent(environment).namespace);
        })
        .hand("manifest", |h| {
            let label = json!({"metadata": {"labels": {"argocd.argoproj.io/secret-type": "none"}}});
            Box::pin(h.patch(PATH, label))
        })
        .hand("data", |h| {
            Box::pin(h.patch(PATH, json!({"data": {"password": "bWFsbG9yeQ=="}})))
        })
        .nobody("run", NO_RUN)
        .nobody("balancer", NO_BALANCER)
        .deleted(|h| Box::pin(h.delete(PATH)))
}

fn application() -> Rows {
    Rows::of("bootstrap.application", "bootstrap.application.flight-info")
        .file("object", |environment| {
            let applications = &mut agent(environment).applications;
            let application = applications.get_mut("flight-info").unwrap();
            "other".clone_into(&mut application.name);
        })
        .hand("manifest", |h| {
            let elsewhere = json!({"spec": {"source": {"targetRevision": "evil"}}});
            Box::pin(h.patch(APPLICATION, elsewhere))
        })
        .nobody("data", NO_DATA)
        .nobody("run", NO_RUN)
        .nobody("balancer", NO_BALANCER)
        .deleted(|h| {
            Box::pin(async move {
                h.delete(APPLICATION).await;
                h.wait(120).await;
            })
        })
}
