//! ReplicaSets and ReplicationControllers: so many pods of one template.

mod controller;
mod manage;
mod replica_set;
mod replicated;
mod replication_controller;
mod status;

pub(crate) use replica_set::start as start_replica_sets;
pub(crate) use replication_controller::start as start_replication_controllers;
