//! CreateDBInstance: from the request to a database that is available.

use super::checks::{self, combination, invalid};
use super::engines::{self, Engine};
use super::state::{Instance, Password, Pending, Status};
use super::{SUBNET_GROUPS, Task, later, render};
use crate::sandbox::aws::names::{endpoint_hash, identifier};
use crate::sandbox::aws::placement::{self, Subnets};
use crate::sandbox::aws::{Call, Fault, Fields, Params, Reply, tags};
use crate::sandbox::durations::{DB_INSTANCE_BACKUP, DB_INSTANCE_CREATE};
use crate::sandbox::world::World;

/// The service that RDS's interfaces belong to, and how it describes them.
const REQUESTER: &str = "amazon-rds";
const INTERFACE: &str = "RDSNetworkInterface";

pub(super) fn create(world: &mut World, call: &Call) -> Result<Reply, Fault> {
    let (params, region) = (&call.params, call.region.as_str());
    let id = identifier(params, "DBInstanceIdentifier", 63)?;
    if world.region(region).rds.instances.contains_key(&id) {
        return Err(Fault::new(
            "DBInstanceAlreadyExists",
            "DB instance already exists",
        ));
    }
    let engine = engines::engine(&params.required("Engine")?)?;
    let group = params.text("DBSubnetGroupName").ok_or_else(|| {
        // The sandbox's accounts have no default network.
        Fault::new("InvalidSubnet", "No default subnet detected in VPC.")
    })?;
    let group = SUBNET_GROUPS.find(world, region, &group)?;
    let (subnet_group, subnets) = (group.name.clone(), group.subnets.clone());
    let groups = params.texts("VpcSecurityGroupIds");
    let group_ids = SUBNET_GROUPS.wearable(world, region, &subnet_group, groups)?;
    let (zone, subnet_id) = place(params, &subnets)?;

    let mut instance = read(world, region, params, engine, id)?;
    instance.subnet_group = subnet_group;
    instance.subnet_id = subnet_id;
    instance.zone = zone;
    instance.group_ids = group_ids;
    if let Err(fault) = attach(world, region, &subnets, &mut instance) {
        placement::detach(world, region, &instance.interfaces);
        return Err(fault);
    }

    let rds = &mut world.region(region).rds;
    let reply = Fields::only("DBInstance", render::instance(rds, &instance));
    let resource_id = instance.resource_id.clone();
    let backs_up = instance.retention_days > 0;
    rds.instances.insert(instance.id.clone(), instance);
    match backs_up {
        true => later(
            world,
            region,
            DB_INSTANCE_CREATE - DB_INSTANCE_BACKUP,
            Task::BackUp(resource_id),
        ),
        false => later(world, region, DB_INSTANCE_CREATE, Task::Settle(resource_id)),
    }
    Ok(reply)
}

/// The zone and the subnet for the instance: the zone that is asked for, or the first.
fn place(params: &Params, subnets: &Subnets) -> Result<(String, String), Fault> {
    let by_zone = subnets.by_zone();
    let asked = params.text("AvailabilityZone");
    if asked.is_some() && params.flag("MultiAZ") == Some(true) {
        return Err(combination(
            "Requesting a specific availability zone is not valid for Multi-AZ instances.",
        ));
    }
    let chosen = match &asked {
        Some(zone) => by_zone.get_key_value(zone.as_str()),
        None => by_zone.first_key_value(),
    };
    chosen
        .map(|(zone, subnet)| ((*zone).to_owned(), (*subnet).to_owned()))
        .ok_or_else(|| {
            Fault::new(
                "InvalidVPCNetworkStateFault",
                "DB Subnet Group doesn't cover the availability zone that was asked for",
            )
        })
}

/// Everything of the instance but its place in the network.
fn read(
    world: &mut World,
    region: &str,
    params: &Params,
    engine: &Engine,
    id: String,
) -> Result<Instance, Fault> {
    if params.flag("ManageMasterUserPassword") == Some(true) {
        return Err(combination(
            "The sandbox offers no managed master passwords",
        ));
    }
    let asked_version = params.text("EngineVersion");
    let (family, version) = engines::resolve(engine.name, asked_version.as_deref())?;
    let class = params.required("DBInstanceClass")?;
    checks::class(&class)?;
    let iops = params.int("Iops")?;
    let storage_type = params.text("StorageType").unwrap_or_else(|| {
        let default = if iops.is_some() { "io1" } else { "gp3" };
        default.to_owned()
    });
    let gib = params.int("AllocatedStorage")?.unwrap_or_default();
    checks::storage(engine.name, &storage_type, gib)?;
    let username = params.required("MasterUsername")?;
    checks::username(engine, &username)?;
    let password = params.text("MasterUserPassword").ok_or_else(|| {
        invalid("The parameter MasterUserPassword must be provided and must not be blank.")
    })?;
    checks::password(engine, &password)?;
    let db_name = params.text("DBName").filter(|name| !name.is_empty());
    db_name.as_deref().map_or(Ok(()), checks::database_name)?;
    let retention_days = params.int("BackupRetentionPeriod")?.unwrap_or(1);
    checks::retention(retention_days)?;
    let port = params.int("Port")?.unwrap_or(engine.port);
    checks::port(port)?;
    let window = |member, default: &str| params.text(member).unwrap_or_else(|| default.to_owned());
    let flag = |member, default| params.flag(member).unwrap_or(default);
    let host = endpoint_hash("rds", &world.account, region, 12);
    Ok(Instance {
        resource_id: world.ids.upper("db-", 26),
        arn: format!("arn:aws:rds:{region}:{}:db:{id}", world.account),
        address: format!("{id}.{host}.{region}.rds.amazonaws.com"),
        address_zone: format!("Z{}", host.to_uppercase()),
        status: Status::Creating,
        created: None,
        engine: engine.name.to_owned(),
        version: version.to_owned(),
        class,
        gib,
        max_gib: params.int("MaxAllocatedStorage")?,
        storage_type,
        iops,
        encrypted: flag("StorageEncrypted", false),
        db_name,
        username,
        password: Password(password),
        port,
        parameter_group: checks::parameter_group(
            params.text("DBParameterGroupName"),
            family.parameters,
        )?,
        multi_az: flag("MultiAZ", false),
        subnet_group: String::new(),
        subnet_id: String::new(),
        zone: String::new(),
        group_ids: Vec::new(),
        interfaces: Vec::new(),
        public: flag("PubliclyAccessible", false),
        retention_days,
        backup_window: window("PreferredBackupWindow", "03:00-03:30"),
        maintenance_window: window("PreferredMaintenanceWindow", "sun:05:00-sun:05:30"),
        auto_minor: flag("AutoMinorVersionUpgrade", true),
        copy_tags: flag("CopyTagsToSnapshot", false),
        iam_login: flag("EnableIAMDatabaseAuthentication", false),
        protected: flag("DeletionProtection", false),
        tags: tags::read(params, "Tags", "InvalidParameterValue")?,
        pending: Pending::default(),
        id,
    })
}

/// Gives the instance its interface, and one to its standby in another zone.
pub(super) fn attach(
    world: &mut World,
    region: &str,
    subnets: &Subnets,
    instance: &mut Instance,
) -> Result<(), Fault> {
    let standby = standby_subnet(subnets, instance).filter(|_| instance.multi_az);
    let places = [Some(instance.subnet_id.clone()), standby];
    for subnet in places.iter().flatten().skip(instance.interfaces.len()) {
        let groups = &instance.group_ids;
        let made = placement::attach(world, region, REQUESTER, INTERFACE, subnet, groups);
        let made =
            made.map_err(|fault| Fault::new("InvalidVPCNetworkStateFault", fault.message))?;
        instance.interfaces.push(made);
    }
    Ok(())
}

/// Where a standby stands: in the first other zone.
fn standby_subnet(subnets: &Subnets, instance: &Instance) -> Option<String> {
    let by_zone = subnets.by_zone();
    let other = by_zone.into_iter().find(|(zone, _)| *zone != instance.zone);
    other.map(|(_, subnet)| subnet.to_owned())
}

/// The new instance can't be made.
pub(super) fn fail(world: &mut World, region: &str, resource_id: &str) {
    if let Some(instance) = world.region(region).rds.by_resource_id(resource_id)
        && matches!(instance.status, Status::Creating | Status::BackingUp)
    {
        instance.status = Status::Failed;
    }
}

/// The new instance is up and takes its first backup.
pub(super) fn back_up(world: &mut World, region: &str, resource_id: &str) {
    let now = world.now;
    let rds = &mut world.region(region).rds;
    if let Some(instance) = rds.by_resource_id(resource_id)
        && instance.status == Status::Creating
    {
        instance.status = Status::BackingUp;
        instance.created = Some(now);
        later(
            world,
            region,
            DB_INSTANCE_BACKUP,
            Task::Settle(resource_id.to_owned()),
        );
    }
}
