//! All controllers, by the names that kube-controller-manager gives them.

use crate::context::Context;
use crate::cron_job;
use crate::daemon_set;
use crate::deployment;
use crate::disruption;
use crate::job;
use crate::replicas;
use crate::stateful_set;
use crate::ttl_after_finished;

/// One controller.
pub(crate) struct Descriptor {
    /// As `--controllers` names it.
    pub(crate) name: &'static str,
    /// Names that it had before.
    pub(crate) aliases: &'static [&'static str],
    pub(crate) start: fn(&Context),
}

/// Every controller there is.
pub(crate) const ALL: &[Descriptor] = &[
    Descriptor { name: "cronjob-controller", aliases: &["cronjob"], start: cron_job::start },
    Descriptor { name: "daemonset-controller", aliases: &["daemonset"], start: daemon_set::start },
    Descriptor { name: "deployment-controller", aliases: &["deployment"], start: deployment::start },
    Descriptor { name: "disruption-controller", aliases: &["disruption"], start: disruption::start },
    Descriptor { name: "job-controller", aliases: &["job"], start: job::start },
    Descriptor {
        name: "replicaset-controller",
        aliases: &["replicaset"],
        start: replicas::start_replica_sets,
    },
    Descriptor {
        name: "replicationcontroller-controller",
        aliases: &["replicationcontroller"],
        start: replicas::start_replication_controllers,
    },
    Descriptor { name: "statefulset-controller", aliases: &["statefulset"], start: stateful_set::start },
    Descriptor {
        name: "ttl-after-finished-controller",
        aliases: &["ttl-after-finished"],
        start: ttl_after_finished::start,
    },
];
