//! Whether a write fits into the quotas of its namespace, and what they say is used after it.

use jiff::Timestamp;
use podsec_kinds::object::Fields;
use serde_json::Value;

use super::super::resources::{self, ResourceList, add};
use super::evaluator::Evaluator;
use crate::admission::attributes::Action;

/// A write, as far as quotas are concerned.
#[derive(Clone, Copy, Debug)]
pub(super) struct Change<'a> {
    pub(super) action: Action,
    pub(super) subresource: &'a str,
    /// The object as it would be stored.
    pub(super) object: &'a Value,
    /// The stored object.
    pub(super) old: Option<&'a Value>,
    pub(super) now: Timestamp,
}

/// What each quota says is used after the write; `None` for one that it does not touch.
///
/// # Errors
/// Why the write is forbidden.
pub(super) fn check(
    quotas: &[Value],
    evaluator: &Evaluator,
    change: Change<'_>,
) -> Result<Vec<Option<ResourceList>>, String> {
    let mut of_interest = Vec::new();
    for quota in quotas {
        of_interest.push(is_of_interest(quota, evaluator, change.object)?);
    }
    let usage = evaluator.usage(change.object, change.now);
    let negative = names(usage.iter().filter(|(_, amount)| amount.is_negative()).map(|(name, _)| name));
    if !negative.is_empty() {
        return Err(format!("quota usage is negative for resource(s): {negative}"));
    }
    let mut after = Vec::new();
    for (quota, is_of_interest) in quotas.iter().zip(of_interest) {
        after.push(if is_of_interest { charge(quota, evaluator, change, &usage)? } else { None });
    }
    Ok(after)
}

/// Whether a quota counts the object. It must know what is used, and the object must say what it needs.
fn is_of_interest(quota: &Value, evaluator: &Evaluator, object: &Value) -> Result<bool, String> {
    let (status, name) = (quota.at("status"), quota.at("metadata").text("name"));
    let counted: Vec<&str> =
        status.entries("hard").map(|(name, _)| name).filter(|name| evaluator.counts(name)).collect();
    if counted.is_empty() || !evaluator.is_in_scope(quota, object) {
        return Ok(false);
    }
    if let Some(why) = evaluator.missing(counted.iter().copied(), object) {
        return Err(format!("failed quota: {name}: {why}"));
    }
    if counted.iter().any(|resource| !status.at("used").has(resource)) {
        return Err(format!("status unknown for quota: {name}, resources: {}", counted.join(",")));
    }
    Ok(true)
}

fn charge(
    quota: &Value,
    evaluator: &Evaluator,
    change: Change<'_>,
    usage: &ResourceList,
) -> Result<Option<ResourceList>, String> {
    let hard = resources::read(quota.at("status").at("hard"));
    let used = resources::read(quota.at("status").at("used"));
    let mut requested = usage.clone();
    if let Some(old) =
        change.old.filter(|old| change.action == Action::Update && evaluator.is_in_scope(quota, old))
    {
        for (name, amount) in evaluator.usage(old, change.now) {
            if let Some(requested) = requested.get_mut(&name) {
                *requested = requested.minus(amount);
            }
        }
    }
    // What becomes less is given back by whoever counts again.
    requested.retain(|name, amount| hard.contains_key(name) && !amount.is_zero() && !amount.is_negative());
    if requested.is_empty() {
        return Ok(None);
    }
    let mut after = used.clone();
    add(&mut after, &requested);
    let exceeded: Vec<&String> = requested
        .keys()
        .filter(|name| match (after.get(*name), hard.get(*name)) {
            (Some(after), Some(hard)) => after > hard,
            _ => true,
        })
        .collect();
    if change.subresource == "status" || exceeded.is_empty() {
        return Ok(Some(after));
    }
    let list = |amounts: &ResourceList| {
        let shown = exceeded.iter().filter_map(|name| Some(format!("{name}={}", amounts.get(*name)?)));
        shown.collect::<Vec<_>>().join(",")
    };
    Err(format!(
        "exceeded quota: {}, requested: {}, used: {}, limited: {}",
        quota.at("metadata").text("name"),
        list(&requested),
        list(&used),
        list(&hard)
    ))
}

fn names<'a>(names: impl Iterator<Item = &'a String>) -> String {
    names.map(String::as_str).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn quota(hard: &Value, used: &Value) -> Value {
        json!({"metadata": {"name": "q"}, "spec": {"hard": hard}, "status": {"hard": hard, "used": used}})
    }

    fn judge(
        quotas: &[Value],
        resource: &str,
        (action, subresource): (Action, &str),
        object: &Value,
        old: Option<&Value>,
    ) -> Result<Vec<Option<Value>>, String> {
        let evaluator = Evaluator::of("", resource).unwrap();
        let now = "2026-01-01T00:00:00Z".parse().unwrap();
        let after = check(quotas, &evaluator, Change { action, subresource, object, old, now })?;
        Ok(after.iter().map(|used| used.as_ref().map(resources::write)).collect())
    }

    fn create(quotas: &[Value], resource: &str, object: &Value) -> Result<Vec<Option<Value>>, String> {
        judge(quotas, resource, (Action::Create, ""), object, None)
    }

    fn pod(cpu: &str, memory: &str) -> Value {
        json!({"spec": {"containers": [{"name": "c", "resources": {
            "requests": {"cpu": cpu}, "limits": {"memory": memory},
        }}]}})
    }

    #[test]
    fn what_fits_is_added_and_what_does_not_is_named() {
        let hard = json!({"requests.cpu": "1", "limits.memory": "1Gi", "pods": "2", "configmaps": "0"});
        let used = json!({"requests.cpu": "0", "limits.memory": "0", "pods": "0", "configmaps": "0"});
        let compute = [quota(&hard, &used)];
        let after = create(&compute, "pods", &pod("600m", "600Mi")).unwrap();
        let used = json!({"requests.cpu": "600m", "limits.memory": "600Mi", "pods": "1", "configmaps": "0"});
        assert_eq!(after, [Some(used.clone())]);
        assert_eq!(
            create(&[quota(&hard, &used)], "pods", &pod("600m", "600Mi")).unwrap_err(),
            "exceeded quota: q, requested: limits.memory=600Mi,requests.cpu=600m, used: \
             limits.memory=600Mi,requests.cpu=600m, limited: limits.memory=1Gi,requests.cpu=1"
        );
    }

    #[test]
    fn a_quota_that_does_not_know_what_is_used_refuses() {
        let new = json!({"metadata": {"name": "q"}, "spec": {"hard": {"pods": "1"}}});
        assert_eq!(create(&[new], "pods", &pod("1", "1")), Ok(vec![None]));
        let half = quota(&json!({"pods": "1", "requests.cpu": "1"}), &json!({"pods": "0"}));
        assert_eq!(
            create(&[half], "pods", &pod("1", "1")).unwrap_err(),
            "status unknown for quota: q, resources: pods,requests.cpu"
        );
    }

    #[test]
    fn an_update_is_charged_for_what_it_adds() {
        let quotas = [quota(&json!({"services.nodeports": "1"}), &json!({"services.nodeports": "1"}))];
        let service = |kind: &str| json!({"spec": {"type": kind, "ports": [{"port": 80}]}});
        let update = |new: &str, old: &str| {
            judge(&quotas, "services", (Action::Update, ""), &service(new), Some(&service(old)))
        };
        assert!(update("NodePort", "ClusterIP").is_err());
        assert_eq!(update("LoadBalancer", "NodePort"), Ok(vec![None]));
        assert_eq!(update("ClusterIP", "NodePort"), Ok(vec![None]));
    }

    #[test]
    fn what_is_over_already_forbids_only_more_of_it() {
        let quotas =
            [quota(&json!({"configmaps": "1", "secrets": "2"}), &json!({"configmaps": "2", "secrets": "0"}))];
        assert!(create(&quotas, "configmaps", &json!({})).is_err());
        assert_eq!(
            create(&quotas, "secrets", &json!({})),
            Ok(vec![Some(json!({"configmaps": "2", "secrets": "1"}))])
        );
    }
}
