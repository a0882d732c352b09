//! EC2 through `handle`, as its clients see it: what it makes, refuses and does over time.

mod describing;
mod groups;
mod lives;
mod refusals;
mod wire;

use serde_json::{Value, json};

use super::describe::texts_at;
use super::handle;
use crate::sandbox::aws::{Call, Fault, Params, Reply};
use crate::sandbox::time::SimTime;
use crate::sandbox::world::{DEFAULT_ACCOUNT, World};

const REGION: &str = "eu-central-1";

/// A world, asked in EC2's own terms.
struct Cloud {
    world: World,
}

impl Cloud {
    fn new() -> Self {
        Self {
            world: World::new(DEFAULT_ACCOUNT, SimTime::EPOCH),
        }
    }

    fn ask(&mut self, operation: &str, params: Value) -> Result<Reply, Fault> {
        let call = Call {
            service: "ec2".to_owned(),
            region: REGION.to_owned(),
            operation: operation.to_owned(),
            params: Params(params),
        };
        handle(&mut self.world, &call)
    }

    /// The text at `path` of an answer that must not be a refusal.
    fn text(&mut self, operation: &str, params: Value, path: &str) -> String {
        self.texts(operation, params, path)
            .pop()
            .unwrap_or_default()
    }

    fn texts(&mut self, operation: &str, params: Value, path: &str) -> Vec<String> {
        let reply = self.ask(operation, params).expect("an answer");
        texts_at(&reply, path)
    }

    fn does(&mut self, operation: &str, params: Value) {
        self.ask(operation, params).expect("an answer");
    }

    /// Holds that this is refused with this code.
    #[track_caller]
    fn refuses(&mut self, operation: &str, params: Value, code: &str) {
        let question = format!("{operation} {params}");
        match self.ask(operation, params) {
            Ok(reply) => panic!("{question} must be refused with {code}, not answered: {reply:?}"),
            Err(fault) => assert_eq!(fault.code, code, "{question}: {fault}"),
        }
    }

    fn pass_secs(&mut self, seconds: u64) {
        let now = self.world.now.after_secs(seconds);
        self.world.advance(now);
    }

    fn vpc(&mut self) -> String {
        self.text(
            "CreateVpc",
            json!({"CidrBlock": "10.10.0.0/16"}),
            "vpc.vpcId",
        )
    }

    fn subnet(&mut self, vpc: &str, block: &str) -> String {
        let params = json!({"VpcId": vpc, "CidrBlock": block, "AvailabilityZone": "eu-central-1a"});
        self.text("CreateSubnet", params, "subnet.subnetId")
    }

    fn internet_gateway(&mut self, vpc: &str) -> String {
        let path = "internetGateway.internetGatewayId";
        let id = self.text("CreateInternetGateway", json!({}), path);
        self.does(
            "AttachInternetGateway",
            json!({"InternetGatewayId": id, "VpcId": vpc}),
        );
        id
    }

    fn address(&mut self) -> String {
        self.text("AllocateAddress", json!({"Domain": "vpc"}), "allocationId")
    }

    fn group(&mut self, vpc: &str, name: &str) -> String {
        let params = json!({"VpcId": vpc, "GroupName": name, "GroupDescription": "a group"});
        self.text("CreateSecurityGroup", params, "groupId")
    }

    fn route_table(&mut self, vpc: &str) -> String {
        self.text(
            "CreateRouteTable",
            json!({"VpcId": vpc}),
            "routeTable.routeTableId",
        )
    }

    fn nat_state(&mut self, id: &str) -> String {
        let params = json!({"NatGatewayId": [id]});
        self.text("DescribeNatGateways", params, "natGatewaySet.state")
    }
}

/// A network with an internet gateway and a NAT gateway in its one subnet.
struct Nat {
    cloud: Cloud,
    vpc: String,
    internet_gateway: String,
    subnet: String,
    address: String,
    nat: String,
}

impl Nat {
    fn new() -> Self {
        let mut cloud = Cloud::new();
        let vpc = cloud.vpc();
        let internet_gateway = cloud.internet_gateway(&vpc);
        let subnet = cloud.subnet(&vpc, "10.10.0.0/18");
        let address = cloud.address();
        let params = json!({"SubnetId": subnet, "AllocationId": address, "ClientToken": "one"});
        let nat = cloud.text("CreateNatGateway", params, "natGateway.natGatewayId");
        Self {
            cloud,
            vpc,
            internet_gateway,
            subnet,
            address,
            nat,
        }
    }
}
