//! Instances and snapshots as RDS answers them.

use super::SUBNET_GROUPS;
use super::engines;
use super::state::{Instance, Pending, Rds, Snapshot, Status};
use crate::sandbox::aws::{Fields, Reply, tags};

pub(super) fn instance(rds: &Rds, instance: &Instance) -> Reply {
    let group = rds.subnet_groups.get(&instance.subnet_group);
    let endpoint = instance.created.map(|_| {
        Fields::new()
            .with("Address", &instance.address)
            .with("Port", instance.port)
            .with("HostedZoneId", &instance.address_zone)
    });
    let security_groups = instance.group_ids.iter().map(|id| {
        Fields::new()
            .with("VpcSecurityGroupId", id)
            .with("Status", "active")
            .into()
    });
    let parameter_group = Fields::new()
        .with("DBParameterGroupName", &instance.parameter_group)
        .with("ParameterApplyStatus", "in-sync");
    let standby = group.filter(|_| instance.multi_az).and_then(|group| {
        group
            .subnets
            .zones
            .values()
            .find(|zone| **zone != instance.zone)
    });
    Fields::new()
        .with("DBInstanceIdentifier", &instance.id)
        .with("DBInstanceClass", &instance.class)
        .with("Engine", &instance.engine)
        .with("DBInstanceStatus", instance.status.word())
        .with("MasterUsername", &instance.username)
        .maybe("DBName", instance.db_name.as_ref())
        .maybe("Endpoint", endpoint)
        .with("AllocatedStorage", instance.gib)
        .maybe("InstanceCreateTime", instance.created)
        .with("PreferredBackupWindow", &instance.backup_window)
        .with("BackupRetentionPeriod", instance.retention_days)
        .with(
            "DBSecurityGroups",
            Reply::List("DBSecurityGroup", Vec::new()),
        )
        .with(
            "VpcSecurityGroups",
            Reply::List("VpcSecurityGroupMembership", security_groups.collect()),
        )
        .with(
            "DBParameterGroups",
            Reply::List("DBParameterGroup", vec![parameter_group.into()]),
        )
        .maybe(
            "AvailabilityZone",
            (instance.status != Status::Creating).then_some(&instance.zone),
        )
        .maybe(
            "DBSubnetGroup",
            group.map(|group| SUBNET_GROUPS.render(group)),
        )
        .with("PreferredMaintenanceWindow", &instance.maintenance_window)
        .with("PendingModifiedValues", pending(&instance.pending))
        .with("MultiAZ", instance.multi_az)
        .with("EngineVersion", &instance.version)
        .with("AutoMinorVersionUpgrade", instance.auto_minor)
        .with(
            "ReadReplicaDBInstanceIdentifiers",
            Reply::List("ReadReplicaDBInstanceIdentifier", Vec::new()),
        )
        .with("LicenseModel", license(instance))
        .maybe("Iops", instance.iops)
        .maybe("SecondaryAvailabilityZone", standby)
        .with("PubliclyAccessible", instance.public)
        .with("StorageType", &instance.storage_type)
        .with("DbInstancePort", 0)
        .with("StorageEncrypted", instance.encrypted)
        .with("DbiResourceId", &instance.resource_id)
        .with("CACertificateIdentifier", "rds-ca-rsa2048-g1")
        .with("CopyTagsToSnapshot", instance.copy_tags)
        .with("MonitoringInterval", 0)
        .with("DBInstanceArn", &instance.arn)
        .with("IAMDatabaseAuthenticationEnabled", instance.iam_login)
        .with("PerformanceInsightsEnabled", false)
        .with("DeletionProtection", instance.protected)
        .maybe("MaxAllocatedStorage", instance.max_gib)
        .with("TagList", tags::reply("Tag", &instance.tags))
        .with("NetworkType", "IPV4")
        .with("BackupTarget", "region")
        .with("EngineLifecycleSupport", "open-source-rds-extended-support")
        .into()
}

/// What is about to change; a password shows as stars.
fn pending(pending: &Pending) -> Reply {
    Fields::new()
        .maybe("DBInstanceClass", pending.class.as_ref())
        .maybe("AllocatedStorage", pending.gib)
        .maybe(
            "MasterUserPassword",
            pending.password.as_ref().map(|_| "****"),
        )
        .maybe("Port", pending.port)
        .maybe("MultiAZ", pending.multi_az)
        .maybe("EngineVersion", pending.version.as_ref())
        .maybe("StorageType", pending.storage_type.as_ref())
        .into()
}

fn license(instance: &Instance) -> &'static str {
    engines::engine(&instance.engine)
        .map(|engine| engine.license)
        .unwrap_or_default()
}

pub(super) fn snapshot(snapshot: &Snapshot) -> Reply {
    let instance = &snapshot.instance;
    let (status, percent) = match snapshot.available {
        true => ("available", 100),
        false => ("creating", 0),
    };
    Fields::new()
        .with("DBSnapshotIdentifier", &snapshot.id)
        .with("DBInstanceIdentifier", &instance.id)
        .with("SnapshotCreateTime", snapshot.created)
        .with("Engine", &instance.engine)
        .with("AllocatedStorage", instance.gib)
        .with("Status", status)
        .with("Port", instance.port)
        .with("AvailabilityZone", &instance.zone)
        .with("VpcId", &snapshot.vpc_id)
        .maybe("InstanceCreateTime", instance.created)
        .with("MasterUsername", &instance.username)
        .with("EngineVersion", &instance.version)
        .with("LicenseModel", license(instance))
        .with("SnapshotType", "manual")
        .with("PercentProgress", percent)
        .with("StorageType", &instance.storage_type)
        .with("Encrypted", instance.encrypted)
        .with("DBSnapshotArn", &snapshot.arn)
        .with("DbiResourceId", &instance.resource_id)
        .with("TagList", tags::reply("Tag", &snapshot.tags))
        .into()
}
