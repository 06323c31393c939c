//! What a conversion webhook is asked, and what is taken of its answer.

use podsec_apimachinery::field::{Path, aggregate};
use podsec_apimachinery::quote::quoted;
use serde_json::{Map, Value, json};

use crate::metadata;
use crate::object::Fields;

/// One question: an object of one version, to be converted into another.
#[derive(Clone, Copy, Debug)]
pub struct ConversionReview<'a> {
    /// The form of the review, `v1` or `v1beta1`.
    pub version: &'a str,
    /// Tells this question from others.
    pub uid: &'a str,
    /// Group and version that are wanted.
    pub to: &'a str,
}

impl ConversionReview<'_> {
    fn api_version(&self) -> String {
        format!("apiextensions.k8s.io/{}", self.version)
    }

    /// What is sent about an object.
    pub fn request(&self, object: &Value) -> Value {
        json!({
            "kind": "ConversionReview", "apiVersion": self.api_version(),
            "request": {"uid": self.uid, "desiredAPIVersion": self.to, "objects": [object]},
            "response": {"uid": "", "convertedObjects": null, "result": {"metadata": {}}},
        })
    }

    /// The converted objects in the body of an answer. As in Kubernetes, only an answer in `v1` must say what it answers.
    ///
    /// # Errors
    /// What is wrong with it, in Kubernetes' words.
    pub fn read(&self, body: &[u8]) -> Result<Vec<Value>, String> {
        let object = parse(body)?;
        if object.text("kind") == "Status" && object.text("apiVersion") == "v1" {
            return Err(object.text("message").to_owned());
        }
        let (is_verified, review_version) = (self.version == "v1", self.api_version());
        let (version, kind) = (object.text("apiVersion"), object.text("kind"));
        if is_verified && (version, kind) != (&*review_version, "ConversionReview") {
            return Err(format!(
                "expected webhook response of {review_version}, Kind=ConversionReview, got {version}, Kind={kind}"
            ));
        }
        let response = object.at("response");
        if !response.is_object() {
            return Err("no response provided".to_owned());
        }
        if is_verified && response.text("uid") != self.uid {
            let (expected, got) = (quoted(self.uid), quoted(response.text("uid")));
            return Err(format!("expected response.uid={expected}, got {got}"));
        }
        let result = response.at("result");
        if result.text("status") != "Success" {
            let message = result.text("message");
            return Err(if message.is_empty() {
                format!("response.result.status was '{}', not 'Success'", result.text("status"))
            } else {
                message.to_owned()
            });
        }
        Ok(response.list("convertedObjects").to_vec())
    }
}

/// An answer is JSON, or YAML, as everything that Kubernetes decodes.
fn parse(body: &[u8]) -> Result<Value, String> {
    let what = "couldn't get version/kind; json parse error: ";
    let parsed = match serde_json::from_slice::<Value>(body) {
        Ok(value) => value,
        // A scalar of YAML is a text here, which no review is.
        Err(_) if body.len() < 1024 && !body.contains(&b':') => Value::String(String::new()),
        Err(error) => return Err(format!("{what}{error}")),
    };
    let kind = match &parsed {
        Value::Object(_) => return Ok(parsed),
        Value::Null => return Ok(Value::Object(Map::new())),
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Number(_) => "number",
        Value::Bool(_) => "bool",
    };
    Err(format!(
        "{what}json: cannot unmarshal {kind} into Go value of type struct {{ APIVersion string \
         \"json:\\\"apiVersion,omitempty\\\"\"; Kind string \"json:\\\"kind,omitempty\\\"\" }}"
    ))
}

/// Takes the one object of an answer, if it is what was asked for: it may differ in its content, its labels and its
/// annotations, and has the rest of its metadata from `original`.
///
/// # Errors
/// What is wrong with it, in Kubernetes' words.
pub fn accept(original: &Value, mut objects: Vec<Value>, to: &str) -> Result<Value, String> {
    let count = objects.len();
    let Some(converted) = objects.pop().filter(|_| count == 1) else {
        return Err(format!("returned {count} objects, expected 1"));
    };
    let invalid = |why: String| format!("returned invalid object at index 0: {why}");
    let (version, kind) = (converted.text("apiVersion"), converted.text("kind"));
    if version != to {
        return Err(invalid(format!("invalid groupVersion (expected {to}, received {version})")));
    }
    if kind != original.text("kind") {
        return Err(invalid(format!("invalid kind (expected {}, received {kind})", original.text("kind"))));
    }
    for (field, word) in [("name", "name"), ("namespace", "namespace"), ("uid", "UID")] {
        let (own, other) = (original.at("metadata").text(field), converted.at("metadata").text(field));
        if own != other {
            return Err(format!("returned invalid object: must have the same {word}: {own} != {other}"));
        }
    }
    restore(original, converted).map_err(|why| format!("returned invalid metadata: {why}"))
}

/// The converted object with the metadata of the original, but for labels and annotations.
fn restore(original: &Value, mut converted: Value) -> Result<Value, String> {
    let answered = converted.as_object_mut().and_then(|fields| fields.remove("metadata"));
    let answered = answered.ok_or("missing metadata in converted object")?;
    let mut metadata = original.at("metadata").as_object().cloned().unwrap_or_default();
    for field in ["labels", "annotations"] {
        let texts = match answered.field(field) {
            None | Some(Value::Null) => {
                metadata.remove(field);
                continue;
            }
            Some(Value::Object(texts)) => texts,
            Some(_) => return Err(format!("invalid metadata.{field} of another type in converted object")),
        };
        if let Some((name, _)) = texts.iter().find(|(_, value)| !value.is_string()) {
            return Err(format!("metadata.{field}[{name}] must be a string in converted object"));
        }
        let texts = Value::Object(texts.clone());
        if metadata.get(field) != Some(&texts) {
            let own = json!({field: texts});
            let errors = match field {
                "labels" => metadata::labels(&own, &Path::new("metadata").child("labels")),
                // So spelt in Kubernetes.
                _ => metadata::annotations(&own, &Path::new("metadata").child("annotation")),
            };
            if !errors.is_empty() {
                return Err(aggregate(&errors));
            }
        }
        metadata.insert(field.to_owned(), texts);
    }
    if let Some(fields) = converted.as_object_mut() {
        fields.insert("metadata".to_owned(), metadata.into());
    }
    Ok(converted)
}

#[cfg(test)]
mod tests {
    use super::*;

    const REVIEW: ConversionReview<'_> = ConversionReview { version: "v1", uid: "1", to: "example.com/v2" };

    fn read(response: &Value) -> Result<Vec<Value>, String> {
        let answer = json!({"kind": "ConversionReview", "apiVersion": "apiextensions.k8s.io/v1", "response": response});
        REVIEW.read(&serde_json::to_vec(&answer).unwrap())
    }

    #[test]
    fn an_answer_says_what_it_answers_and_that_it_went_well() {
        let objects = json!([{"kind": "Widget"}]);
        let success = json!({"uid": "1", "result": {"status": "Success"}, "convertedObjects": objects});
        assert_eq!(read(&success).unwrap(), [json!({"kind": "Widget"})]);
        let refused = |response: Value| read(&response).unwrap_err();
        assert_eq!(refused(json!({"uid": "2"})), r#"expected response.uid="1", got "2""#);
        assert_eq!(
            refused(json!({"uid": "1", "result": {"status": "Failure", "message": "cannot"}})),
            "cannot"
        );
        assert_eq!(refused(json!({"uid": "1"})), "response.result.status was '', not 'Success'");
        assert_eq!(refused(Value::Null), "no response provided");
        assert_eq!(
            REVIEW.read(br#"{"kind": "Other", "apiVersion": "v1"}"#).unwrap_err(),
            "expected webhook response of apiextensions.k8s.io/v1, Kind=ConversionReview, got v1, Kind=Other"
        );
        assert!(REVIEW.read(b"hello").unwrap_err().contains("json: cannot unmarshal string into Go value"));
    }

    #[test]
    fn a_converted_object_is_the_same_object() {
        let metadata =
            json!({"name": "a", "namespace": "n", "uid": "u", "generation": 3, "labels": {"l": "1"}});
        let original = json!({"apiVersion": "example.com/v1", "kind": "Widget", "metadata": metadata});
        let accepted = |change: &dyn Fn(&mut Value)| {
            let mut object = original.clone();
            object["apiVersion"] = REVIEW.to.into();
            change(&mut object);
            accept(&original, vec![object], REVIEW.to)
        };
        let taken = accepted(&|object| {
            object["metadata"] = json!({
                "name": "a", "namespace": "n", "uid": "u", "annotations": {"x": "y"}, "generation": 9,
            });
        });
        let metadata = &taken.unwrap()["metadata"];
        assert_eq!(
            metadata,
            &json!({
                "name": "a", "namespace": "n", "uid": "u", "generation": 3, "annotations": {"x": "y"},
            })
        );
        for (pointer, value, why) in [
            ("/metadata/name", "b", "returned invalid object: must have the same name: a != b"),
            ("/metadata/uid", "v", "returned invalid object: must have the same UID: u != v"),
            ("/kind", "B", "returned invalid object at index 0: invalid kind (expected Widget, received B)"),
            (
                "/apiVersion",
                "x/v1",
                "returned invalid object at index 0: invalid groupVersion (expected example.com/v2, received x/v1)",
            ),
        ] {
            let refused = accepted(&|object| *object.pointer_mut(pointer).unwrap() = value.into());
            assert_eq!(refused.unwrap_err(), why);
        }
        let labels =
            accepted(&|object| object["metadata"]["labels"] = json!({"l": "not a label"})).unwrap_err();
        assert!(
            labels.starts_with("returned invalid metadata: metadata.labels: Invalid value: "),
            "{labels}"
        );
        assert_eq!(accept(&original, Vec::new(), REVIEW.to).unwrap_err(), "returned 0 objects, expected 1");
    }
}
