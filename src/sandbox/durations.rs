//! How long AWS takes, in simulated seconds: the middle of what FACTS.md's "Durations seen in public logs" gives.

/// VPC and subnet: pending → available.
pub const NETWORK_PENDING: u64 = 2;
/// NAT gateway: pending → available (85–125 s).
pub const NAT_GATEWAY_CREATE: u64 = 105;
/// NAT gateway: deleting → deleted (37–94 s).
pub const NAT_GATEWAY_DELETE: u64 = 60;
/// A NAT gateway that can't work (no internet gateway): pending → failed.
pub const NAT_GATEWAY_FAIL: u64 = 10;
/// EKS control plane: CREATING → ACTIVE (8.5–11.5 min).
pub const EKS_CLUSTER_CREATE: u64 = 600;
/// EKS control plane: DELETING → gone (1–4 min).
pub const EKS_CLUSTER_DELETE: u64 = 150;
/// EKS control plane: UPDATING → ACTIVE after a version update (as long as a creation, inferred).
pub const EKS_VERSION_UPDATE: u64 = 600;
/// EKS control plane: UPDATING → ACTIVE after a configuration update (inferred).
pub const EKS_CONFIG_UPDATE: u64 = 60;
/// Node group: CREATING → ACTIVE (1.8–3 min).
pub const NODE_GROUP_CREATE: u64 = 140;
/// Node group: how long nodes that may not join try before the group fails (20 min).
pub const NODE_GROUP_JOIN_TIMEOUT: u64 = 1200;
/// Node group: how often they try (inferred).
pub const NODE_GROUP_JOIN_RETRY: u64 = 30;
/// EKS Auto Mode: a pod that fits no node → a node for it (inferred).
pub const AUTO_NODE: u64 = 45;
/// Node group: DELETING → gone (inferred: as long as its creation).
pub const NODE_GROUP_DELETE: u64 = 140;
/// Node group: UPDATING → ACTIVE after a scaling or label change (inferred).
pub const NODE_GROUP_UPDATE: u64 = 30;
/// Node group: UPDATING → ACTIVE after a version update: new nodes come, the old ones go (inferred).
pub const NODE_GROUP_VERSION_UPDATE: u64 = 300;
/// Add-on: CREATING → ACTIVE (inferred).
pub const ADDON_CREATE: u64 = 30;
/// Add-on: UPDATING → ACTIVE (inferred).
pub const ADDON_UPDATE: u64 = 30;
/// Add-on: DELETING → gone (inferred).
pub const ADDON_DELETE: u64 = 20;
/// What the sandbox was told to have come to nothing: until it has failed (inferred).
pub const FAILS_AFTER: u64 = 60;
/// RDS instance: creating → available (3.3–5 min when small).
pub const DB_INSTANCE_CREATE: u64 = 270;
/// RDS instance: backing-up → available, the last part of its creation (inferred).
pub const DB_INSTANCE_BACKUP: u64 = 30;
/// RDS instance: deleting → gone (4–6.5 min).
pub const DB_INSTANCE_DELETE: u64 = 300;
/// RDS instance: modifying → available (inferred).
pub const DB_INSTANCE_MODIFY: u64 = 180;
/// RDS and ElastiCache: until the weekly maintenance window opens (half a week, the middle).
pub const MAINTENANCE_WINDOW: u64 = 302_400;
/// ElastiCache replication group: creating → available (6–9 min).
pub const CACHE_CREATE: u64 = 420;
/// ElastiCache replication group: deleting → gone (inferred).
pub const CACHE_DELETE: u64 = 240;
/// ElastiCache replication group: modifying → available (inferred).
pub const CACHE_MODIFY: u64 = 240;
/// Route 53 change: PENDING → INSYNC.
pub const DNS_CHANGE: u64 = 60;
/// Network load balancer: provisioning → active (inferred).
pub const LOAD_BALANCER_CREATE: u64 = 120;
/// A Service of type LoadBalancer: creation → hostname in its status (inferred).
pub const LOAD_BALANCER_HOSTNAME: u64 = 10;
/// The interfaces of a deleted load balancer: until they are gone (inferred).
pub const LOAD_BALANCER_DELETE: u64 = 45;
/// A workload's pods: created → ready, once a node is ready (inferred; image pull included).
pub const POD_READY: u64 = 20;
/// A secret that is deleted by force: the call → gone, its name free again (inferred).
pub const SECRET_FORCE_DELETE: u64 = 5;
