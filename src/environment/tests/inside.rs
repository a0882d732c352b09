//! What is told about bad files on what is put into the cluster.

use insta::assert_snapshot;

use super::LEAST;
use super::bad::{answer, told};

#[test]
fn bootstrap() {
    let in_namespace = |more: &str| format!("[bootstrap]\nnamespaces = [\"app\"]\n{more}");
    let secret = |data: &str| {
        in_namespace(&format!(
            "[bootstrap.secrets.db]\nnamespace = \"app\"\n{data}\n"
        ))
    };
    let application = "[bootstrap.agent]\nkind = \"argocd\"\nversion = \"v3.5.1\"\n[bootstrap.agent.applications.x]\nrepository = \"https://user:token@example.com/x\"\npath = \"../x\"\nnamespace = \"apps\"\n";
    assert_snapshot!(
        "bootstrap",
        told(&[
            (
                "namespaces of others",
                "[bootstrap]\nnamespaces = [\"default\", \"kube-system\", \"traefik\", \"argocd\"]\n[bootstrap.ingress]\ncontroller = \"traefik\"\n"
            ),
            (
                "namespaces that are said to be there, in a cluster of ours and to be made as well",
                "[bootstrap]\nnamespaces = [\"app\"]\nexisting_namespaces = [\"team\", \"app\"]\n"
            ),
            (
                "an ingress controller among what is Kubernetes' own",
                "[bootstrap]\nnamespaces = [\"edge\"]\n[bootstrap.ingress]\ncontroller = \"traefik\"\nnamespace = \"kube-system\"\n"
            ),
            (
                "an ingress controller called like a cluster role of Kubernetes",
                "[bootstrap.ingress]\ncontroller = \"traefik\"\nnamespace = \"admin\"\n"
            ),
            (
                "an ingress controller in the namespace of applications",
                "[bootstrap]\nnamespaces = [\"edge\"]\n[bootstrap.ingress]\ncontroller = \"traefik\"\nnamespace = \"edge\"\n"
            ),
            (
                "no such database",
                &secret("data.host = { database = \"flights\", field = \"host\" }")
            ),
            (
                "no such database, nor such a field",
                &secret("data.password = { database = \"flights\", field = \"passwort\" }")
            ),
            (
                "half a source",
                &secret("data.host = { database = \"flights\" }")
            ),
            ("no data", &secret("data = {}")),
            (
                "a namespace that is not listed",
                "[bootstrap.secrets.db]\nnamespace = \"app\"\ndata.x = { value = \"1\" }\n"
            ),
            ("an application", &in_namespace(application)),
            (
                "no nodes",
                "min = 0\nmax = 3\n[bootstrap.ingress]\ncontroller = \"traefik\"\n"
            ),
        ])
    );
    let no_cluster = LEAST.replace(
        "[cluster.node_groups.default]\n",
        "[bootstrap]\nnamespaces = [\"app\"]\n",
    );
    assert!(answer(&no_cluster).contains("there is no cluster to bootstrap"));
}

#[test]
fn what_the_agent_may_do_and_read() {
    let agent = |more: &str| {
        format!(
            "[secrets.git]\nvalue = {{ env = \"TOKEN\" }}\n[bootstrap]\nnamespaces = [\"app\"]\n[bootstrap.agent]\nkind = \"argocd\"\nversion = \"v3.5.1\"\n{more}\n"
        )
    };
    let application = |more: &str| {
        agent(&format!(
            "[bootstrap.agent.projects.shop]\nrepositories = [\"https://example.com/*\"]\nnamespaces = [\"shop-*\"]\n\
             [bootstrap.agent.applications.web]\nrepository = \"https://example.org/web\"\npath = \"web\"\nnamespace = \"app\"\n{more}"
        ))
    };
    let repository = |more: &str| {
        agent(&format!(
            "[bootstrap.agent.repositories.deploy]\nurl = \"https://example.com/deploy\"\n{more}"
        ))
    };
    assert_snapshot!(
        "agent",
        told(&[
            ("not within its project", &application("project = \"shop\"")),
            ("no such project", &application("project = \"shopp\"")),
            (
                "Argo CD's own",
                &agent("[bootstrap.agent.projects.default]")
            ),
            ("nobody signs in", &repository("")),
            ("half a sign-in", &repository("username = \"git\"")),
            (
                "no such secret",
                &repository("username = \"git\"\npassword = { secret = \"gti\" }")
            ),
            (
                "a secret in the file",
                &repository("username = \"git\"\npassword = \"canary\"")
            ),
            (
                "a key over HTTP",
                &repository("ssh_key = { secret = \"git\" }")
            ),
        ])
    );
    for good in [
        application("project = \"shop\"")
            .replace("shop-*", "*")
            .replace("example.org", "example.com"),
        repository("username = \"git\"\npassword = { secret = \"git\" }"),
        repository("ssh_key = { secret = \"git\" }")
            .replace("https://example.com/", "git@example.com:"),
    ] {
        assert_eq!(answer(&format!("{LEAST}{good}")), "accepted", "{good}");
    }
}

#[test]
fn what_is_published() {
    let release =
        |source: &str| format!("[bootstrap.releases.web]\nnamespace = \"web\"\n{source}\n");
    let pin = "a".repeat(64);
    let chart = |more: &str| {
        release(&format!(
            "chart = {{ repository = \"https://example.com/charts\", name = \"web\", version = \"1.2.3\"{more} }}"
        ))
    };
    assert_snapshot!(
        "published",
        told(&[
            ("from nowhere", &release("")),
            (
                "nobody pinned it",
                &release("manifest = { url = \"https://example.com/web.yaml\" }")
            ),
            (
                "neither at a URL nor in a file",
                &release(&format!("manifest = {{ sha256 = \"{pin}\" }}"))
            ),
            (
                "no such file",
                &release("manifest = { file = \"manifests/web.yaml\" }")
            ),
            (
                "another file",
                &release(&format!(
                    "manifest = {{ file = \"manifests/job.yaml\", sha256 = \"{pin}\" }}"
                ))
            ),
            (
                "both",
                &(chart("") + "manifest = { file = \"manifests/job.yaml\" }\n")
            ),
            (
                "half a chart",
                &release("chart = { name = \"web\", version = \"1.2.3\" }")
            ),
            (
                "a range, a user, a form",
                &chart("")
                    .replace("1.2.3", "^1.2")
                    .replace("https://", "https://me:secret@")
            ),
            (
                "no chart there",
                &release("chart = { path = \"charts/web\" }")
            ),
            (
                "values that no chart takes",
                &chart(", values = { when = 1979-05-27, deep = [{ much = nan }] }")
            ),
            ("no such hook", &chart(", skip_hooks = [\"pre-delet\"]")),
            (
                "two versions of the ingress controller",
                &format!(
                    "[bootstrap.ingress]\ncontroller = \"traefik\"\nversion = \"v3.5.3\"\nmanifest = {{ url = \"https://example.com/t.yaml\", sha256 = \"{pin}\" }}\n"
                )
            ),
            (
                "a flavour of a chart",
                "[bootstrap.agent]\nkind = \"argocd\"\nversion = \"v3.5.1\"\nflavour = \"core\"\nchart = { repository = \"oci://ghcr.io/argoproj/argo-helm\", name = \"argo-cd\", version = \"9.0.0\" }\n"
            ),
        ])
    );
    for good in [
        chart(
            ", values = { service.type = \"LoadBalancer\", replicas = 2, ratio = 0.5, tls = [{ on = true }] }",
        ),
        release("manifest = { file = \"manifests/job.yaml\" }"),
        "[bootstrap.agent]\nkind = \"argocd\"\nversion = \"v3.5.1\"\nflavour = \"ha\"\n".to_owned(),
    ] {
        assert_eq!(answer(&format!("{LEAST}{good}")), "accepted", "{good}");
    }
}

#[test]
fn a_manifest_that_nobody_pinned_is_refused_on_aws_only() {
    let agent = |more: &str| {
        format!("{LEAST}[bootstrap.agent]\nkind = \"argocd\"\nversion = \"v3.4.0\"\n{more}")
    };
    let on_aws = |text: &str| {
        answer(
            &text
                .replace("\"sandbox\"", "\"aws\"")
                .replace("[cloud]", "account = \"123456789012\"\n[cloud]"),
        )
    };
    assert_eq!(answer(&agent("")), "accepted");
    let told = on_aws(&agent(""));
    assert!(
        told.contains("the manifest of Argo CD v3.4.0 is not pinned"),
        "{told}"
    );
    assert!(
        told.contains("argo-cd/v3.4.0/manifests/install.yaml | sha256sum"),
        "{told}"
    );
    let pin = format!("manifest = {{ sha256 = \"{}\" }}\n", "a".repeat(64));
    assert_eq!(on_aws(&agent(&pin)), "accepted");
}
