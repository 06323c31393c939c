//! `podsec cel`: expressions on JSON Lines, for any language and for comparing engines.

mod encode;
mod example_authorizer;

use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::Context as _;
use clap::Args;
use podsec_cel::authorizer::{Authorizer, Check, Resource};
use podsec_cel::{Budget, Environment, Error, Opaque, Value, kubernetes, limits};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

/// Evaluates Kubernetes' CEL expressions: one JSON object a line in, one answer a line out, in order.
///
/// In: `{"expr": "object.spec.replicas <= 3", "vars": {"object": {…}}, "mode": "vap"}`. The mode says what an expression may
/// use: `vap` is a ValidatingAdmissionPolicy (object, oldObject, params, request, namespaceObject, authorizer), `map` a
/// MutatingAdmissionPolicy (also Object and JSONPatch), `crd` a rule of a CustomResourceDefinition (self, oldSelf, of any
/// type). Variables that are left out are null. An `id` is repeated in the answer.
///
/// Out: `{"value": …}`, or `{"error": …}` when the evaluation failed, or `{"compileError": …}` when the API server would
/// refuse the expression; with `cost` in Kubernetes' units. Values that JSON has no form for are objects with one key, as
/// in `{"$duration": "1.5s"}`.
///
/// Questions to `authorizer` are answered by an example: pods may be read, `/healthz` may be asked, the service account
/// `builder` in `default` may read secrets, `forbidden` is denied, `broken` fails, and nobody has an opinion on the rest.
///
/// Exits with 0 when every line could be read, and with 2 when one could not.
#[derive(Debug, Args)]
pub(crate) struct Arguments {}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    #[serde(default)]
    id: Option<Json>,
    expr: String,
    #[serde(default)]
    vars: Map<String, Json>,
    #[serde(default)]
    mode: Mode,
}

/// What an expression may use.
#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Mode {
    #[default]
    Vap,
    Map,
    Crd,
}

/// Evaluates the lines of standard input until it ends.
pub(crate) fn run(_: &Arguments) -> anyhow::Result<ExitCode> {
    let environments = Environments {
        vap: kubernetes::validating_policy(true, true),
        map: kubernetes::mutating_policy(true, true),
        crd: kubernetes::untyped_rule(),
    };
    let mut output = io::stdout().lock();
    let mut all_read = true;
    for line in io::stdin().lock().lines() {
        let line = line.context("cannot read standard input")?;
        if line.trim().is_empty() {
            continue;
        }
        let answer = match serde_json::from_str::<Line>(&line) {
            Ok(line) => environments.answer(&line),
            Err(error) => {
                all_read = false;
                json!({ "inputError": error.to_string() })
            }
        };
        match writeln!(output, "{answer}").and_then(|()| output.flush()) {
            // Whoever reads has seen enough, as `head` has.
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => break,
            written => written.context("cannot write the answers")?,
        }
    }
    Ok(if all_read { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

struct Environments {
    vap: Environment,
    map: Environment,
    crd: Environment,
}

impl Environments {
    fn answer(&self, line: &Line) -> Json {
        let (environment, names): (_, &[&str]) = match line.mode {
            Mode::Vap => (&self.vap, &POLICY),
            Mode::Map => (&self.map, &POLICY),
            Mode::Crd => (&self.crd, &["self", "oldSelf"]),
        };
        let mut answer = Map::new();
        if let Some(id) = &line.id {
            answer.insert("id".to_owned(), id.clone());
        }
        match environment.compile(&line.expr) {
            Err(error) => {
                answer.insert("compileError".to_owned(), error.message.into());
            }
            Ok(program) => {
                let estimate = program.estimate(&());
                let mut budget = Budget::new(limits::PER_CALL);
                let outcome = program.evaluate(&variables(line, names), &mut budget);
                match outcome {
                    Ok(value) => answer.insert("value".to_owned(), encode::json(&value)),
                    Err(Error::CostExceeded) => {
                        answer.insert("error".to_owned(), Error::CostExceeded.to_string().into())
                    }
                    Err(error) => answer.insert("error".to_owned(), error.to_string().into()),
                };
                answer.insert("cost".to_owned(), budget.spent().into());
                answer.insert("staticType".to_owned(), program.result_type().to_string().into());
                answer.insert("estimate".to_owned(), json!({ "min": estimate.min, "max": estimate.max }));
            }
        }
        Json::Object(answer)
    }
}

const POLICY: [&str; 5] = ["object", "oldObject", "params", "request", "namespaceObject"];

fn variables(line: &Line, names: &[&str]) -> BTreeMap<String, Value> {
    let mut variables: BTreeMap<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), line.vars.get(*name).map_or(Value::Null, Value::from_json)))
        .collect();
    if !matches!(line.mode, Mode::Crd) {
        let authorizer: Arc<dyn Authorizer> = Arc::new(example_authorizer::Example);
        let request = line.vars.get("request").cloned().unwrap_or_default();
        let text =
            |pointer: &str| request.pointer(pointer).and_then(Json::as_str).unwrap_or_default().to_owned();
        let resource = Resource {
            group: text("/resource/group"),
            resource: text("/resource/resource"),
            subresource: text("/subResource"),
            namespace: text("/namespace"),
            name: text("/name"),
            ..Resource::default()
        };
        let mut add = |name: &str, check: Check| {
            variables.insert(name.to_owned(), Value::Opaque(Arc::new(Opaque::Check(check))));
        };
        add("authorizer", Check::of_user(Arc::clone(&authorizer)));
        add("authorizer.requestResource", Check::of_resource(authorizer, resource));
    }
    variables
}
