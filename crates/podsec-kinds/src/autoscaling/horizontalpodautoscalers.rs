//! HorizontalPodAutoscalers of both versions. The older one is read and judged as the newer one, in which it is kept.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use super::references::{VersionRule, reference};
use super::{behavior, metrics, versions};
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut};
use crate::printing::{self, column};
use crate::strategy::{Strategy, Subresource};
use crate::{formats, metadata as meta, workload};

/// HorizontalPodAutoscalers.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "autoscaling",
    resource: "horizontalpodautoscalers",
    default,
    prepare_for_create: |scaler| {
        let status = if versions::is_v1(scaler) {
            json!({ "currentReplicas": 0, "desiredReplicas": 0 })
        } else {
            json!({ "desiredReplicas": 0, "currentMetrics": null })
        };
        workload::reset_status(scaler, status);
        versions::keep_status_annotations(scaler, &Value::Null);
    },
    prepare_for_update: |scaler, old| {
        workload::keep_status(scaler, old);
        versions::keep_status_annotations(scaler, old);
    },
    validate: |scaler| {
        let scaler = &versions::to_v2(scaler);
        let mut errors = meta::validate(scaler, true, NameRule::Dns1123Subdomain);
        errors.extend(validate_spec(scaler.at("spec"), None));
        errors
    },
    validate_update: |scaler, old| {
        let mut errors = meta::validate_update(scaler, old);
        let (scaler, old) = (versions::to_v2(scaler), versions::to_v2(old));
        errors.extend(validate_spec(scaler.at("spec"), Some(old.at("spec"))));
        errors
    },
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: workload::keep_all_but_status,
        validate_update: |scaler, old| {
            let mut errors = meta::validate_update(scaler, old);
            let path = Path::new("status");
            for field in ["currentReplicas", "desiredReplicas"] {
                errors.extend(formats::nonnegative(&path.child(field), scaler.at("status").number(field)));
            }
            errors
        },
    }],
    columns: &[
        printing::NAME,
        column(
            "Reference",
            "scaleTargetRef points to the target resource to scale, and is used to the pods for which metrics \
         should be collected, as well as to actually change the replica count.",
        ),
        column(
            "Targets",
            "metrics contains the specifications for which to use to calculate the desired replica count (the \
         maximum replica count across all metrics will be used).  The desired replica count is calculated \
         multiplying the ratio between the target value and the current value by the current number of pods.  \
         Ergo, metrics used must decrease as the pod count is increased, and vice-versa.  See the \
         individual metric source types for more information about how each type of metric must respond. If \
         not set, the default metric will be set to 80% average CPU utilization.",
        ),
        column(
            "MinPods",
            "minReplicas is the lower limit for the number of replicas to which the autoscaler can scale down.  \
         It defaults to 1 pod.  minReplicas is allowed to be 0 if the alpha feature gate HPAScaleToZero is \
         enabled and at least one Object or External metric is configured.  Scaling is active as long as at \
         least one metric value is available.",
        ),
        column(
            "MaxPods",
            "maxReplicas is the upper limit for the number of replicas to which the autoscaler can scale up. It \
         cannot be less that minReplicas.",
        ),
        column(
            "Replicas",
            "currentReplicas is current number of replicas of pods managed by this autoscaler, as last seen by \
         the autoscaler.",
        ),
        printing::AGE,
    ],
    cells: |scaler, now| {
        let scaler = &versions::to_v2(scaler);
        let (spec, status) = (scaler.at("spec"), scaler.at("status"));
        let target = spec.at("scaleTargetRef");
        let least = spec.integer("minReplicas");
        vec![
            printing::name(scaler),
            format!("{}/{}", target.text("kind"), target.text("name")).into(),
            metrics::shown(spec.list("metrics"), status.list("currentMetrics")).into(),
            least.map_or_else(|| "<unset>".to_owned(), |least| least.to_string()).into(),
            spec.number("maxReplicas").to_string().into(),
            status.number("currentReplicas").into(),
            printing::age(scaler, now),
        ]
    },
    ..BASE
};

fn default(scaler: &mut Value) {
    let is_v1 = versions::is_v1(scaler);
    if is_v1 {
        // What the older version cannot say stands in annotations; those that say nothing go.
        let v2 = versions::to_v2(scaler);
        *scaler = versions::to_v1(&v2);
    }
    let Some(spec) = scaler.as_object_mut().and_then(|scaler| scaler.ensure("spec")) else { return };
    spec.fill("minReplicas", 1);
    if is_v1 {
        return;
    }
    if spec.list("metrics").is_empty() {
        spec.insert("metrics".to_owned(), json!([metrics::default_metric()]));
    }
    if let Some(behavior) = spec.object_mut("behavior") {
        behavior::default(behavior);
    }
}

fn validate_spec(spec: &Value, old: Option<&Value>) -> Vec<Error> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let bound = i64::from(old.and_then(|old| old.integer("minReplicas")) != Some(0));
    let (least, most) = (spec.integer("minReplicas"), spec.number("maxReplicas"));
    if let Some(least) = least.filter(|least| *least < bound) {
        let detail = format!("must be greater than or equal to {bound}");
        errors.push(Error::invalid(path.child("minReplicas"), &least.into(), &detail));
    }
    let most_path = path.child("maxReplicas");
    if most == 0 {
        errors.push(Error::required(most_path.clone(), "must be set and greater than 0"));
    } else if most < 0 {
        errors.push(Error::invalid(most_path.clone(), &most.into(), "must be greater than or equal to 1"));
    }
    if least.is_some_and(|least| most < least) {
        let detail = "must be greater than or equal to `minReplicas`";
        errors.push(Error::invalid(most_path, &most.into(), detail));
    }
    let target = spec.at("scaleTargetRef");
    let same_target = old.map(|old| old.at("scaleTargetRef")).is_some_and(|old| {
        old.text("apiVersion") == target.text("apiVersion") && old.text("kind") == target.text("kind")
    });
    let version = if same_target {
        VersionRule::Any
    } else if target.text("kind") == "ReplicationController" {
        VersionRule::Valid
    } else {
        VersionRule::WithGroup
    };
    errors.extend(reference(target, version, &path.child("scaleTargetRef")));
    errors.extend(metrics::validate(spec, old, &path.child("metrics")));
    errors.extend(behavior::validate(spec.at("behavior"), &path.child("behavior")));
    errors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scaler_of_the_older_version_is_judged_as_one_of_the_newer() {
        let mut scaler = json!({
            "apiVersion": "autoscaling/v1", "metadata": { "name": "x", "namespace": "n" }, "spec": {
                "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" },
                "maxReplicas": 3, "targetCPUUtilizationPercentage": -1,
            },
        });
        default(&mut scaler);
        let errors: Vec<String> = (STRATEGY.validate)(&scaler).iter().map(ToString::to_string).collect();
        assert_eq!(
            errors,
            ["spec.metrics[0].resource.target.averageUtilization: Invalid value: -1: must be greater than 0"]
        );
    }
}
