//! `podsec cel`: expressions on JSON Lines, for any language and for comparing engines.

mod encode;
mod example_authorizer;

use std::collections::BTreeMap;
use std::io;
use std::num::NonZeroUsize;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Args;
use podsec_cel::authorizer::{Authorizer, AuthorizerCheck, CheckedResource};
use podsec_cel::{Budget, Environment, Error, Opaque, Value, kubernetes, limits};
use serde::Deserialize;
use serde_json::{Map, Value as Json, json};

use super::json_lines::{self, Lines};

/// Evaluate CEL expressions given as JSON Lines on standard input.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The number of threads that evaluate; all processors when left out.
    #[arg(long, value_name = "COUNT")]
    threads: Option<NonZeroUsize>,
}

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
pub(crate) fn run(arguments: &Arguments) -> anyhow::Result<ExitCode> {
    let environments = Environments {
        vap: kubernetes::validating_policy(true, true),
        map: kubernetes::mutating_policy(true, true),
        crd: kubernetes::untyped_rule(),
    };
    let answer = |line: &[u8], written: &mut Vec<u8>| {
        let line = serde_json::from_slice::<Line>(line).map_err(|error| error.to_string())?;
        json_lines::write(written, &environments.answer(&line));
        Ok(())
    };
    let threads = arguments.threads.unwrap_or_else(json_lines::all_processors).get();
    let lines = Lines { answer: &answer, error_key: "inputError" };
    json_lines::run(io::stdin(), io::stdout().lock(), threads, &lines).map(ExitCode::from)
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
                answer.insert("compileError".to_owned(), error.to_string().into());
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
        let resource = CheckedResource {
            group: text("/resource/group"),
            resource: text("/resource/resource"),
            subresource: text("/subResource"),
            namespace: text("/namespace"),
            name: text("/name"),
            ..CheckedResource::default()
        };
        let mut add = |name: &str, check: AuthorizerCheck| {
            variables.insert(name.to_owned(), Value::Opaque(Arc::new(Opaque::Check(check))));
        };
        add("authorizer", AuthorizerCheck::of_user(Arc::clone(&authorizer)));
        add("authorizer.requestResource", AuthorizerCheck::of_resource(authorizer, resource));
    }
    variables
}
