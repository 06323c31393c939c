//! What `podsec webhook manifests` prints, applied by kubectl to an API server that knows the fields of every kind.

use std::env;
use std::fs;
use std::path::PathBuf;
use std::process::Command;

use crate::server::Server;

#[test]
#[ignore = "needs kubectl 1.37: make test"]
fn the_manifests_are_applied_without_a_warning_and_again_without_a_change() {
    let kubectl: PathBuf = env::var_os("KUBECTL_PINNED").expect("KUBECTL_PINNED names a kubectl 1.37").into();
    let server = Server::start(&[]);
    let manifests = Command::new(env!("CARGO_BIN_EXE_podsec"))
        .args(["webhook", "manifests", "--image", "registry.example.com/podsec:0.1.0"])
        .output()
        .unwrap();
    fs::write(server.folder().join("manifests.yaml"), manifests.stdout).unwrap();
    let applied = || {
        let output = Command::new(&kubectl)
            .args(["apply", "--validate=strict", "--filename", "manifests.yaml", "--kubeconfig"])
            .arg(server.kubeconfig())
            .current_dir(server.folder())
            .output()
            .unwrap();
        // A field that no kind has, and a pod that its own namespace refuses, would be told of here.
        assert_eq!(String::from_utf8(output.stderr).unwrap(), "");
        String::from_utf8(output.stdout).unwrap()
    };
    let expected = [
        "namespace/podsec-system",
        "serviceaccount/podsec-webhook",
        "clusterrole.rbac.authorization.k8s.io/podsec-webhook",
        "clusterrolebinding.rbac.authorization.k8s.io/podsec-webhook",
        "role.rbac.authorization.k8s.io/podsec-webhook",
        "rolebinding.rbac.authorization.k8s.io/podsec-webhook",
        "configmap/podsec-webhook",
        "service/podsec-webhook",
        "deployment.apps/podsec-webhook",
        "poddisruptionbudget.policy/podsec-webhook",
        "networkpolicy.networking.k8s.io/podsec-webhook",
        "validatingwebhookconfiguration.admissionregistration.k8s.io/podsec-webhook",
    ];
    assert_eq!(applied(), expected.map(|name| format!("{name} created\n")).concat());
    let again = expected.map(|name| {
        // kubectl sends the selector of a budget anew each time, whose patch strategy is to replace it.
        let became = if name.starts_with("poddisruptionbudget") { "configured" } else { "unchanged" };
        format!("{name} {became}\n")
    });
    assert_eq!(applied(), again.concat());
}
