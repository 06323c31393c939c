//! Objects of GitOps controllers that deploy charts: Argo CD's applications, Flux' releases.

use podsec_yaml::{Node, Position};
use serde_json::Value;

use crate::object::Object;
use crate::template::follow;

/// A chart that an object deploys.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Embedded {
    /// One of a repository of manifests, by its path there.
    Local {
        path: String,
        /// Files of values, from the chart or from the repository on.
        files: Vec<String>,
        /// The values in the object itself.
        values: Option<Value>,
    },
    /// One of a repository of charts, which no file here holds.
    Remote { chart: String, position: Position },
}

/// A kind that deploys charts: each field a path below `source`.
struct Deployer {
    group: &'static str,
    kind: &'static str,
    source: &'static str,
    path: &'static str,
    /// The name of a chart elsewhere.
    chart: &'static str,
    /// What must be so for `path` to be one, as `FIELD=VALUE`.
    when: &'static str,
    files: &'static str,
    /// Values as an object, and as text.
    values: [&'static str; 2],
}

/// The charts that an object deploys.
pub(crate) fn embedded(object: &Object<'_, '_>) -> Vec<Embedded> {
    let (group, kind) = (object.name.group(), object.name.kind.as_str());
    let known = KNOWN.iter().filter(|known| known.group == group && known.kind == kind);
    known
        .flat_map(|known| {
            follow(known.source, object.node).into_iter().filter_map(|(_, source)| known.of(source))
        })
        .collect()
}

impl Deployer {
    fn of(&self, source: Node<'_, '_>) -> Option<Embedded> {
        let first = |path: &str| follow(path, source).into_iter().map(|(_, node)| node).next();
        let text = |path: &str| first(path).and_then(|node| node.as_str().map(str::to_owned));
        let is_local = match self.when.split_once('=') {
            Some((field, value)) => text(field).as_deref() == Some(value),
            None => text(self.chart).is_none(),
        };
        if !is_local {
            let node = first(self.chart)?;
            return Some(Embedded::Remote { chart: node.as_str()?.to_owned(), position: node.position() });
        }
        // A generator fills in what stands in braces.
        let path = text(self.path).filter(|path| !path.contains("{{"))?;
        let files =
            follow(self.files, source).into_iter().filter_map(|(_, node)| Some(node.as_str()?.to_owned()));
        let [as_object, as_text] = self.values;
        let values = first(as_object).map(|node| node.to_json());
        let values = values.or_else(|| podsec_yaml::to_json(&text(as_text)?).ok());
        Some(Embedded::Local { path, files: files.collect(), values: values.filter(Value::is_object) })
    }
}

#[rustfmt::skip]
const KNOWN: &[Deployer] = &[
    Deployer { group: "argoproj.io", kind: "Application", source: "spec.source", path: "path", chart: "chart", when: "", files: "helm.valueFiles[*]", values: ["helm.valuesObject", "helm.values"] },
    Deployer { group: "argoproj.io", kind: "Application", source: "spec.sources[*]", path: "path", chart: "chart", when: "", files: "helm.valueFiles[*]", values: ["helm.valuesObject", "helm.values"] },
    Deployer { group: "argoproj.io", kind: "ApplicationSet", source: "spec.template.spec.source", path: "path", chart: "chart", when: "", files: "helm.valueFiles[*]", values: ["helm.valuesObject", "helm.values"] },
    Deployer { group: "argoproj.io", kind: "ApplicationSet", source: "spec.template.spec.sources[*]", path: "path", chart: "chart", when: "", files: "helm.valueFiles[*]", values: ["helm.valuesObject", "helm.values"] },
    Deployer { group: "helm.toolkit.fluxcd.io", kind: "HelmRelease", source: "spec", path: "chart.spec.chart", chart: "chart.spec.chart", when: "chart.spec.sourceRef.kind=GitRepository", files: "chart.spec.valuesFiles[*]", values: ["values", "values"] },
];

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::object::objects;

    fn found(text: &str) -> Vec<Embedded> {
        let document = podsec_yaml::document(text).unwrap();
        embedded(&objects(&document, 0).remove(0))
    }

    #[test]
    fn an_application_of_argo_cd_deploys_the_charts_of_its_sources() {
        let source = "{path: charts/web, helm: {valueFiles: [prod.yaml], values: 'a: 1'}}";
        let local = Embedded::Local {
            path: "charts/web".to_owned(),
            files: vec!["prod.yaml".to_owned()],
            values: Some(json!({"a": 1})),
        };
        let application =
            |spec: &str| format!("apiVersion: argoproj.io/v1alpha1\nkind: Application\nspec: {spec}\n");
        assert_eq!(found(&application(&format!("{{source: {source}}}"))), std::slice::from_ref(&local));
        let both =
            found(&application(&format!("{{sources: [{source}, {{chart: redis, repoURL: https://x}}]}}")));
        assert!(
            matches!(&both[..], [first, Embedded::Remote { chart, .. }] if *first == local && chart == "redis")
        );
        let set = format!(
            "apiVersion: argoproj.io/v1alpha1\nkind: ApplicationSet\nspec: {{template: {{spec: {{source: {source}}}}}}}\n"
        );
        assert_eq!(found(&set), [local]);
        assert_eq!(found(&set.replace("charts/web", "'charts/{{name}}'")), []);
    }

    #[test]
    fn a_release_of_flux_deploys_the_chart_of_its_repository() {
        let release = |kind: &str| {
            format!(
                "apiVersion: helm.toolkit.fluxcd.io/v2\nkind: HelmRelease\nspec:\n  chart: {{spec: {{chart: ./charts/web, sourceRef: {{kind: \
                 {kind}}}}}}}\n  values: {{a: 1}}\n"
            )
        };
        let local = Embedded::Local {
            path: "./charts/web".to_owned(),
            files: Vec::new(),
            values: Some(json!({"a": 1})),
        };
        assert_eq!(found(&release("GitRepository")), [local]);
        assert!(matches!(&found(&release("HelmRepository"))[..], [Embedded::Remote { .. }]));
    }
}
