//! What a service takes of the addresses and ports that all share.

use serde_json::Value;

pub use super::pool::{Pool, Refused};
pub use super::range::{RangeError, ServiceRange};
use super::{addresses, ports};
use crate::object::{Fields, FieldsMut, metadata};

/// Gives a new service what it needs of the pool, and completes the fields that tell of it.
///
/// # Errors
/// When it asks for what others have, or for what is in no range.
pub fn begin_create(service: &mut Value, mut pool: Pool) -> Result<(), Refused> {
    pool.seed = seed(metadata(service).text("uid"));
    let name = metadata(service).text("name").to_owned();
    let Some(spec) = service.as_object_mut().and_then(|service| service.ensure("spec")) else {
        return Ok(());
    };
    addresses::complete(spec, None);
    addresses::complete_families(spec, None).map_err(Refused::Invalid)?;
    addresses::allocate(spec, None, &name, &mut pool)?;
    ports::allocate(spec, &mut pool)
}

/// Gives a changed service what it had not; what it does not name it keeps.
///
/// # Errors
/// As [`begin_create`].
pub fn begin_update(service: &mut Value, old: &Value, mut pool: Pool) -> Result<(), Refused> {
    pool.seed = seed(metadata(old).text("uid"));
    let name = metadata(old).text("name");
    let Some(spec) = service.as_object_mut().and_then(|service| service.ensure("spec")) else {
        return Ok(());
    };
    let old = old.at("spec");
    addresses::complete(spec, Some(old));
    ports::keep(spec, old);
    addresses::complete_families(spec, Some(old)).map_err(Refused::Invalid)?;
    addresses::allocate(spec, Some(old), name, &mut pool)?;
    ports::reallocate(spec, old, &mut pool)
}

fn seed(uid: &str) -> u64 {
    uid.bytes()
        .fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(spec: &Value) -> Value {
        let mut service = json!({
            "metadata": { "name": "web", "namespace": "n", "uid": "57d3e881-ad8c-4a37-9275-b3ecd214c400" },
            "spec": spec
        });
        (super::super::STRATEGY.default)(&mut service);
        service
    }

    fn created(spec: &Value, pool: &Pool) -> Result<Value, Refused> {
        let mut service = service(spec);
        begin_create(&mut service, pool.clone()).map(|()| service)
    }

    fn updated(spec: &Value, old: &Value, pool: &Pool) -> Value {
        let mut service = service(spec);
        begin_update(&mut service, old, pool.clone()).unwrap();
        (super::super::STRATEGY.prepare_for_update)(&mut service, old);
        assert_eq!((super::super::STRATEGY.validate_update)(&service, old), []);
        service
    }

    fn said(outcome: Result<Value, Refused>) -> Vec<String> {
        match outcome.unwrap_err() {
            Refused::Invalid(errors) => errors.iter().map(ToString::to_string).collect(),
            Refused::Internal(why) | Refused::Plain(why) => vec![why],
        }
    }

    #[test]
    fn a_service_gets_an_address_and_node_ports() {
        let spec = json!({ "type": "NodePort", "selector": { "a": "b" }, "ports": [{ "port": 80 }] });
        let service = created(&spec, &Pool::default()).unwrap();
        let spec = service.at("spec");
        assert!(spec.text("clusterIP").starts_with("10."), "{spec}");
        assert_eq!(spec.list("clusterIPs"), [spec.at("clusterIP").clone()]);
        assert_eq!(
            (spec.text("ipFamilyPolicy"), spec.list("ipFamilies")),
            ("SingleStack", &[json!("IPv4")][..])
        );
        assert!((30086..32768).contains(&spec.list("ports")[0].number("nodePort")));
        assert_eq!((super::super::STRATEGY.validate)(&service), []);
    }

    #[test]
    fn what_another_service_has_is_refused() {
        let port = |number: i64| json!({ "type": "NodePort", "ports": [{ "port": 80, "nodePort": number }] });
        let other = created(&port(30080), &Pool::default()).unwrap();
        let mut pool = Pool::default();
        pool.hold(&other);
        assert_eq!(
            said(created(&port(30080), &pool)),
            ["spec.ports[0].nodePort: Invalid value: 30080: provided port is already allocated"]
        );
        assert_eq!(
            said(created(&port(80), &pool)),
            [
                "spec.ports[0].nodePort: Invalid value: 80: provided port is not in the valid range. The range of valid \
                 ports is 30000-32767"
            ]
        );
        let address = other.at("spec").at("clusterIP");
        let taken = json!({ "clusterIP": address, "ports": [{ "port": 80 }] });
        let shown = address.as_str().unwrap();
        assert_eq!(
            said(created(&taken, &pool)),
            [format!(
                "spec.clusterIPs: Invalid value: [\"{shown}\"]: failed to allocate IP {shown}: provided IP is already \
                 allocated"
            )]
        );
        let outside = json!({ "clusterIP": "10.0.0.1", "ports": [{ "port": 80 }] });
        assert_eq!(
            said(created(&outside, &pool)),
            [
                "spec.clusterIPs: Invalid value: [\"10.0.0.1\"]: failed to allocate IP 10.0.0.1: the provided IP \
                 (10.0.0.1) is not in the valid range. The range of valid IPs is 10.96.0.0/12"
            ]
        );
        let check = json!({
            "type": "LoadBalancer", "externalTrafficPolicy": "Local", "healthCheckNodePort": 30080,
            "ports": [{ "port": 80 }]
        });
        assert_eq!(
            said(created(&check, &pool)),
            ["failed to allocate requested HealthCheck NodePort 30080: provided port is already allocated"]
        );
    }

    #[test]
    fn what_a_new_type_has_not_goes_and_the_address_stays() {
        let pool = Pool::default();
        let balancer = json!({
            "type": "LoadBalancer", "externalTrafficPolicy": "Local", "loadBalancerClass": "a.b/c",
            "ports": [{ "port": 80 }]
        });
        let stored = created(&balancer, &pool).unwrap();
        assert!(stored.at("spec").number("healthCheckNodePort") >= 30000);
        let mut held = Pool::default();
        held.hold(&stored);
        // As a client does that replaces what it once created: without the address.
        let replaced = updated(&json!({ "ports": [{ "port": 80 }] }), &stored, &held);
        let (now, then) = (replaced.at("spec"), stored.at("spec"));
        assert_eq!(now.at("clusterIP"), then.at("clusterIP"));
        let left = ["externalTrafficPolicy", "healthCheckNodePort", "loadBalancerClass"];
        assert!(left.iter().all(|field| !now.has(field)), "{now}");
        assert!(!now.has("allocateLoadBalancerNodePorts") && !now.list("ports")[0].has("nodePort"), "{now}");

        let mut patched = stored.at("spec").clone();
        patched["type"] = "ExternalName".into();
        patched["externalName"] = "example.com".into();
        let external = updated(&patched, &stored, &held);
        let gone = ["clusterIP", "clusterIPs", "ipFamilies", "ipFamilyPolicy", "internalTrafficPolicy"];
        assert!(gone.iter().all(|field| !external.at("spec").has(field)), "{external}");
    }

    #[test]
    fn a_port_keeps_its_number_on_the_nodes() {
        let node_port = json!({ "type": "NodePort", "ports": [{ "port": 80 }] });
        let stored = created(&node_port, &Pool::default()).unwrap();
        let mut held = Pool::default();
        held.hold(&stored);
        let again = updated(&node_port, &stored, &held);
        assert_eq!(again.at("spec"), stored.at("spec"));
    }

    #[test]
    fn a_headless_service_without_selector_has_both_families_and_others_may_not() {
        let headless = created(&json!({ "clusterIP": "None" }), &Pool::default()).unwrap();
        assert_eq!(headless.at("spec").list("ipFamilies"), ["IPv4", "IPv6"]);
        assert_eq!(headless.at("spec").text("ipFamilyPolicy"), "RequireDualStack");
        let both = json!({ "ipFamilyPolicy": "RequireDualStack", "ports": [{ "port": 80 }] });
        assert_eq!(
            said(created(&both, &Pool::default())),
            ["spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": this cluster is not configured for \
                 dual-stack services"]
        );
    }

    #[test]
    fn a_dry_run_takes_the_port_after_those_that_are_asked_for() {
        let spec = json!({
            "type": "NodePort",
            "ports": [{ "name": "a", "port": 80, "nodePort": 30111 }, { "name": "b", "port": 81 }]
        });
        let service = created(&spec, &Pool::default().for_trial()).unwrap();
        assert_eq!(service.at("spec").list("ports")[1].number("nodePort"), 30112);
    }
}
