//! A world to try services in: a network with two zones, and answers as JSON.

use std::net::Ipv4Addr;

use serde_json::{Map, Value, json};

use super::ec2::{Subnet, Vpc, security_groups};
use super::tags::Tags;
use super::{Call, Fault, Params, Reply, dispatch};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::{DEFAULT_ACCOUNT, World};

/// The region of every request here.
pub const REGION: &str = "eu-central-1";

/// A world, and what the network in it is made of.
pub struct Desk {
    pub world: World,
    /// `subnet-a`, `subnet-b` and, in the first zone again, `subnet-c`.
    pub subnets: [&'static str; 3],
    /// A security group of the network.
    pub group: String,
    /// Another one.
    pub other_group: String,
}

impl Desk {
    pub fn new() -> Self {
        let mut world = World::new(DEFAULT_ACCOUNT, SimTime::EPOCH);
        network(&mut world, "vpc-1", [10, 10]);
        network(&mut world, "vpc-2", [10, 20]);
        let subnets = ["subnet-a", "subnet-b", "subnet-c"];
        for (number, id) in (0..).zip(subnets) {
            let zone = if id == "subnet-b" { "b" } else { "a" };
            subnet(
                &mut world,
                id,
                "vpc-1",
                Ipv4Addr::new(10, 10, number, 0),
                zone,
            );
        }
        subnet(
            &mut world,
            "subnet-far",
            "vpc-2",
            Ipv4Addr::new(10, 20, 0, 0),
            "a",
        );
        let mut group = |vpc, name| {
            security_groups::create(&mut world, REGION, vpc, name, "for tests", Tags::new())
                .unwrap()
        };
        group("vpc-1", "default");
        let (one, other) = (group("vpc-1", "one"), group("vpc-1", "other"));
        Self {
            world,
            subnets,
            group: one,
            other_group: other,
        }
    }

    /// Sends a request.
    pub fn send(&mut self, service: &str, operation: &str, input: Value) -> Result<Value, Fault> {
        let call = Call {
            service: service.to_owned(),
            region: REGION.to_owned(),
            operation: operation.to_owned(),
            params: Params(input),
        };
        dispatch(&mut self.world, &call).map(to_json)
    }

    /// Sends a request that must be answered.
    #[track_caller]
    pub fn ok(&mut self, service: &str, operation: &str, input: Value) -> Value {
        match self.send(service, operation, input) {
            Ok(answer) => answer,
            Err(fault) => panic!("{operation} was refused: {fault}"),
        }
    }

    /// Sends a request that must be refused; answers the code.
    #[track_caller]
    pub fn refused(&mut self, service: &str, operation: &str, input: Value) -> String {
        match self.send(service, operation, input) {
            Ok(answer) => panic!("{operation} was accepted: {answer}"),
            Err(fault) => fault.code,
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, seconds: u64) {
        let until = self.world.now.after_secs(seconds);
        self.world.advance(until);
    }

    /// Descriptions of the network interfaces that wear a security group, sorted.
    pub fn wearing(&mut self, group: &str) -> Vec<String> {
        let interfaces = self.world.region(REGION).ec2.interfaces.values();
        let mut found: Vec<String> = interfaces
            .filter(|interface| interface.group_ids.iter().any(|worn| worn == group))
            .map(|interface| interface.description.clone())
            .collect();
        found.sort();
        found
    }
}

fn network(world: &mut World, id: &str, octets: [u8; 2]) {
    let vpc = Vpc {
        cidr: format!("{}.{}.0.0/16", octets[0], octets[1])
            .parse()
            .unwrap(),
        available: true,
        dns_support: true,
        dns_hostnames: true,
        cidr_association: format!("assoc-{id}"),
    };
    world.region(REGION).ec2.vpcs.insert(id.to_owned(), vpc);
}

fn subnet(world: &mut World, id: &str, vpc: &str, first: Ipv4Addr, zone: &str) {
    let subnet = Subnet {
        vpc_id: vpc.to_owned(),
        cidr: format!("{first}/24").parse().unwrap(),
        zone: format!("{REGION}{zone}"),
        available: true,
        map_public_ip: false,
    };
    world
        .region(REGION)
        .ec2
        .subnets
        .insert(id.to_owned(), subnet);
}

fn to_json(reply: Reply) -> Value {
    match reply {
        Reply::Text(text) => text.into(),
        Reply::Number(number) => json!(number),
        Reply::Flag(flag) => flag.into(),
        Reply::Time(time) => time.to_rfc3339().into(),
        Reply::List(_, elements) => elements.into_iter().map(to_json).collect(),
        Reply::Map(entries) => (entries.into_iter())
            .map(|(key, value)| (key, to_json(value)))
            .collect::<Map<_, _>>()
            .into(),
        Reply::Fields(fields) => (fields.into_iter())
            .map(|(name, value)| (name.to_owned(), to_json(value)))
            .collect::<Map<_, _>>()
            .into(),
    }
}
