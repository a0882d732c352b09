//! A host that lets a run down: a full disk, a folder that turns read-only, a network that is gone for a while. The error
//! is clear, nothing is lost, and the next run arrives. The world lives on elsewhere, as AWS does.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use groundwork::state::State;
use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};

use super::over_http::Aws;
use super::project::{Done, GROUNDWORK, Project};
use super::served::{THROUGH, command, on_aws};

async fn ended(command: Command) -> Done {
    let ended = tokio::task::spawn_blocking(move || Done::of(command));
    ended.await.expect("a command")
}

async fn run(project: &Project, endpoint: &str, arguments: &[&str]) -> Done {
    let mut command = command(project, GROUNDWORK, endpoint);
    command.args([arguments, &THROUGH].concat());
    ended(command).await
}

fn state(project: &Project) -> PathBuf {
    let path = project.state("demo").to_string_lossy().into_owned();
    PathBuf::from(path.replace("/sandbox/", "/aws/"))
}

/// What was written last can be read.
fn is_whole(project: &Project) {
    let bytes = fs::read(state(project)).expect("a state");
    State::from_bytes(&bytes, "demo").expect("a whole state");
}

/// The same command arrives, and destroy takes everything away.
async fn goes_on(project: &Project, endpoint: &str) {
    run(project, endpoint, &["apply", "demo", "--yes"])
        .await
        .ends(0);
    run(project, endpoint, &["plan", "demo"]).await.ends(0);
    run(project, endpoint, &["destroy", "demo", "--yes"])
        .await
        .ends(0);
}

/// A file may grow to so many blocks and no further, which to a process is what a full disk is.
#[tokio::test]
async fn a_disk_that_fills_up_while_journalling_loses_nothing() {
    let project = on_aws();
    let before = project.count().await;
    let aws = Aws::of(&project).await;
    aws.kubeconfig(&project, "demo");
    for blocks in [4, 12, 24] {
        let limited = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$@\"");
        let mut command = command(&project, "bash", &aws.url());
        command.args(["-c", &limited, "bash", GROUNDWORK, "apply", "demo", "--yes"]);
        command.args(THROUGH);
        let done = ended(command).await.ends(1);
        let said = done.out + &done.err;
        for text in [
            "can't write the state",
            "demo.json",
            "make room on the disk",
        ] {
            assert!(said.contains(text), "`{text}` is missing: {said}");
        }
        is_whole(&project);
    }
    goes_on(&project, &aws.url()).await;
    assert_eq!(project.count().await, before);
}

/// Root may write anywhere, so a folder in the place of the new file stands for one that refuses.
#[tokio::test]
async fn a_folder_that_turns_read_only_in_mid_run_loses_nothing() {
    let project = on_aws();
    let before = project.count().await;
    let aws = Aws::of(&project).await;
    aws.kubeconfig(&project, "demo");
    let mut command = command(&project, GROUNDWORK, &aws.url());
    command
        .args(["apply", "demo", "--yes", "--json"])
        .args(THROUGH);
    let mut running = project.run_in_background(command);
    let (state, project) = (state(&project), Arc::new(project));
    let turned = tokio::task::spawn_blocking(move || {
        assert!(running.until(|line| line.contains(r#""state":"CREATING""#)));
        let folder = state.parent().expect("a folder").to_owned();
        let next = state.with_extension("json.next");
        // Between two writes there is no such file.
        while fs::create_dir(&next).is_err() {}
        let mode = |mode| fs::set_permissions(&folder, fs::Permissions::from_mode(mode));
        mode(0o555).expect("a folder of ours");
        let done = running.end();
        mode(0o755).expect("a folder of ours");
        fs::remove_dir(next).expect("an obstacle");
        done
    });
    let done = turned.await.expect("a run").ends(1);
    let said = done.out + &done.err;
    assert!(said.contains("can't write the state"), "{said}");
    assert!(said.contains("the folder writable"), "{said}");
    is_whole(&project);
    goes_on(&project, &aws.url()).await;
    assert_eq!(project.count().await, before);
}

/// A wire between groundwork and the cloud that somebody pulls out.
struct Wire {
    address: SocketAddr,
    up: Arc<AtomicBool>,
}

impl Wire {
    async fn to(endpoint: &str) -> Self {
        let cloud: SocketAddr = endpoint
            .trim_start_matches("http://")
            .parse()
            .expect("an address");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let up = Arc::new(AtomicBool::new(true));
        let is_up = Arc::clone(&up);
        tokio::spawn(async move {
            while let Ok((mut here, _)) = listener.accept().await {
                let is_up = Arc::clone(&is_up);
                tokio::spawn(async move {
                    let carried = async {
                        let mut there = TcpStream::connect(cloud).await?;
                        copy_bidirectional(&mut here, &mut there).await
                    };
                    let pulled = async {
                        while is_up.load(Ordering::Relaxed) {
                            tokio::time::sleep(Duration::from_millis(5)).await;
                        }
                    };
                    // A connection that is under way dies as well, whatever it carries.
                    tokio::select! { _ = carried => {}, () = pulled => {} }
                });
            }
        });
        Self { address, up }
    }

    fn pull(&self, out: bool) {
        self.up.store(!out, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_network_that_is_gone_for_a_while_loses_nothing() {
    let project = on_aws();
    let before = project.count().await;
    let aws = Aws::of(&project).await;
    let wire = Wire::to(&aws.url()).await;
    aws.kubeconfig(&project, "demo");
    let endpoint = format!("http://{}", wire.address);
    let kubeconfig = project.path().join("kubeconfig.yaml");
    let text = fs::read_to_string(&kubeconfig).expect("a kubeconfig");
    fs::write(&kubeconfig, text.replace(&aws.url(), &endpoint)).expect("a kubeconfig");
    for event in [
        r#""event":"started","address":"network.vpc""#,
        r#""state":"CREATING""#,
        "bootstrap.",
    ] {
        let mut command = command(&project, GROUNDWORK, &endpoint);
        command
            .args(["apply", "demo", "--yes", "--json"])
            .args(THROUGH);
        let mut running = project.run_in_background(command);
        let (mut running, seen) = tokio::task::spawn_blocking(move || {
            let seen = running.until(|line| line.contains(event));
            (running, seen)
        })
        .await
        .expect("a run");
        if !seen {
            // The run before has come this far already.
            assert!(!running.is_at_work() || running.end().code == 0, "{event}");
            continue;
        }
        wire.pull(true);
        tokio::time::sleep(Duration::from_secs(3)).await;
        wire.pull(false);
        let done = tokio::task::spawn_blocking(move || running.end())
            .await
            .expect("an end");
        assert!([0, 1].contains(&done.code), "{}{}", done.out, done.err);
        if done.code == 1 {
            assert!(
                done.out.contains("run the same command again"),
                "{}{}",
                done.out,
                done.err
            );
        }
        is_whole(&project);
    }
    goes_on(&project, &endpoint).await;
    assert_eq!(project.count().await, before);
}
