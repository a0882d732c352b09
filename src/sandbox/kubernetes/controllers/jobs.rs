//! Jobs: their pods succeed, and then they are complete.

use serde_json::json;

use super::Scene;
use super::replicas::{pod_from, pods_of};
use crate::sandbox::kubernetes::cluster::key_of;
use crate::sandbox::kubernetes::lifecycle::{Propagation, delete};
use crate::sandbox::kubernetes::object::{
    condition, default, int, is_going, name, set, set_condition, text, uid,
};

const JOBS: &str = "jobs.batch";

/// Does what is due.
pub fn step(scene: &mut Scene<'_>) {
    for job in scene.cluster.snapshot(JOBS) {
        if is_going(&job) || job["spec"]["suspend"] == true {
            continue;
        }
        if condition(&job, "Complete") == "True" {
            let keeps = int(&job, "/spec/ttlSecondsAfterFinished");
            if let Some(seconds) = keeps.and_then(|seconds| u64::try_from(seconds).ok())
                && scene.has_passed("job", uid(&job), seconds)
            {
                delete(
                    &mut scene.editor(),
                    JOBS,
                    &key_of(&job),
                    Propagation::Background,
                );
            }
            continue;
        }
        let mut editor = scene.editor();
        let wanted = int(&job, "/spec/completions").unwrap_or(1);
        let wanted = usize::try_from(wanted).unwrap_or_default();
        let mut pods = pods_of(&editor, &job);
        while pods.len() < wanted {
            let pod_name = format!("{}-{}", name(&job), editor.ids.hex(5));
            let pod = pod_from(&job, &job["spec"]["template"], &pod_name);
            pods.push(editor.create("pods", pod));
        }
        let done = pods
            .iter()
            .filter(|pod| text(pod, "/status/phase") == "Succeeded")
            .count();
        let now = editor.time();
        editor.edit(JOBS, &key_of(&job), |job| {
            default(job, "/status/startTime", now.clone());
            let active = pods.len() - done;
            set(job, "/status/active", active);
            set(job, "/status/ready", 0);
            set(job, "/status/terminating", 0);
            set(job, "/status/uncountedTerminatedPods", json!({}));
            if done > 0 {
                set(job, "/status/succeeded", done);
            }
            if done >= wanted {
                set(job, "/status/completionTime", now.clone());
                for kind in ["SuccessCriteriaMet", "Complete"] {
                    set_condition(
                        job,
                        kind,
                        true,
                        "CompletionsReached",
                        "Reached expected number of succeeded pods",
                        &now,
                    );
                }
            }
        });
    }
}
