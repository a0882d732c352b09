//! What is told about bad files on how the environment is reached: names, certificates, smoke tests.

use insta::assert_snapshot;

use super::bad::told;

#[test]
fn dns() {
    const INGRESS: &str = "[bootstrap.ingress]\ncontroller = \"traefik\"\n";
    let with = |more: &str| format!("{INGRESS}[[dns.records]]\n{more}");
    let name = "name = \"shop.example.com\"\n";
    let public = format!("{name}zone = \"example.com\"\n");
    assert_snapshot!(
        "dns",
        told(&[
            ("nothing to lead to", &format!("[[dns.records]]\n{public}")),
            ("no zone", &with(name)),
            (
                "another zone",
                &with("name = \"shop.example.com\"\nzone = \"example.org\"\n")
            ),
            (
                "a star inside",
                &with("name = \"a.*.example.com\"\nzone = \"example.com\"\n")
            ),
            ("no name", &with("zone = \"example.com\"\n")),
            (
                "twice",
                &with(&format!("{public}[[dns.records]]\n{public}"))
            ),
            ("enough", &with(&public)),
        ])
    );
}

#[test]
fn tls() {
    const INGRESS: &str = "[bootstrap.ingress]\ncontroller = \"traefik\"\n";
    const SECRETS: &str =
        "[secrets.chain]\nvalue = { env = \"CHAIN\" }\n[secrets.key]\nvalue = { env = \"KEY\" }\n";
    let with = |tls: &str| format!("{SECRETS}{INGRESS}tls = {tls}\n");
    let arn = |region: &str| format!("arn:aws:acm:{region}:123456789012:certificate/6d3f0c1e");
    assert_snapshot!(
        "tls",
        told(&[
            ("nothing", &with("{}")),
            ("no key", &with("{ chain = \"chain\" }")),
            (
                "both",
                &with(&format!(
                    "{{ certificate = \"{}\", key = \"key\" }}",
                    arn("us-east-1")
                ))
            ),
            (
                "no such secret",
                &with("{ chain = \"chian\", key = \"key\" }")
            ),
            ("no ARN", &with("{ certificate = \"shop\" }")),
            (
                "another region",
                &with(&format!("{{ certificate = \"{}\" }}", arn("eu-west-1")))
            ),
            (
                "by the load balancer",
                &with(&format!("{{ certificate = \"{}\" }}", arn("us-east-1")))
            ),
            (
                "by the controller",
                &with("{ chain = \"chain\", key = \"key\" }")
            ),
        ])
    );
}

#[test]
fn smoke() {
    const INGRESS: &str = "[bootstrap.ingress]\ncontroller = \"traefik\"\n";
    let with = |more: &str| format!("{INGRESS}[[smoke]]\nhost = \"flightsvc.com\"\n{more}");
    let agent = "[bootstrap]\nnamespaces = [\"shop\"]\n[bootstrap.agent]\nkind = \"argocd\"\nversion = \"v3.5.1\"\n\
         [bootstrap.agent.applications.flights]\nrepository = \"https://example.com/deploy\"\npath = \"a\"\nnamespace = \"shop\"\n";
    assert_snapshot!(
        "smoke",
        told(&[
            ("nobody answers", "[[smoke]]\nhost = \"flightsvc.com\"\n"),
            ("no host", &format!("{INGRESS}[[smoke]]\n")),
            (
                "a URL for a host",
                &format!("{INGRESS}[[smoke]]\nhost = \"http://flightsvc.com\"\n")
            ),
            ("no path", &with("path = \"flights\"\n")),
            ("a path that is not encoded", &with("path = \"/a b\"\n")),
            ("no status", &with("expect = 99\n")),
            ("no length of time", &with("within = \"soon\"\n")),
            ("too long", &with("within = \"400d\"\n")),
            ("no scheme", &with("scheme = \"ftp\"\n")),
            ("no application", &with("application = \"flights\"\n")),
            (
                "another application",
                &format!("{agent}{}", with("application = \"flight\"\n"))
            ),
            (
                "a table",
                &format!("{INGRESS}[smoke]\nhost = \"flightsvc.com\"\n")
            ),
            ("enough", &with("")),
        ])
    );
}
