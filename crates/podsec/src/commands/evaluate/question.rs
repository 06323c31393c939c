//! One line of the input: what is to be judged, and by which policy.

use std::borrow::Cow;
use std::fmt;

use podsec_standards::{DecodeError, Pod, Workload};
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

/// A line of the input. A key that it does not know is refused: misspelt, it would mean something else than was meant.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Question<'a> {
    pub(super) level: String,
    pub(super) version: Option<String>,
    #[serde(borrow)]
    pub(super) pod: &'a RawValue,
}

impl<'a> Question<'a> {
    pub(super) fn read(line: &'a [u8]) -> Result<Self, String> {
        serde_json::from_slice(line).map_err(|error| without_line(&error))
    }
}

/// The pod of an object: the object itself, or that of its template when it says that it is another of the nine kinds.
pub(super) fn pod(json: &str) -> Result<Pod<'_>, String> {
    // What is no object is told as what is no pod.
    let members: Members<'_> = if json.starts_with('{') {
        serde_json::from_str(json).map_err(|error| format!("pod: {error}"))?
    } else {
        Members::default()
    };
    let workload = members.workload()?;
    if let Some(unknown) = members.unknown(workload) {
        return Err(format!("pod: unknown field {unknown:?}, expected one of {}", FIELDS.join(", ")));
    }
    if workload == Workload::Pod {
        members.refuse_template()?;
    } else if !has_template(json, workload) {
        return Err(format!("pod: this {workload} has no {}", workload.pod_path().join(".")));
    }
    match workload.pod_of_object(json.as_bytes()) {
        Ok(Some(pod)) => Ok(pod),
        Ok(None) => Err(format!("pod: this {workload} has no template")),
        Err(DecodeError::Type { path, expected, found }) if !path.is_empty() => {
            Err(format!("pod.{path}: expected {expected}, found {found}"))
        }
        Err(other) => Err(format!("pod: {other}")),
    }
}

/// The members of an object, as they are written; the last of one name counts.
#[derive(Default)]
struct Members<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Members<'a> {
    fn get(&self, name: &str) -> Option<&'a str> {
        let of_name = self.0.iter().rfind(|(member, _)| member == name);
        of_name.map(|(_, value)| value.get()).filter(|value| *value != "null")
    }

    fn text(&self, name: &str) -> Result<Option<String>, String> {
        let Some(value) = self.get(name) else { return Ok(None) };
        let text = serde_json::from_str(value);
        text.map(Some).map_err(|_| format!("pod.{name}: expected a string, found {value:.40}"))
    }

    /// What the object says that it is; a Pod when it does not say.
    fn workload(&self) -> Result<Workload, String> {
        let (version, kind) = (self.text("apiVersion")?, self.text("kind")?);
        let group = version.as_deref().map(|version| version.split_once('/').map_or("", |(group, _)| group));
        let kind = match (kind, group) {
            (Some(kind), _) => kind,
            (None, None | Some("")) => return Ok(Workload::Pod),
            (None, Some(_)) => return Err("pod: apiVersion without a kind".to_owned()),
        };
        let of_kind = Workload::ALL.into_iter().find(|workload| workload.kind() == kind);
        match of_kind {
            Some(workload) if group.is_none_or(|group| group == workload.group()) => Ok(workload),
            Some(workload) => Err(format!(
                "pod: {kind} is no kind of {:?}, its group is {:?}",
                version.unwrap_or_default(),
                workload.group()
            )),
            None => {
                let kinds = Workload::ALL.map(Workload::kind).join(", ");
                Err(format!("pod: {kind:?} is no kind that carries pods; these do: {kinds}"))
            }
        }
    }

    /// The first member that an object of this kind does not have.
    fn unknown(&self, workload: Workload) -> Option<&str> {
        let known = |name: &str| FIELDS.contains(&name) || workload.pod_path().first() == Some(&name);
        self.0.iter().map(|(name, _)| &**name).find(|name| !known(name))
    }

    /// A workload that does not say its kind would be judged as a pod without containers.
    fn refuse_template(&self) -> Result<(), String> {
        let Some(spec) = self.get("spec").filter(|spec| spec.starts_with('{')) else { return Ok(()) };
        let spec: Members<'_> = serde_json::from_str(spec).map_err(|error| format!("pod.spec: {error}"))?;
        for name in ["template", "jobTemplate"] {
            if spec.get(name).is_some() {
                return Err(format!(
                    "pod.spec.{name}: a pod has no such field; say apiVersion and kind, and the object is judged by its template"
                ));
            }
        }
        Ok(())
    }
}

/// Whether the members that lead to the pod are there.
fn has_template(json: &str, workload: Workload) -> bool {
    let mut value = json;
    for name in workload.pod_path() {
        let members: Members<'_> = match serde_json::from_str(value) {
            Ok(members) => members,
            // What has the wrong type is told by whoever decodes it.
            Err(_) => return true,
        };
        match members.get(name) {
            Some(below) => value = below,
            None => return false,
        }
    }
    true
}

impl<'de: 'a, 'a> Deserialize<'de> for Members<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Reader;

        impl<'de> Visitor<'de> for Reader {
            type Value = Vec<(Cow<'de, str>, &'de RawValue)>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    members.push((name.0, map.next_value()?));
                }
                Ok(members)
            }
        }

        deserializer.deserialize_map(Reader).map(Self)
    }
}

/// A member's name, borrowed where it has no escapes.
#[derive(Deserialize)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// The column alone: a line of JSON Lines is always serde_json's line 1.
fn without_line(error: &serde_json::Error) -> String {
    let text = error.to_string();
    let problem = text.rsplit_once(" at line ").map_or(text.as_str(), |(problem, _)| problem);
    format!("{problem} at column {}", error.column())
}

/// The members of nearly every object that carries a pod, and of the pod itself.
const FIELDS: &[&str] = &["apiVersion", "kind", "metadata", "spec", "status"];

#[cfg(test)]
mod tests {
    use podsec_standards::{Level, Policy, Version, evaluate};
    use serde_json::{Value, json};

    use super::*;

    /// Whether baseline allows the pod, or why it cannot be judged.
    fn judged(object: &Value) -> Result<bool, String> {
        let json = object.to_string();
        let pod = pod(&json)?;
        Ok(evaluate(Policy::new(Level::Baseline, Version::Latest), &pod).is_allowed())
    }

    #[test]
    fn all_nine_kinds_are_judged_by_their_template() {
        for workload in Workload::ALL {
            let version = if workload.group().is_empty() {
                "v1".to_owned()
            } else {
                format!("{}/v1", workload.group())
            };
            for host_pid in [false, true] {
                let mut object = json!({"spec": {"hostPID": host_pid, "containers": []}});
                for name in workload.pod_path().iter().rev() {
                    object = json!({*name: object});
                }
                object["apiVersion"] = version.clone().into();
                object["kind"] = workload.kind().into();
                assert_eq!(judged(&object), Ok(!host_pid), "{workload}");
            }
        }
    }

    #[test]
    fn what_would_be_judged_as_something_else_is_an_error() {
        let problem = |object: Value| judged(&object).unwrap_err();
        assert_eq!(
            problem(json!({"apiVersion": "v1", "kind": "Deployment", "spec": {"containers": []}})),
            "pod: Deployment is no kind of \"v1\", its group is \"apps\""
        );
        assert_eq!(
            problem(json!({"kind": "Deployment", "spec": {"hostPID": true, "containers": []}})),
            "pod: this Deployment has no spec.template"
        );
        assert!(
            problem(json!({"spec": {"template": {"spec": {}}}}))
                .starts_with("pod.spec.template: a pod has no such field")
        );
        assert!(
            problem(json!({"kind": "pod"}))
                .starts_with("pod: \"pod\" is no kind that carries pods; these do: Pod, ")
        );
        assert!(problem(json!({"Spec": {}})).starts_with("pod: unknown field \"Spec\""));
        assert_eq!(problem(json!({"kind": 1})), "pod.kind: expected a string, found 1");
        assert_eq!(problem(json!({"apiVersion": "apps/v1"})), "pod: apiVersion without a kind");
        assert_eq!(
            problem(json!({"kind": "Job", "spec": {"template": {"spec": {"hostPID": "yes"}}}})),
            "pod.spec.template.spec.hostPID: expected a boolean, found the string \"yes\""
        );
    }

    #[test]
    fn a_misspelt_key_of_the_line_is_an_error() {
        let line = br#"{"level": "baseline", "versoin": "v1.30", "pod": {}}"#;
        let problem = Question::read(line).err().unwrap();
        assert_eq!(
            problem,
            "unknown field `versoin`, expected one of `level`, `version`, `pod` at column 31"
        );
    }
}
