//! Where a Service of the cluster leads: to a host outside, to its endpoints, or to its cluster address.

use std::net::Ipv4Addr;

use futures::future::BoxFuture;
use podsec_apimachinery::Status;
use podsec_apimachinery::meta::Meta;
use podsec_apimachinery::quote::quoted;
use podsec_kinds::allocation::ServiceRange;
use podsec_storage::Range;
use podsec_transport::Resolve;
use serde_json::Value;

use crate::registry::{Registry, status};

/// A host and its port.
type Address = (String, u16);

/// Looks Services up.
#[derive(Clone)]
pub(crate) struct Routes {
    /// The Services.
    pub(crate) services: Registry,
    /// Their Endpoints, by the same names.
    pub(crate) endpoints: Registry,
    /// Their EndpointSlices, which name them in a label.
    pub(crate) slices: Registry,
    /// The addresses that this server gives to Services.
    pub(crate) range: ServiceRange,
}

/// The way to one Service.
pub(super) struct Route {
    pub(super) routes: Routes,
    pub(super) namespace: String,
    pub(super) name: String,
}

impl Resolve for Route {
    fn resolve<'a>(&'a self, _: &'a str, port: u16) -> BoxFuture<'a, Result<Vec<Address>, String>> {
        Box::pin(self.routes.find(&self.namespace, &self.name, port))
    }
}

impl Routes {
    /// Where to find whoever answers for a Service: one after the other, until one answers.
    ///
    /// # Errors
    /// In kube-apiserver's words: no such Service, port or endpoint.
    async fn find(&self, namespace: &str, name: &str, port: u16) -> Result<Vec<Address>, String> {
        let words = |status: Status| status.message;
        let service = self.services.find(namespace, name).await.map_err(words)?;
        let service = service.ok_or_else(|| format!("service {} not found", quoted(name)))?.object;
        let endpoints = self.endpoints.find(namespace, name).await.map_err(words)?;
        let endpoints = endpoints.map(|stored| stored.object);
        let page = self.slices.store().range(Range::prefix(&self.slices.prefix(namespace))).await;
        let mut slices = Vec::new();
        for entry in &page.map_err(|error| words(status(&error)))?.entries {
            let slice = self.slices.read(entry).map_err(words)?.object;
            if Meta::of(&slice).label("kubernetes.io/service-name") == Some(name) {
                slices.push(slice);
            }
        }
        addresses(&service, endpoints.as_ref(), &slices, self.range, port)
    }
}

fn addresses(
    service: &Value,
    endpoints: Option<&Value>,
    slices: &[Value],
    range: ServiceRange,
    port: u16,
) -> Result<Vec<Address>, String> {
    let name = Meta::of(service).name();
    let text = |pointer: &str| service.pointer(pointer).and_then(Value::as_str).unwrap_or_default();
    if text("/spec/type") == "ExternalName" {
        return Ok(vec![(text("/spec/externalName").to_owned(), port)]);
    }
    let ports = list(service, "/spec/ports");
    let found = ports.iter().find(|candidate| number(candidate) == Some(port));
    let found = found.ok_or_else(|| format!("no service port {port} found for service {}", quoted(name)))?;
    let port_name = name_of(found);
    let mut addresses = Vec::new();
    for subset in endpoints.map(|endpoints| list(endpoints, "/subsets")).unwrap_or_default() {
        for target in list(subset, "/ports").iter().filter(|target| name_of(target) == port_name) {
            let hosts = list(subset, "/addresses").iter().filter_map(|address| address.get("ip")?.as_str());
            addresses.extend(hosts.filter_map(|host| Some((host.to_owned(), number(target)?))));
        }
    }
    for slice in slices {
        for target in list(slice, "/ports").iter().filter(|target| name_of(target) == port_name) {
            let ready = list(slice, "/endpoints").iter().filter(|endpoint| is_ready(endpoint));
            let hosts = ready.flat_map(|endpoint| list(endpoint, "/addresses")).filter_map(Value::as_str);
            addresses.extend(hosts.filter_map(|host| Some((host.to_owned(), number(target)?))));
        }
    }
    let own = text("/spec/clusterIP");
    // The addresses that this server gives to Services lead nowhere: there is no proxy behind them.
    let is_made_up = || own.parse::<Ipv4Addr>().is_ok_and(|address| range.contains(address));
    if addresses.is_empty() && !matches!(own, "" | "None") && !is_made_up() {
        addresses.push((own.to_owned(), port));
    }
    if addresses.is_empty() {
        return Err(format!("no endpoints available for service {}", quoted(name)));
    }
    Ok(addresses)
}

fn is_ready(endpoint: &Value) -> bool {
    endpoint.pointer("/conditions/ready").and_then(Value::as_bool).unwrap_or(true)
}

fn list<'a>(object: &'a Value, pointer: &str) -> &'a [Value] {
    object.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn name_of(port: &Value) -> &str {
    port.get("name").and_then(Value::as_str).unwrap_or_default()
}

fn number(port: &Value) -> Option<u16> {
    u16::try_from(port.get("port")?.as_u64()?).ok()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn service(spec: &Value) -> Value {
        json!({"metadata": {"name": "hook"}, "spec": spec})
    }

    #[test]
    fn an_external_name_is_the_host_itself() {
        let service = service(&json!({"type": "ExternalName", "externalName": "localhost"}));
        assert_eq!(
            addresses(&service, None, &[], ServiceRange::default(), 8443),
            Ok(vec![("localhost".to_owned(), 8443)])
        );
    }

    #[test]
    fn endpoints_and_slices_are_found_by_the_name_of_the_port() {
        let service = service(&json!({"clusterIP": "10.96.7.7", "ports": [
            {"name": "metrics", "port": 80}, {"name": "https", "port": 443}
        ]}));
        let endpoints = json!({"subsets": [{
            "addresses": [{"ip": "127.0.0.1"}],
            "ports": [{"name": "metrics", "port": 9090}, {"name": "https", "port": 8443}]
        }]});
        let slice = json!({
            "ports": [{"name": "https", "port": 9443}],
            "endpoints": [
                {"addresses": ["127.0.0.2"], "conditions": {"ready": true}},
                {"addresses": ["127.0.0.3"], "conditions": {"ready": false}},
                {"addresses": ["::1"]}
            ]
        });
        let found = addresses(&service, Some(&endpoints), &[slice], ServiceRange::default(), 443).unwrap();
        let found: Vec<String> = found.iter().map(|(host, port)| format!("{host} {port}")).collect();
        assert_eq!(found, ["127.0.0.1 8443", "127.0.0.2 9443", "::1 9443"]);
    }

    #[test]
    fn a_service_that_leads_nowhere_says_so() {
        let spec = |address: &str| service(&json!({"clusterIP": address, "ports": [{"port": 443}]}));
        let none = r#"no endpoints available for service "hook""#;
        assert_eq!(
            addresses(&spec("10.96.1.2"), None, &[], ServiceRange::default(), 443),
            Err(none.to_owned())
        );
        assert_eq!(addresses(&spec("None"), None, &[], ServiceRange::default(), 443), Err(none.to_owned()));
        assert_eq!(
            addresses(&spec("192.168.1.2"), None, &[], ServiceRange::default(), 443),
            Ok(vec![("192.168.1.2".to_owned(), 443)])
        );
        assert_eq!(
            addresses(&spec("192.168.1.2"), None, &[], ServiceRange::default(), 80),
            Err(r#"no service port 80 found for service "hook""#.to_owned())
        );
    }
}
