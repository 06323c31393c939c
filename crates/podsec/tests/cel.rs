//! `podsec cel` on what Kubernetes 1.36 answered: values, errors, refusals, costs and estimates.

use std::collections::BTreeMap;
use std::io::Write;
use std::process::{Command, Stdio};

use podsec_testing::recorded;
use serde_json::{Map, Value, json};

/// The answers of `podsec cel` to all lines, in order.
fn answers(lines: &str) -> Vec<Value> {
    let mut process = Command::new(env!("CARGO_BIN_EXE_podsec"))
        .arg("cel")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("podsec starts");
    let mut input = process.stdin.take().expect("its input is a pipe");
    let lines = lines.to_owned();
    let writer = std::thread::spawn(move || input.write_all(lines.as_bytes()));
    let output = process.wait_with_output().expect("podsec ends");
    writer.join().expect("the writer ends").expect("podsec reads all lines");
    assert!(output.status.success());
    let answers = String::from_utf8(output.stdout).expect("JSON is UTF-8");
    answers.lines().map(|line| serde_json::from_str(line).expect("an answer is JSON")).collect()
}

#[test]
fn expressions_yield_fail_and_cost_what_they_do_in_kubernetes() {
    let text = recorded::text("cel/expressions.jsonl");
    let recorded: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let mut lines = String::new();
    for case in &recorded {
        let member = |name: &str| case.get(name).cloned().unwrap_or(json!({}));
        let line = json!({ "expr": case["expr"], "mode": case["mode"], "vars": member("vars") });
        lines += &line.to_string();
        lines.push('\n');
    }
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    let mut different = Map::new();
    for (case, answer) in recorded.iter().zip(answers(&lines)) {
        let mut count = |what: &'static str, same: bool| {
            let (right, all) = counts.entry(what).or_default();
            *right += usize::from(same);
            *all += 1;
        };
        // Where the order of a map decides, Kubernetes itself answers differently from run to run.
        if case.get("nondeterministic").is_some() {
            continue;
        }
        let same = if case["compiles"] == json!(false) {
            answer.get("compileError").is_some()
        } else if let Some(value) = case.get("value") {
            answer.get("value") == Some(value)
        } else {
            answer.get("error").is_some()
        };
        count("outcome", same);
        if !same {
            different.insert(case["id"].to_string(), answer.clone());
        }
        if case.get("cost").is_some() && same {
            count("cost", answer.get("cost") == case.get("cost"));
            count("estimate", answer.get("estimate") == case.get("estimate"));
            count("type", answer.get("staticType") == case.get("staticType"));
        }
    }
    let share = |what: &str| {
        let (right, all) = counts[what];
        right * 1000 / all
    };
    assert!(share("outcome") >= 990, "{different:#?}");
    assert!(share("cost") >= 999);
    assert!(share("estimate") >= 999);
    assert!(share("type") >= 999);
}
