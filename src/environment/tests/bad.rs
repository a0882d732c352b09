//! What is told about bad files, word by word.

use std::fmt::Write;

use insta::assert_snapshot;

use super::{LEAST, read};

const DATABASE: &str = r#"[databases.flights]
engine = "mysql"
version = "8.4"
class = "db.t3.micro"
database = "flights"
username = "flights"
"#;

/// What is told about the smallest file with each of these added.
pub(super) fn told(cases: &[(&str, &str)]) -> String {
    let mut told = String::new();
    for (name, more) in cases {
        let _ = writeln!(told, "### {name}\n{}\n", answer(&format!("{LEAST}{more}")));
    }
    told
}

pub(super) fn answer(text: &str) -> String {
    read(text).map_or_else(
        |diagnostics| diagnostics.render(false, 110),
        |_| "accepted".to_owned(),
    )
}

#[test]
fn text() {
    let mut told = String::new();
    for (name, text) in [
        ("empty", ""),
        ("only a comment", "# nothing yet\n"),
        (
            "not TOML, twice",
            "[environment]\nname = tiny\nregion = \"us-east-1\n",
        ),
        ("a key twice", "[environment]\nname = \"a\"\nname = \"b\"\n"),
        ("only a name", "environment = { name = \"tiny\" }\n"),
        (
            "Windows line ends",
            "\u{feff}[environment]\r\nname = \"Tiny\"\r\nregion = \"us-east-1\"\r\n[cloud]\r\nprovider = \"sandbox\"\r\n",
        ),
    ] {
        let _ = writeln!(told, "### {name}\n{}\n", answer(text));
    }
    assert_snapshot!("text", told);
}

#[test]
fn form() {
    assert_snapshot!(
        "form",
        told(&[
            ("unknown key", "desird = 3\n"),
            ("unknown key, nothing near", "colour = \"blue\"\n"),
            ("unknown section", "[databses]\n"),
            ("wrong type", "min = \"three\"\n"),
            ("out of range", "disk_gib = 5\n"),
            (
                "a number that no machine holds",
                "max = 99999999999999999999999999999999999999999\n"
            ),
            ("unknown value", "capacity = \"on_demand\"\n"),
            (
                "given twice",
                "instance_types = [\"t3.small\", \"t3.small\"]\n"
            ),
            ("an empty list", "instance_types = []\n"),
            ("missing keys", "[databases.flights]\nengine = \"mysql\"\n"),
            (
                "a password in the file",
                &format!("{DATABASE}password = \"hunter2\"\n")
            ),
            (
                "a secret in the file",
                "[secrets.api]\nvalue = \"hunter2\"\n"
            ),
            (
                "two sources of one secret",
                "[secrets.api]\nvalue = { env = \"A\", generate = {} }\n"
            ),
            (
                "a name that no key may have",
                "[secrets.\"a b\"]\nvalue = { env = \"A\" }\n"
            ),
            (
                "state elsewhere",
                "[state]\nbackend = \"gs://acme/environments\"\n"
            ),
            ("no bucket", "[state]\nbackend = \"s3://Acme_Corp/x\"\n"),
            ("no prefix", "[state]\nbackend = \"s3://acme//x\"\n"),
        ])
    );
}

#[test]
fn identity() {
    let replaced = |from: &str, to: &str| answer(&LEAST.replace(from, to));
    let region = "region = \"us-east-1\"";
    let with = |more: &str| replaced(region, &format!("{region}\n{more}"));
    let told = [
        replaced("tiny", "other"),
        replaced("us-east-1", "us-east-1a"),
        with("account = \"12345\""),
        with("ttl = \"0h\""),
        with("ttl = \"soon\""),
        replaced("\"sandbox\"", "\"aws\""),
        replaced("\"sandbox\"", "\"azure\""),
    ];
    assert_snapshot!("identity", told.join("\n\n"));
}

#[test]
fn network() {
    let network = "cidr = \"10.0.0.0/16\"\n";
    let replaced = |to: &str| answer(&LEAST.replace(network, to));
    let subnet = |key: &str, cidr: &str, zone: &str, public: bool| {
        format!(
            "[network.subnets.{key}]\ncidr = \"{cidr}\"\nzone = \"{zone}\"\npublic = {public}\n"
        )
    };
    let subnets = |all: &[(&str, &str, &str, bool)]| {
        let all: String = all
            .iter()
            .map(|(key, cidr, zone, public)| subnet(key, cidr, zone, *public))
            .collect();
        replaced(&format!("{network}{all}"))
    };
    let a = ("public-a", "10.0.0.0/20", "us-east-1a", true);
    let b = ("private-b", "10.0.16.0/20", "us-east-1b", false);
    let told = [
        ("no address", replaced("cidr = \"10.0.0.256/16\"\n")),
        ("no form of an address", replaced("cidr = \"10.0/16\"\n")),
        ("host bits", replaced("cidr = \"10.0.1.0/16\"\n")),
        ("too large", replaced("cidr = \"10.0.0.0/8\"\n")),
        ("too small to carve", replaced("cidr = \"10.0.0.0/27\"\n")),
        ("too small for EKS", replaced("cidr = \"10.0.0.0/26\"\n")),
        (
            "one zone for EKS",
            replaced("cidr = \"10.0.0.0/16\"\nzones = 1\n"),
        ),
        (
            "no way out for nodes",
            replaced("cidr = \"10.0.0.0/16\"\nnat = \"none\"\n"),
        ),
        (
            "overlap",
            subnets(&[a, b, ("private-a", "10.0.8.0/21", "us-east-1a", false)]),
        ),
        (
            "outside",
            subnets(&[a, b, ("private-a", "10.1.0.0/20", "us-east-1a", false)]),
        ),
        (
            "another region",
            subnets(&[a, b, ("private-a", "10.0.32.0/20", "eu-west-1a", false)]),
        ),
        (
            "too small",
            subnets(&[a, b, ("private-a", "10.0.32.0/28", "us-east-1a", false)]),
        ),
        (
            "no private subnet",
            subnets(&[a, ("public-b", "10.0.16.0/20", "us-east-1b", true)]),
        ),
        (
            "zones and subnets",
            replaced(&format!(
                "{network}zones = 3\n{}{}",
                subnet(a.0, a.1, a.2, a.3),
                subnet(b.0, b.1, b.2, b.3)
            )),
        ),
        (
            "no home for a NAT gateway",
            replaced(&format!(
                "{network}nat = \"per-zone\"\n{}{}",
                subnet(a.0, a.1, a.2, a.3),
                subnet(b.0, b.1, b.2, b.3)
            )),
        ),
        (
            "no network at all",
            answer(&LEAST.replace("[network]\n", "").replace(network, "")),
        ),
    ];
    let told: Vec<String> = told
        .iter()
        .map(|(name, answer)| format!("### {name}\n{answer}\n"))
        .collect();
    assert_snapshot!("network", told.join("\n"));
}

#[test]
fn cluster() {
    assert_snapshot!(
        "cluster",
        told(&[
            ("sizes out of order", "min = 3\ndesired = 2\nmax = 1\n"),
            (
                "the wrong architecture",
                "instance_types = [\"t3.small\", \"m7g.large\"]\n"
            ),
            (
                "a version in another form",
                "[cluster]\nversion = \"v1.35\"\n"
            ),
            (
                "what only the maker of a cluster says, and a name that leads there",
                "[cluster]\nexisting = true\nversion = \"1.35\"\nlogging = [\"api\"]\n\
                 [bootstrap.ingress]\ncontroller = \"traefik\"\n\
                 [[dns.records]]\nname = \"shop.example.com\"\nzone = \"example.com\"\n"
            ),
            (
                "access to a private endpoint",
                "[cluster]\nendpoint = \"private\"\npublic_access = [\"192.0.2.0/24\"]\n"
            ),
            (
                "one role for two",
                "[cluster]\ncontrol_role = \"eks\"\nworker_role = \"EKS\"\n"
            ),
            (
                "two node groups of one name",
                "[cluster.node_groups.other]\nname = \"default\"\n"
            ),
            (
                "access for a session, to nothing, twice, and by a group of EKS's",
                "[cluster.access.a]\nprincipal = \"arn:aws:sts::123456789012:assumed-role/a/me\"\n\
                 [cluster.access.b]\nprincipal = \"role/b\"\n\
                 [cluster.access.c]\nprincipal = \"role/b\"\ngroups = [\"system:masters\"]\n\
                 [cluster.access.d]\nprincipal = \"user/d\"\npolicies.ViewPolicy = {}\n"
            ),
            (
                "pools that Auto Mode does not have",
                "[cluster.auto_mode]\nnode_pools = [\"system\", \"gpu\"]\nnode_role = \"a b\"\n\
                 [cluster.addons.kube-proxy]\n[cluster.addons.vpc-cni]\n[cluster.addons.coredns]\n"
            ),
            (
                "node groups beside Auto Mode that nobody gives a network",
                "[cluster.auto_mode]\n[cluster.addons.vpc-cni]\n"
            ),
            (
                "pods for which no pool brings nodes",
                "min = 0\n[cluster.auto_mode]\nnode_pools = [\"system\"]\n[cluster.addons.vpc-cni]\n[cluster.addons.kube-proxy]\n[cluster.addons.coredns]\n\
                 [bootstrap.ingress]\ncontroller = \"traefik\"\n"
            ),
            (
                "logs that nobody writes, for days that nobody keeps",
                "[cluster]\nlog_retention_days = 100\n"
            ),
            (
                "an add-on that acts without an agent, and settings that are none",
                "[cluster.addons.aws-ebs-csi-driver]\n\
                 [cluster.addons.coredns]\nconfiguration = \"{replicas: 3}\"\nconflicts = \"ignore\"\n"
            ),
            (
                "an identity by tokens of which IAM knows nothing",
                "[cluster.identities.a]\nnamespace = \"n\"\nservice_account = \"s\"\npolicies = [\"ReadOnlyAccess\"]\nby = \"oidc\"\n"
            ),
            (
                "identities without an agent, two of one service account, and one that an add-on needs",
                "[cluster.identities.a]\nnamespace = \"n\"\nservice_account = \"s\"\npolicies = [\"ReadOnlyAccess\"]\n\
                 [cluster.identities.b]\nnamespace = \"n\"\nservice_account = \"s\"\npolicies = []\n\
                 [cluster.identities.aws-ebs-csi-driver]\nnamespace = \"n\"\nservice_account = \"t\"\npolicies = [\"a.json\"]\n\
                 [cluster.addons.aws-ebs-csi-driver]\n"
            ),
        ])
    );
}

#[test]
fn data() {
    let database = |more: &str| format!("{DATABASE}{more}");
    let replaced = |from: &str, to: &str| DATABASE.replace(from, to);
    assert_snapshot!(
        "data",
        told(&[
            (
                "no such secret",
                &database(
                    "password = { secret = \"flihgts\" }\n[secrets.flights]\nvalue = { env = \"A\" }\n"
                )
            ),
            (
                "no secret at all",
                &database("password = { secret = \"flights\" }\n")
            ),
            (
                "a secret that would be generated is there",
                &database("[secrets.flights-password]\nvalue = { env = \"A\" }\n")
            ),
            (
                "a password too long",
                &database(
                    "password = { secret = \"p\" }\n[secrets.p]\nvalue = { generate = { length = 64 } }\n"
                )
            ),
            ("a name in no zone", &database("dns = \"rds\"\n")),
            (
                "names taken",
                &database(
                    "[databases.other]\nname = \"tiny-flights\"\nengine = \"postgres\"\nversion = \"16\"\nclass = \"db.t3.micro\"\ndatabase = \"x\"\nusername = \"x\"\nsecurity_group = \"tiny-flights-db\"\n"
                )
            ),
            (
                "a key that gives no name",
                &replaced("databases.flights", "databases.my_Flights")
            ),
            ("half a version", &replaced("8.4", "8")),
            (
                "half a version of no engine",
                &replaced("mysql", "oracle").replace("8.4", "8")
            ),
            (
                "names of the engine's own",
                &replaced("\"flights\"", "\"rdsadmin\"")
            ),
            (
                "a user too long",
                &replaced(
                    "username = \"flights\"",
                    "username = \"flights_and_reservations\""
                )
            ),
            ("a class of something else", &replaced("db.t3", "t3")),
            (
                "an old Valkey",
                "[caches.x]\nengine = \"valkey\"\nversion = \"6.2\"\nnode_type = \"cache.t4g.micro\"\nnodes = 7\n"
            ),
            (
                "a group of AWS's own",
                "[caches.x]\nengine = \"valkey\"\nversion = \"8.0\"\nnode_type = \"cache.t4g.micro\"\nsecurity_group = \"default\"\n"
            ),
        ])
    );
}

#[test]
fn access() {
    let group = |policy: &str| format!("[iam.groups.ops]\npolicies = [{policy}]\n");
    assert_snapshot!(
        "access",
        told(&[
            ("no such document", &group("\"policies/missing.json\"")),
            ("a broken document", &group("\"policies/broken.json\"")),
            (
                "a document without statements",
                &group("\"policies/empty.json\"")
            ),
            (
                "a document elsewhere",
                &group("\"../policies/demo-readers.json\"")
            ),
            (
                "twice in two forms",
                &group("\"ReadOnlyAccess\", \"arn:aws:iam::aws:policy/ReadOnlyAccess\"")
            ),
            ("a registry's name", "[registries.x]\nname = \"Flights\"\n"),
            (
                "groups that differ in case",
                "[iam.groups.ops]\n[iam.groups.OPS]\n"
            ),
        ])
    );
}

#[test]
fn one_mistake_is_told_once() {
    let misspelt = format!("{LEAST}{}", DATABASE.replace("databases", "databses"));
    let reference = "[bootstrap]\nnamespaces = [\"app\"]\n[bootstrap.secrets.db]\nnamespace = \"app\"\ndata.host = { database = \"flights\", field = \"host\" }\n";
    for text in [
        format!("{misspelt}{reference}"),
        format!("{LEAST}databases.flights = 3\n{reference}").replace("databases.flights = 3\n", "")
            + "[databases]\nflights = 3\n",
        LEAST.replace("region", "regoin"),
        LEAST.replace("\"10.0.0.0/16\"", "16"),
        LEAST.replace(
            "cidr = \"10.0.0.0/16\"",
            "cidr = \"10.0.0.0/16\"\nzones = 9",
        ),
        LEAST.replace(
            "[cluster.node_groups.default]",
            "[cluster]\nnode_groups = 3",
        ),
    ] {
        let diagnostics = read(&text).unwrap_err();
        assert_eq!(diagnostics.faults.len(), 1, "{diagnostics}");
    }
}

#[test]
fn programs_are_told_the_same() {
    let diagnostics = read(&format!("{LEAST}desird = 3\nmin = 2\nmax = 1\n")).unwrap_err();
    let json = serde_json::to_string_pretty(&diagnostics).unwrap();
    assert_snapshot!("json", json);
}

#[test]
fn passwords_are_not_repeated() {
    let text = format!(
        "{DATABASE}password = \"hunter2\"\nmaster_password = '''hunter2'''\n[secrets.x]\nvalue = \"hunter2\"\n"
    );
    for text in [format!("{LEAST}{text}"), format!("{LEAST}{text}oops")] {
        let diagnostics = read(&text).unwrap_err();
        let told = format!(
            "{diagnostics}{diagnostics:?}{}",
            serde_json::to_string(&diagnostics).unwrap()
        );
        assert!(!told.contains("hunter2"), "{told}");
    }
}

#[test]
fn colours_are_only_for_terminals() {
    let diagnostics = read("").unwrap_err();
    assert!(diagnostics.render(true, 80).contains('\u{1b}'));
    assert!(!diagnostics.to_string().contains('\u{1b}'));
}
