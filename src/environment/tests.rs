//! The file as its users meet it: the examples, the smallest one, and what bad ones are told.

use std::io;
use std::path::Path;

use super::model::*;
use super::{Diagnostics, load, parse};

const LEAST: &str = r#"[environment]
name = "tiny"
region = "us-east-1"
[cloud]
provider = "sandbox"
[network]
cidr = "10.0.0.0/16"
[cluster.node_groups.default]
"#;

fn documents(name: &str) -> io::Result<String> {
    match name {
        "policies/demo-readers.json" => {
            Ok(include_str!("../../policies/demo-readers.json").to_owned())
        }
        "policies/broken.json" => Ok("{".to_owned()),
        _ => Err(io::Error::from(io::ErrorKind::NotFound)),
    }
}

fn read(text: &str) -> Result<Environment, Diagnostics> {
    parse("environments/tiny.toml", text, None, &documents)
}

#[test]
fn the_examples_are_accepted() {
    for name in ["staging", "demo"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("environments")
            .join(format!("{name}.toml"));
        let environment = load(&path, None).unwrap_or_else(|error| panic!("{error}"));
        assert_eq!(environment.name, name);
    }
    let aws = load(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("environments/demo.toml"),
        Some(Provider::Aws),
    );
    assert!(
        aws.unwrap_err()
            .to_string()
            .contains("`account` is missing")
    );
}

#[test]
fn ten_lines_are_an_environment() {
    assert!(LEAST.lines().count() <= 10);
    let environment = read(LEAST).unwrap_or_else(|diagnostics| panic!("{diagnostics}"));
    let network = environment.network.unwrap();
    assert_eq!(
        (
            network.subnets.len(),
            network.nat_gateways.len(),
            network.route_tables.len()
        ),
        (4, 1, 3)
    );
    let cluster = environment.cluster.unwrap();
    assert_eq!(
        (
            cluster.name.as_str(),
            cluster.subnets.len(),
            cluster.node_groups["default"].subnets.len()
        ),
        ("tiny", 4, 2)
    );
}
