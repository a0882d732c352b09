//! Argo CD: once its controller runs, applications are compared, synced where they sync by themselves, and cleaned
//! up after. What a repository would bring is stood in for by nothing.

use base64::Engine as _;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::{Scene, is_ready, serves};
use crate::sandbox::kubernetes::cluster::{Editor, key_of};
use crate::sandbox::kubernetes::lifecycle::release;
use crate::sandbox::kubernetes::object::{
    field, is_going, name, namespace, remove, set, text, texts, uid,
};

const APPLICATIONS: &str = "applications.argoproj.io";
const PROJECTS: &str = "appprojects.argoproj.io";
const FINALIZER: &str = "resources-finalizer.argocd.argoproj.io";
const STATEFUL_SETS: &str = "statefulsets.apps";
const DEPLOYMENTS: &str = "deployments.apps";

/// How long the controller takes to compare an application (inferred).
const COMPARE_SECONDS: u64 = 3;
/// How long a sync takes until its workload is healthy (inferred).
const SYNC_SECONDS: u64 = 15;
/// How long it takes to remove what an application deployed (inferred).
const CLEAN_UP_SECONDS: u64 = 5;

/// Does what is due.
pub fn step(scene: &mut Scene<'_>) {
    for deployment in scene.cluster.snapshot(DEPLOYMENTS) {
        let home = namespace(&deployment);
        match name(&deployment) {
            "argocd-redis" if has_started(scene, &deployment) => redis_secret(scene, home),
            "argocd-server" if is_ready(&scene.cluster, DEPLOYMENTS, home, "argocd-server") => {
                redis_secret(scene, home);
                server_start(scene, home);
            }
            _ => {}
        }
    }
    for application in scene.cluster.snapshot(APPLICATIONS) {
        let home = namespace(&application);
        if is_ready(
            &scene.cluster,
            STATEFUL_SETS,
            home,
            "argocd-application-controller",
        ) {
            control(scene, &application);
        }
    }
}

/// Whether one of a deployment's pods has a node: its init containers run.
fn has_started(scene: &Scene<'_>, deployment: &Value) -> bool {
    let prefix = format!("{}-", name(deployment));
    scene
        .cluster
        .within("pods", namespace(deployment))
        .any(|pod| name(pod).starts_with(&prefix) && !text(pod, "/spec/nodeName").is_empty())
}

fn encoded(text: &str) -> String {
    base64::engine::general_purpose::STANDARD.encode(text)
}

/// A value that Argo CD draws at random. Here it follows from what it is for, so that equal clusters are equal.
fn made_up(editor: &Editor<'_>, what: &str, digits: usize) -> String {
    let cluster = &editor.cluster;
    let digest = Sha256::digest(format!("{}/{}/{what}", cluster.region, cluster.name));
    let hex: String = digest.iter().map(|byte| format!("{byte:02x}")).collect();
    hex[..digits.min(hex.len())].to_owned()
}

fn secret(editor: &mut Editor<'_>, home: &str, own: &str, key: &str, digits: usize) {
    if editor.cluster.get("secrets", home, own).is_some() {
        return;
    }
    let value = encoded(&made_up(editor, &format!("{home}/{own}/{key}"), digits));
    editor.create(
        "secrets",
        json!({
            "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
            "metadata": {"name": own, "namespace": home}, "data": {key: value},
        }),
    );
}

fn redis_secret(scene: &mut Scene<'_>, home: &str) {
    secret(&mut scene.editor(), home, "argocd-redis", "auth", 16);
}

/// What the server makes when it first starts: the first password, its keys, and the project of every application.
fn server_start(scene: &mut Scene<'_>, home: &str) {
    let mut editor = scene.editor();
    secret(
        &mut editor,
        home,
        "argocd-initial-admin-secret",
        "password",
        16,
    );
    let has_keys = editor
        .cluster
        .get("secrets", home, "argocd-secret")
        .is_some_and(|found| found.pointer("/data/server.secretkey").is_some());
    if !has_keys {
        let own = editor.create(
            "secrets",
            json!({
                "apiVersion": "v1", "kind": "Secret", "type": "Opaque",
                "metadata": {"name": "argocd-secret", "namespace": home},
            }),
        );
        let value = |entry| made_up(&editor, &format!("{home}/argocd-secret/{entry}"), 32);
        let (key, hash) = (value("server.secretkey"), value("admin.password"));
        let now = editor.time();
        editor.edit("secrets", &key_of(&own), |secret| {
            for (entry, value) in [
                ("server.secretkey", key),
                ("admin.password", hash),
                ("admin.passwordMtime", now),
            ] {
                *field(field(secret, "data"), entry) = encoded(&value).into();
            }
        });
    }
    if serves(editor.cluster, PROJECTS) {
        editor.create(
            PROJECTS,
            json!({
                "apiVersion": "argoproj.io/v1alpha1", "kind": "AppProject",
                "metadata": {"name": "default", "namespace": home},
                "spec": {
                    "sourceRepos": ["*"], "destinations": [{"server": "*", "namespace": "*"}],
                    "clusterResourceWhitelist": [{"group": "*", "kind": "*"}],
                },
            }),
        );
    }
}

fn control(scene: &mut Scene<'_>, application: &Value) {
    let key = key_of(application);
    if is_going(application) {
        let holds = texts(application, "/metadata/finalizers")
            .iter()
            .any(|finalizer| finalizer.starts_with(FINALIZER));
        if holds && scene.has_passed("application-gone", uid(application), CLEAN_UP_SECONDS) {
            release(&mut scene.editor(), APPLICATIONS, &key, let_go);
        }
        return;
    }
    if !scene.has_passed("application", uid(application), COMPARE_SECONDS) {
        return;
    }
    let project = match text(application, "/spec/project") {
        "" => "default",
        project => project,
    };
    let home = namespace(application);
    if serves(&scene.cluster, PROJECTS) && scene.cluster.get(PROJECTS, home, project).is_none() {
        let message = format!("Application referencing project {project} which does not exist");
        report(scene, &key, "Unknown", "Unknown", Some(&message));
        if application.get("operation").is_some() {
            give_up(scene, &key, &message);
        }
        return;
    }
    let is_asked = application.pointer("/operation/sync").is_some();
    let is_automatic = application
        .pointer("/spec/syncPolicy/automated")
        .is_some_and(|automated| automated.is_object() && automated["enabled"] != false);
    let is_synced = text(application, "/status/sync/status") == "Synced"
        && application["status"]["sync"]["comparedTo"]["source"] == application["spec"]["source"];
    let is_done = is_synced && text(application, "/status/health/status") == "Healthy";
    if is_asked || (is_automatic && !is_done) {
        // A sync that begins puts the clock back; one under way is watched.
        if !is_synced || is_asked {
            scene
                .cluster
                .forget_timer(&format!("application-sync/{}", uid(application)));
            scene.editor().edit(APPLICATIONS, &key, |application| {
                remove(application, "/operation");
            });
            scene.has_passed("application-sync", uid(application), SYNC_SECONDS);
            report(scene, &key, "Synced", "Progressing", None);
        } else if scene.has_passed("application-sync", uid(application), SYNC_SECONDS) {
            report(scene, &key, "Synced", "Healthy", None);
        }
    } else if is_synced {
        if scene.has_passed("application-sync", uid(application), SYNC_SECONDS) {
            report(scene, &key, "Synced", "Healthy", None);
        }
    } else {
        report(scene, &key, "OutOfSync", "Missing", None);
    }
}

fn let_go(application: &mut Value) {
    let kept: Vec<String> = texts(application, "/metadata/finalizers")
        .into_iter()
        .filter(|finalizer| !finalizer.starts_with(FINALIZER))
        .map(str::to_owned)
        .collect();
    if kept.is_empty() {
        remove(application, "/metadata/finalizers");
    } else {
        set(application, "/metadata/finalizers", kept);
    }
}

/// A sync that can't even begin.
fn give_up(scene: &mut Scene<'_>, key: &str, message: &str) {
    let mut editor = scene.editor();
    let now = editor.time();
    editor.edit(APPLICATIONS, key, |application| {
        remove(application, "/operation");
        set(
            application,
            "/status/operationState",
            json!({
                "phase": "Error", "message": message,
                "startedAt": now, "finishedAt": now, "operation": {"sync": {}},
            }),
        );
    });
}

fn report(scene: &mut Scene<'_>, key: &str, sync: &str, health: &str, fault: Option<&str>) {
    let mut editor = scene.editor();
    let now = editor.time();
    editor.edit(APPLICATIONS, key, |application| {
        let is_same = text(application, "/status/sync/status") == sync
            && text(application, "/status/health/status") == health
            && application["status"]["sync"]["comparedTo"]["source"] == application["spec"]["source"];
        if is_same {
            return;
        }
        let mut status = json!({
            "sync": {
                "status": sync, "revision": revision(&application["spec"]["source"]),
                "comparedTo": {
                    "source": application["spec"]["source"], "destination": application["spec"]["destination"],
                },
            },
            "health": {"status": health, "lastTransitionTime": now},
            "reconciledAt": now, "resources": [],
            "sourceType": "Directory", "summary": {},
        });
        if let Some(message) = fault {
            status["conditions"] =
                json!([{"type": "InvalidSpecError", "message": message, "lastTransitionTime": now}]);
        }
        let begun = text(application, "/status/operationState/startedAt");
        let began = if begun.is_empty() || health == "Progressing" {
            now.clone()
        } else {
            begun.to_owned()
        };
        status["operationState"] = match (sync, health) {
            ("Synced", "Progressing") => json!({
                "phase": "Running", "message": "one or more tasks are running",
                "startedAt": began, "operation": {"sync": {}},
            }),
            ("Synced", _) => json!({
                "phase": "Succeeded", "message": "successfully synced (all tasks run)",
                "startedAt": began, "finishedAt": now, "operation": {"sync": {}},
            }),
            _ => application["status"]["operationState"].clone(),
        };
        if status["operationState"].is_null() {
            remove(&mut status, "/operationState");
        }
        set(application, "/status", status);
    });
}

/// A commit that is the same for the same source.
fn revision(source: &Value) -> String {
    use sha2::{Digest, Sha256};
    let digest = Sha256::digest(source.to_string());
    digest
        .iter()
        .take(20)
        .map(|byte| format!("{byte:02x}"))
        .collect()
}
