//! One autoscaler in two versions: what `autoscaling/v1` has no fields for stands in its annotations.

use podsec_apimachinery::field::json;
use serde_json::{Map, Value, json as object};

use super::metrics;
use crate::object::{Fields, FieldsMut, as_map, metadata, metadata_mut};

/// Whether an autoscaler is written in `autoscaling/v1`.
pub(crate) fn is_v1(scaler: &Value) -> bool {
    scaler.text("apiVersion") == "autoscaling/v1"
}

/// The annotations of `autoscaling/v1` that are status in truth are those of the stored object, which has none while it
/// is created.
pub(super) fn keep_status_annotations(scaler: &mut Value, old: &Value) {
    if !is_v1(scaler) {
        return;
    }
    for name in [CURRENT_METRICS, CONDITIONS] {
        let stored = metadata(old).at("annotations").field(name).cloned();
        let Some(annotations) = as_map(scaler).ensure("metadata").and_then(|metadata| {
            if stored.is_some() { metadata.ensure("annotations") } else { metadata.object_mut("annotations") }
        }) else {
            continue;
        };
        match stored {
            Some(value) => drop(annotations.insert(name.to_owned(), value)),
            None => drop(annotations.remove(name)),
        }
        if annotations.is_empty()
            && let Some(metadata) = as_map(scaler).object_mut("metadata")
        {
            metadata.remove("annotations");
        }
    }
}

/// The same autoscaler in `autoscaling/v2`.
pub fn to_v2(scaler: &Value) -> Value {
    let mut scaler = scaler.clone();
    if !is_v1(&scaler) {
        return scaler;
    }
    let annotation = |name: &str| -> Option<Value> {
        serde_json::from_str(metadata(&scaler).at("annotations").field(name)?.as_str()?).ok()
    };
    let (others, behavior) = (annotation(METRICS), annotation(BEHAVIOR));
    let (current, conditions) = (annotation(CURRENT_METRICS), annotation(CONDITIONS));
    drop_annotations(&mut scaler);
    let fields = as_map(&mut scaler);
    fields.insert("apiVersion".to_owned(), "autoscaling/v2".into());
    if let Some(spec) = fields.ensure("spec") {
        let mut all = others.map(|others| each(&others, metric_to_v2)).unwrap_or_default();
        if let Some(percent) =
            spec.remove("targetCPUUtilizationPercentage").filter(|percent| !percent.is_null())
        {
            all.push(cpu_metric(&percent));
        }
        if all.is_empty() {
            all.push(metrics::default_metric());
        }
        spec.insert("metrics".to_owned(), all.into());
        if let Some(behavior) = behavior.map(|behavior| with_lower_names(&behavior)).filter(says_something) {
            spec.insert("behavior".to_owned(), behavior);
        }
    }
    if let Some(status) = fields.object_mut("status") {
        let cpu = status.remove("currentCPUUtilizationPercentage").filter(|percent| !percent.is_null());
        if let Some(current) = current {
            status.insert("currentMetrics".to_owned(), each(&current, status_to_v2).into());
        } else if let Some(percent) = cpu {
            let metric = object!({ "name": "cpu", "current": { "averageUtilization": percent } });
            status.insert("currentMetrics".to_owned(), object!([{ "type": "Resource", "resource": metric }]));
        }
        if let Some(conditions) = conditions.filter(Value::is_array) {
            status.insert("conditions".to_owned(), conditions);
        }
    }
    scaler
}

/// The same autoscaler in `autoscaling/v1`.
pub fn to_v1(scaler: &Value) -> Value {
    let mut scaler = scaler.clone();
    if is_v1(&scaler) {
        return scaler;
    }
    drop_annotations(&mut scaler);
    let mut annotations: Vec<(&str, String)> = Vec::new();
    let fields = as_map(&mut scaler);
    fields.insert("apiVersion".to_owned(), "autoscaling/v1".into());
    if let Some(spec) = fields.ensure("spec") {
        let all = spec.remove("metrics").unwrap_or_default();
        let all = all.as_array().map(Vec::as_slice).unwrap_or_default();
        if let Some(metric) = all.iter().find(|metric| is_cpu_utilization(metric)) {
            let percent = metric.at("resource").at("target").at("averageUtilization").clone();
            spec.insert("targetCPUUtilizationPercentage".to_owned(), percent);
        }
        let others: Vec<String> =
            all.iter().filter(|metric| !is_cpu_utilization(metric)).map(metric_to_v1).collect();
        if !others.is_empty() {
            annotations.push((METRICS, format!("[{}]", others.join(","))));
        }
        if let Some(behavior) = spec.remove("behavior").filter(|behavior| !behavior.is_null()) {
            annotations.push((BEHAVIOR, behavior_json(&behavior)));
        }
    }
    if let Some(status) = fields.object_mut("status") {
        let current = status.remove("currentMetrics").unwrap_or_default();
        let current = current.as_array().map(Vec::as_slice).unwrap_or_default();
        for metric in current {
            let resource = metric.at("resource");
            let percent = resource.at("current").at("averageUtilization");
            if metric.text("type") == "Resource" && resource.text("name") == "cpu" && !percent.is_null() {
                status.insert("currentCPUUtilizationPercentage".to_owned(), percent.clone());
            }
        }
        if !current.is_empty() {
            let current: Vec<String> = current.iter().map(status_to_v1).collect();
            annotations.push((CURRENT_METRICS, format!("[{}]", current.join(","))));
        }
        if let Some(conditions) = status.remove("conditions").filter(|list| !list.is_null()) {
            annotations.push((CONDITIONS, conditions_json(&conditions)));
        }
        for count in ["currentReplicas", "desiredReplicas"] {
            status.fill(count, 0);
        }
    }
    if !annotations.is_empty()
        && let Some(own) = metadata_mut(&mut scaler).ensure("annotations")
    {
        own.extend(annotations.into_iter().map(|(name, text)| (name.to_owned(), text.into())));
    }
    scaler
}

fn drop_annotations(scaler: &mut Value) {
    let metadata = metadata_mut(scaler);
    if let Some(annotations) = metadata.object_mut("annotations") {
        let count = annotations.len();
        annotations.retain(|name, _| !ALL.contains(&name.as_str()));
        if annotations.is_empty() && count > 0 {
            metadata.remove("annotations");
        }
    }
}

fn each(list: &Value, convert: fn(&Value) -> Value) -> Vec<Value> {
    list.as_array().into_iter().flatten().map(convert).collect()
}

fn says_something(behavior: &Value) -> bool {
    behavior.has("scaleUp") || behavior.has("scaleDown")
}

fn cpu_metric(percent: &Value) -> Value {
    let target = object!({ "type": "Utilization", "averageUtilization": percent });
    object!({ "type": "Resource", "resource": { "name": "cpu", "target": target } })
}

fn is_cpu_utilization(metric: &Value) -> bool {
    let resource = metric.at("resource");
    metric.text("type") == "Resource"
        && resource.text("name") == "cpu"
        && resource.at("target").has("averageUtilization")
}

/// Members in the order given; those that are null are left out.
fn ordered(members: &[(&str, &Value)]) -> String {
    let given = members.iter().filter(|(_, value)| !value.is_null());
    let texts: Vec<String> =
        given.map(|(name, value)| format!("{}:{}", json(&Value::from(*name)), json(value))).collect();
    format!("{{{}}}", texts.join(","))
}

/// A reference with its fields in Go's order.
fn reference_json(reference: &Value) -> String {
    let text = |name: &str| Value::from(reference.text(name));
    let version = reference.field("apiVersion").unwrap_or(&Value::Null);
    ordered(&[("kind", &text("kind")), ("name", &text("name")), ("apiVersion", version)])
}

/// A label selector with its fields in Go's order.
fn selector_json(selector: &Value) -> Option<String> {
    selector.is_object().then(|| crate::internal::json("metav1.LabelSelector", selector))
}

fn wrapped(metric: &Value, body: impl Fn(&str, &Value) -> String) -> String {
    let mut text = format!("{{\"type\":{}", json(&Value::from(metric.text("type"))));
    for field in ["object", "pods", "resource", "containerResource", "external"] {
        if let Some(source) = metric.field(field) {
            text += &[",\"", field, "\":", &body(field, source)].concat();
        }
    }
    text + "}"
}

/// Joins members that are written already; the absent ones are left out.
fn members(parts: &[(&str, Option<String>)]) -> String {
    let given = parts.iter().filter_map(|(name, text)| Some(format!("\"{name}\":{}", text.as_ref()?)));
    format!("{{{}}}", given.collect::<Vec<_>>().join(","))
}

fn written(value: &Value) -> Option<String> {
    (!value.is_null()).then(|| json(value))
}

fn or_zero(value: &Value) -> String {
    if value.is_null() { "\"0\"".to_owned() } else { json(value) }
}

fn metric_to_v1(metric: &Value) -> String {
    wrapped(metric, |field, source| {
        let (target, own) = (source.at("target"), source.at("metric"));
        let name = Some(json(&Value::from(own.text("name"))));
        let resource = Some(json(&Value::from(source.text("name"))));
        let utilization = written(target.at("averageUtilization"));
        let average = written(target.at("averageValue"));
        match field {
            "object" => members(&[
                ("target", Some(reference_json(source.at("describedObject")))),
                ("metricName", name),
                ("targetValue", Some(or_zero(target.at("value")))),
                ("selector", selector_json(own.at("selector"))),
                ("averageValue", average),
            ]),
            "pods" => members(&[
                ("metricName", name),
                ("targetAverageValue", Some(or_zero(target.at("averageValue")))),
                ("selector", selector_json(own.at("selector"))),
            ]),
            "external" => members(&[
                ("metricName", name),
                ("metricSelector", selector_json(own.at("selector"))),
                ("targetValue", written(target.at("value"))),
                ("targetAverageValue", average),
            ]),
            "containerResource" => members(&[
                ("name", resource),
                ("targetAverageUtilization", utilization),
                ("targetAverageValue", average),
                ("container", Some(json(&Value::from(source.text("container"))))),
            ]),
            _ => members(&[
                ("name", resource),
                ("targetAverageUtilization", utilization),
                ("targetAverageValue", average),
            ]),
        }
    })
}

fn status_to_v1(metric: &Value) -> String {
    wrapped(metric, |field, source| {
        let (current, own) = (source.at("current"), source.at("metric"));
        let name = Some(json(&Value::from(own.text("name"))));
        let resource = Some(json(&Value::from(source.text("name"))));
        let utilization = written(current.at("averageUtilization"));
        match field {
            "object" => members(&[
                ("target", Some(reference_json(source.at("describedObject")))),
                ("metricName", name),
                ("currentValue", Some(or_zero(current.at("value")))),
                ("selector", selector_json(own.at("selector"))),
                ("averageValue", written(current.at("averageValue"))),
            ]),
            "pods" => members(&[
                ("metricName", name),
                ("currentAverageValue", Some(or_zero(current.at("averageValue")))),
                ("selector", selector_json(own.at("selector"))),
            ]),
            "external" => members(&[
                ("metricName", name),
                ("metricSelector", selector_json(own.at("selector"))),
                ("currentValue", Some(or_zero(current.at("value")))),
                ("currentAverageValue", written(current.at("averageValue"))),
            ]),
            "containerResource" => members(&[
                ("name", resource),
                ("currentAverageUtilization", utilization),
                ("currentAverageValue", Some(or_zero(current.at("averageValue")))),
                ("container", Some(json(&Value::from(source.text("container"))))),
            ]),
            _ => members(&[
                ("name", resource),
                ("currentAverageUtilization", utilization),
                ("currentAverageValue", Some(or_zero(current.at("averageValue")))),
            ]),
        }
    })
}

/// A metric of the older version in the newer one. Where the older left the type of its target open, it follows from
/// what is set.
fn metric_to_v2(metric: &Value) -> Value {
    convert(metric, |field, source| {
        let text = |name: &str| source.text(name);
        let optional = |name: &str| source.at(name).clone();
        let mut target = Map::new();
        let mut set = |name: &str, value: Value| {
            if !value.is_null() {
                target.insert(name.to_owned(), value);
            }
        };
        let converted = match field {
            "object" => {
                let value = source.field("targetValue").cloned().unwrap_or_else(|| "0".into());
                let average = optional("averageValue");
                if average.is_null() || value != "0" {
                    set("value", value);
                }
                set("type", if average.is_null() { "Value" } else { "AverageValue" }.into());
                set("averageValue", average);
                object!({ "describedObject": optional("target"), "metric": identifier(text("metricName"), source.at("selector")) })
            }
            "pods" => {
                set("type", "AverageValue".into());
                set(
                    "averageValue",
                    source.field("targetAverageValue").cloned().unwrap_or_else(|| "0".into()),
                );
                object!({ "metric": identifier(text("metricName"), source.at("selector")) })
            }
            "external" => {
                set("type", if source.has("targetValue") { "Value" } else { "AverageValue" }.into());
                set("value", optional("targetValue"));
                set("averageValue", optional("targetAverageValue"));
                object!({ "metric": identifier(text("metricName"), source.at("metricSelector")) })
            }
            _ => {
                let by_share = source.has("targetAverageUtilization");
                set("type", if by_share { "Utilization" } else { "AverageValue" }.into());
                set("averageValue", optional("targetAverageValue"));
                set("averageUtilization", optional("targetAverageUtilization"));
                named(field, source)
            }
        };
        with(converted, "target", target.into())
    })
}

fn status_to_v2(metric: &Value) -> Value {
    convert(metric, |field, source| {
        let text = |name: &str| source.text(name);
        let or_zero = |name: &str| source.field(name).cloned().unwrap_or_else(|| "0".into());
        let mut current = Map::new();
        let mut set = |name: &str, value: Value| {
            if !value.is_null() {
                current.insert(name.to_owned(), value);
            }
        };
        let converted = match field {
            "object" => {
                set("value", or_zero("currentValue"));
                set("averageValue", source.at("averageValue").clone());
                object!({ "describedObject": source.at("target"), "metric": identifier(text("metricName"), source.at("selector")) })
            }
            "pods" => {
                set("averageValue", or_zero("currentAverageValue"));
                object!({ "metric": identifier(text("metricName"), source.at("selector")) })
            }
            "external" => {
                set("value", or_zero("currentValue"));
                set("averageValue", source.at("currentAverageValue").clone());
                object!({ "metric": identifier(text("metricName"), source.at("metricSelector")) })
            }
            _ => {
                set("averageValue", or_zero("currentAverageValue"));
                set("averageUtilization", source.at("currentAverageUtilization").clone());
                named(field, source)
            }
        };
        with(converted, "current", current.into())
    })
}

fn convert(metric: &Value, body: impl Fn(&str, &Value) -> Value) -> Value {
    let mut converted = Map::new();
    converted.insert("type".to_owned(), metric.text("type").into());
    for field in ["object", "pods", "resource", "containerResource", "external"] {
        if let Some(source) = metric.field(field) {
            converted.insert(field.to_owned(), body(field, source));
        }
    }
    converted.into()
}

fn identifier(name: &str, selector: &Value) -> Value {
    let identifier = object!({ "name": name });
    if selector.is_null() { identifier } else { with(identifier, "selector", selector.clone()) }
}

fn named(field: &str, source: &Value) -> Value {
    let named = object!({ "name": source.text("name") });
    if field == "containerResource" {
        with(named, "container", source.text("container").into())
    } else {
        named
    }
}

fn with(mut value: Value, field: &str, part: Value) -> Value {
    as_map(&mut value).insert(field.to_owned(), part);
    value
}

/// The behavior as Kubernetes writes its internal struct, in Go's names and order.
fn behavior_json(behavior: &Value) -> String {
    let or_null = |value: &Value| Some(if value.is_null() { "null".to_owned() } else { json(value) });
    let rules = |direction: &str| {
        let Some(rules) = behavior.field(direction) else { return Some("null".to_owned()) };
        let policies = rules.field("policies").and_then(Value::as_array).map(|policies| {
            let texts = policies.iter().map(|policy| {
                members(&[
                    ("Type", Some(json(&Value::from(policy.text("type"))))),
                    ("Value", Some(policy.number("value").to_string())),
                    ("PeriodSeconds", Some(policy.number("periodSeconds").to_string())),
                ])
            });
            format!("[{}]", texts.collect::<Vec<_>>().join(","))
        });
        Some(members(&[
            ("StabilizationWindowSeconds", or_null(rules.at("stabilizationWindowSeconds"))),
            ("SelectPolicy", or_null(rules.at("selectPolicy"))),
            ("Policies", Some(policies.unwrap_or_else(|| "null".to_owned()))),
            ("Tolerance", or_null(rules.at("tolerance"))),
        ]))
    };
    members(&[("ScaleUp", rules("scaleUp")), ("ScaleDown", rules("scaleDown"))])
}

/// The same read again: names begin with a small letter, and null is absent.
fn with_lower_names(value: &Value) -> Value {
    match value {
        Value::Object(fields) => fields
            .iter()
            .filter(|(_, value)| !value.is_null())
            .map(|(name, value)| {
                let mut letters = name.chars();
                let first = letters.next().map(|letter| letter.to_ascii_lowercase());
                (first.into_iter().chain(letters).collect::<String>(), with_lower_names(value))
            })
            .collect(),
        Value::Array(items) => items.iter().map(with_lower_names).collect(),
        other => other.clone(),
    }
}

fn conditions_json(conditions: &Value) -> String {
    let texts = conditions.as_array().into_iter().flatten().map(|condition| {
        members(&[
            ("type", Some(json(&Value::from(condition.text("type"))))),
            ("status", Some(json(&Value::from(condition.text("status"))))),
            ("lastTransitionTime", Some(json(condition.at("lastTransitionTime")))),
            ("reason", written(condition.at("reason"))),
            ("message", written(condition.at("message"))),
        ])
    });
    format!("[{}]", texts.collect::<Vec<_>>().join(","))
}

const METRICS: &str = "autoscaling.alpha.kubernetes.io/metrics";
const CURRENT_METRICS: &str = "autoscaling.alpha.kubernetes.io/current-metrics";
const CONDITIONS: &str = "autoscaling.alpha.kubernetes.io/conditions";
const BEHAVIOR: &str = "autoscaling.alpha.kubernetes.io/behavior";
/// Every annotation that stands for fields.
const ALL: [&str; 6] = [
    METRICS,
    CURRENT_METRICS,
    CONDITIONS,
    BEHAVIOR,
    "autoscaling.alpha.kubernetes.io/scale-down-tolerance",
    "autoscaling.alpha.kubernetes.io/scale-up-tolerance",
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_older_version_cannot_say_survives_it() {
        let newer = object!({
            "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler", "metadata": { "name": "x" },
            "spec": {
                "maxReplicas": 3, "minReplicas": 1, "scaleTargetRef": { "kind": "Deployment", "name": "web" },
                "metrics": [
                    { "type": "Pods", "pods": { "metric": { "name": "m" }, "target": { "type": "AverageValue", "averageValue": "3" } } },
                    { "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 50 } } },
                ],
                "behavior": { "scaleDown": { "selectPolicy": "Disabled", "policies": [{ "type": "Pods", "value": 1, "periodSeconds": 2 }] } },
            },
        });
        let older = to_v1(&newer);
        assert_eq!(older.at("spec").integer("targetCPUUtilizationPercentage"), Some(50));
        assert_eq!(
            metadata(&older).at("annotations").text(METRICS),
            r#"[{"type":"Pods","pods":{"metricName":"m","targetAverageValue":"3"}}]"#
        );
        assert_eq!(
            metadata(&older).at("annotations").text(BEHAVIOR),
            r#"{"ScaleUp":null,"ScaleDown":{"StabilizationWindowSeconds":null,"SelectPolicy":"Disabled","Policies":[{"Type":"Pods","Value":1,"PeriodSeconds":2}],"Tolerance":null}}"#
        );
        assert_eq!(to_v2(&older), newer);
    }
}
