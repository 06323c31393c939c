//! Policy files: what kube-apiserver accepts, and its words for what it refuses.

#![expect(clippy::unwrap_used, reason = "a test may fail where it stands")]

use std::path::Path;

use podsec_audit::Policy;
use proptest::prelude::*;

fn refusal(text: &str) -> String {
    Policy::parse(text.as_bytes(), Path::new("/p.yaml")).unwrap_err().to_string()
}

/// The refusal of a policy whose body follows its type, without the file's name.
fn invalid(body: &str) -> String {
    let refusal = refusal(&format!("apiVersion: audit.k8s.io/v1\nkind: Policy\n{body}\n"));
    refusal.strip_suffix(": from file /p.yaml").unwrap().to_owned()
}

#[test]
fn what_is_no_policy_is_refused() {
    assert_eq!(Policy::load(Path::new("")).unwrap_err().to_string(), "file path not specified");
    assert_eq!(
        Policy::load(Path::new("/nope")).unwrap_err().to_string(),
        r#"failed to read file path "/nope": open /nope: no such file or directory"#
    );
    assert_eq!(
        refusal("kind: Policy\napiVersion: audit.k8s.io/v1beta1\n"),
        "failed decoding: no kind \"Policy\" is registered for version \"audit.k8s.io/v1beta1\" in scheme \
         \"k8s.io/apiserver/pkg/audit/scheme.go:30\": from file /p.yaml"
    );
    assert_eq!(
        refusal("kind: Event\napiVersion: audit.k8s.io/v1\n"),
        "failed decoding: converting (v1.Event) to (audit.Policy): unknown conversion: from file /p.yaml"
    );
    let unknown =
        "unknown group version field audit.k8s.io/__internal, Kind=Policy in policy: from file /p.yaml";
    for text in [
        "kind: Policy\n",
        "",
        "# nothing\n",
        "apiVersion: audit.k8s.io/__internal\nkind: Policy\n",
        "rules: []",
    ] {
        assert_eq!(refusal(text), unknown, "{text:?}");
    }
    assert!(refusal("a: [").starts_with("failed decoding: yaml: line 1: "), "{}", refusal("a: ["));
    assert!(refusal("- a").contains("cannot unmarshal array into Go value"), "{}", refusal("- a"));
}

#[test]
fn wrong_types_are_refused_in_go_s_words() {
    let mismatch = "failed decoding: json: cannot unmarshal";
    for (body, words) in [
        ("rules: [{level: 1}]", "number into Go struct field PolicyRule.rules.level of type v1.Level"),
        ("rules: [{users: bob}]", "string into Go struct field PolicyRule.rules.users of type []string"),
        ("rules: [{users: [yes]}]", "bool into Go struct field PolicyRule.rules.users of type string"),
        ("rules: 5", "number into Go struct field Policy.rules of type []v1.PolicyRule"),
        ("rules: [x]", "string into Go struct field Policy.rules of type v1.PolicyRule"),
        ("omitStages: {}", "object into Go struct field Policy.omitStages of type []v1.Stage"),
        (
            "rules: [{resources: [{group: []}]}]",
            "array into Go struct field GroupResources.rules.resources.group of type string",
        ),
        (
            "rules: [{omitManagedFields: 'true'}]",
            "string into Go struct field PolicyRule.rules.omitManagedFields of type bool",
        ),
    ] {
        assert_eq!(invalid(body), format!("{mismatch} {words}"), "{body}");
    }
}

#[test]
fn what_a_policy_may_not_say_is_refused_in_kubernetes_words() {
    let subdomain = "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and \
                     must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation \
                     is '[a-z0-9]([-a-z0-9]*[a-z0-9])?(\\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*')";
    for (body, words) in [
        ("", "loaded illegal policy with 0 rules".to_owned()),
        ("Rules: [{level: None}]", "loaded illegal policy with 0 rules".to_owned()),
        ("rules: [{}]", "rules[0].level: Required value".to_owned()),
        ("rules: [null]", "rules[0].level: Required value".to_owned()),
        (
            "rules: [{level: metadata}]",
            r#"rules[0].level: Unsupported value: "metadata": supported values: "None", "Metadata", "Request", "RequestResponse""#
                .to_owned(),
        ),
        (
            "rules: [{level: None, omitStages: [Foo]}]",
            r#"rules[0].omitStages[0]: Invalid value: "Foo": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic"#
                .to_owned(),
        ),
        (
            "omitStages: [Panic, panic]",
            r#"omitStages[1]: Invalid value: "panic": allowed stages are RequestReceived,ResponseStarted,ResponseComplete,Panic"#
                .to_owned(),
        ),
        (
            "rules: [{level: None, nonResourceURLs: [healthz]}]",
            r#"rules[0].nonResourceURLs[0]: Invalid value: "healthz": non-resource URL rules must begin with a '/' character"#
                .to_owned(),
        ),
        (
            "rules: [{level: None, nonResourceURLs: [/a, '/a*b', '']}]",
            r#"[rules[0].nonResourceURLs[1]: Invalid value: "/a*b": non-resource URL wildcards '*' must be the final character of the rule, rules[0].nonResourceURLs[2]: Invalid value: "": non-resource URL rules must begin with a '/' character]"#
                .to_owned(),
        ),
        (
            "rules: [{level: None, nonResourceURLs: ['**']}]",
            r#"[rules[0].nonResourceURLs[0]: Invalid value: "**": non-resource URL rules must begin with a '/' character, rules[0].nonResourceURLs[0]: Invalid value: "**": non-resource URL wildcards '*' must be the final character of the rule]"#
                .to_owned(),
        ),
        (
            "rules: [{level: None, nonResourceURLs: [/x], namespaces: [a]}]",
            r#"rules[0].nonResourceURLs: Invalid value: ["/x"]: rules cannot apply to both regular resources and non-resource URLs"#
                .to_owned(),
        ),
        (
            "rules: [{level: None, resources: [{group: Apps}]}]",
            format!(r#"rules[0].resources.group: Invalid value: "Apps": {subdomain}"#),
        ),
        (
            "rules: [{level: None, resources: [{group: '*.io'}, {group: '*.io'}]}]",
            format!(r#"rules[0].resources.group: Invalid value: "*.io": {subdomain}"#),
        ),
        (
            "rules: [{level: None, resources: [{resourceNames: [x]}]}]",
            r#"rules[0].resources.resourceNames: Invalid value: ["x"]: using resourceNames requires at least one resource"#
                .to_owned(),
        ),
    ] {
        assert_eq!(invalid(body), words, "{body}");
    }
}

#[test]
fn policies_of_real_clusters_load() {
    let load = |text: &str| Policy::parse(text.as_bytes(), Path::new("p")).unwrap();
    for text in [
        "apiVersion: audit.k8s.io/v1\nkind: Policy\nmetadata: {name: x, creationTimestamp: null}\nrules:\n- level: None\n  \
         users: null\n  nonResourceURLs: ['*', /healthz*, /]\n- level: Metadata\n  namespaces: ['']\n  resources:\n  \
         - group: ''\n    resources: [pods/log, '*/status']\n    resourceNames: [a]\n---\n{{ not even YAML",
        r#"{"apiVersion": "audit.k8s.io/v1", "rules": [{"level": "RequestResponse"}]}"#,
    ] {
        assert_eq!(load(text).warning, None);
    }
    let odd = "apiVersion: audit.k8s.io/v1\nkind: Policy\nfoo: 1\nrules:\n- level: None\n  level: Metadata\n  bar: 2\n  \
               resources: [{baz: 3}]\n";
    assert_eq!(
        load(odd).warning.unwrap(),
        "Audit policy contains errors, falling back to lenient decoding: strict decoding error: yaml: unmarshal \
         errors:\n  line 6: key \"level\" already set in map, unknown field \"foo\", unknown field \"rules[0].bar\", \
         unknown field \"rules[0].resources[0].baz\""
    );
}

#[test]
fn the_file_is_named_in_what_went_wrong() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.yaml");
    std::fs::write(&path, "apiVersion: audit.k8s.io/v1\nkind: Policy\n").unwrap();
    let expected = format!("loaded illegal policy with 0 rules: from file {}", path.display());
    assert_eq!(Policy::load(&path).unwrap_err().to_string(), expected);
    let folder = folder.path();
    let expected = format!("failed to read file path \"{0}\": read {0}: is a directory", folder.display());
    assert_eq!(Policy::load(folder).unwrap_err().to_string(), expected);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_bytes_panic(bytes in prop::collection::vec(any::<u8>(), 0..200)) {
        let _ = Policy::parse(&bytes, Path::new("p"));
    }

    #[test]
    fn no_policy_panics(pieces in prop::collection::vec(piece(), 0..30)) {
        let text = format!("apiVersion: audit.k8s.io/v1\n{}", pieces.concat());
        match Policy::parse(text.as_bytes(), Path::new("p")) {
            Ok(_) => {}
            Err(error) => prop_assert!(error.to_string().ends_with(": from file p"), "{error}"),
        }
    }
}

fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "rules:\n",
        "- level: None\n",
        "- level: Request\n",
        "  users: [a]\n",
        "  verbs: [get, '*']\n",
        "  namespaces: ['']\n",
        "  resources:\n  - group: ''\n",
        "    resources: [pods, '*/x']\n",
        "    resourceNames: [a]\n",
        "  nonResourceURLs: [/a*]\n",
        "  omitStages: [Panic]\n",
        "omitStages: [x]\n",
        "omitManagedFields: yes\n",
        "kind: Policy\n",
        "  omitManagedFields: ~\n",
        "x: 1\n",
        "- 1\n",
        "- [\n",
    ])
}
