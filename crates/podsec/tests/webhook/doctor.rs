//! `podsec webhook doctor` examines a real webhook that a real API server asks, and then one broken part after the other.

use std::process::{Command, Output};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use kube::client::Body;
use podsec_testing::own_address::own_address;
use serde_json::{Value, json};

use crate::authority::Authority;
use crate::process::{Stage, Webhook};

/// A cluster in which the webhook alone knows Pod Security, installed as `podsec webhook manifests` says.
struct Installed {
    stage: Stage,
    cluster: kube::Client,
    webhook: Webhook,
}

impl Installed {
    async fn start() -> Self {
        let stage = Stage::with(&["--disable-admission-plugins", "PodSecurity"]);
        let cluster = stage.cluster().await;
        let manifests = Command::new(env!("CARGO_BIN_EXE_podsec"))
            .args(["webhook", "manifests", "--image", "podsec"])
            .output()
            .unwrap();
        let manifests = String::from_utf8(manifests.stdout).unwrap();
        // Last what is to be answered, when somebody is there to answer.
        let mut registration = Value::Null;
        for document in manifests.split("---\n") {
            let object = podsec_yaml::to_json_strict(document).unwrap();
            let path = match object["kind"].as_str().unwrap() {
                "Namespace" => "/api/v1/namespaces",
                "Service" => "/api/v1/namespaces/podsec-system/services",
                "PodDisruptionBudget" => "/apis/policy/v1/namespaces/podsec-system/poddisruptionbudgets",
                "ValidatingWebhookConfiguration" => {
                    registration = object;
                    continue;
                }
                _ => continue,
            };
            send(&cluster, "POST", path, &object).await;
        }
        send(&cluster, "POST", CONFIGURATIONS, &registration).await;
        let address = own_address().to_string();
        let webhook = stage.start(&["--bind-address", &address, "--secure-port", "0", "--self-signed"]).await;
        let slice = json!({
            "apiVersion": "discovery.k8s.io/v1",
            "kind": "EndpointSlice",
            "metadata": {
                "name": "podsec-webhook-1",
                "namespace": "podsec-system",
                "labels": {"kubernetes.io/service-name": "podsec-webhook"},
            },
            "addressType": "IPv4",
            "ports": [{"name": "https", "protocol": "TCP", "port": webhook.address.port()}],
            "endpoints": [{"addresses": [address], "conditions": {"ready": true}, "nodeName": "one"}],
        });
        send(&cluster, "POST", "/apis/discovery.k8s.io/v1/namespaces/podsec-system/endpointslices", &slice)
            .await;
        let strict = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {
            "name": "strict", "labels": {"pod-security.kubernetes.io/enforce": "restricted"}}});
        send(&cluster, "POST", "/api/v1/namespaces", &strict).await;
        Self { stage, cluster, webhook }
    }

    fn doctor(&self, arguments: &[&str]) -> Output {
        let mut doctor = Command::new(env!("CARGO_BIN_EXE_podsec"));
        // The address of the Service leads nowhere.
        let address = self.webhook.address.to_string();
        doctor.args(["webhook", "doctor", "--webhook-address", &address, "--kubeconfig"]);
        doctor.arg(self.stage.server.kubeconfig()).args(arguments).output().unwrap()
    }

    /// What is printed for people, with the address and times as words.
    fn told(&self) -> (Option<i32>, String) {
        let output = self.doctor(&[]);
        let text = String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap();
        let text = text.replace(&self.webhook.address.to_string(), "ADDRESS");
        let time = regex::Regex::new(r"\d{4}-\d\d-\d\dT[0-9:.]+Z").unwrap();
        (output.status.code(), time.replace_all(&text, "TIME").into_owned())
    }

    /// The lines that are not well, without what to do about them.
    fn complaints(&self) -> Vec<String> {
        let (_, text) = self.told();
        let lines = text.lines().filter(|line| line.starts_with("problem") || line.starts_with("warning"));
        lines.map(|line| line.split("; ").next().unwrap().to_owned()).collect()
    }
}

async fn send(cluster: &kube::Client, method: &str, path: &str, object: &Value) {
    let content_type = if method == "PATCH" { "application/json-patch+json" } else { "application/json" };
    let request = http::Request::builder().method(method).uri(path).header("content-type", content_type);
    let response =
        cluster.send(request.body(Body::from(object.to_string().into_bytes())).unwrap()).await.unwrap();
    assert!(response.status().is_success(), "{method} {path}: {}", response.status());
}

const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_doctor_finds_a_real_webhook_well_and_then_what_is_broken() {
    let mut installed = Installed::start().await;
    let hooks = "pods.podsec.internal, namespaces.podsec.internal, workloads.podsec.internal";
    let (code, text) = installed.told();
    let expected = format!(
        "\
ok       registered  the ValidatingWebhookConfiguration podsec-webhook has {hooks}
ok       kinds       asked about pods, pods/ephemeralcontainers, namespaces, podtemplates, replicationcontrollers, daemonsets.apps, deployments.apps, replicasets.apps, statefulsets.apps, cronjobs.batch, jobs.batch
ok       namespaces  {hooks}: asked about 4 of 6 namespaces, and on purpose not about kube-system, podsec-system
ok       reachable   a pod that satisfies restricted was let into default (a dry run), which takes an answer of the webhook
ok       reachable   a pod with hostPID in strict was refused: admission webhook \"pods.podsec.internal\" denied the request: pods \"podsec-doctor\" is forbidden: violates PodSecurity \"restricted:latest\": host namespaces (hostPID=true)
ok       reachable   a namespace with a wrong label was refused: admission webhook \"namespaces.podsec.internal\" denied the request: Namespace \"podsec-doctor\" is invalid: metadata.labels[pod-security.kubernetes.io/enforce]: Invalid value: \"no-level\": must be one of privileged, baseline, restricted
ok       trusted     the caBundle of pods.podsec.internal signs the certificate of podsec-webhook.podsec-system.svc (shown at ADDRESS) until TIME
ok       outage      while the webhook does not answer, pods are refused (pods.podsec.internal: failurePolicy Fail, after 5 seconds)
ok       outage      it cannot keep itself from starting: podsec-system is left out
warning  outage      one replica behind the Service podsec-webhook is ready; run two: nobody answers while it is moved to another node
ok       outage      the PodDisruptionBudget podsec-webhook guards the replicas

0 problems, 1 warning
"
    );
    assert_eq!((code, text), (Some(0), expected));

    let json: Value = serde_json::from_slice(&installed.doctor(&["--output", "json"]).stdout).unwrap();
    assert_eq!(json["configuration"], "podsec-webhook");
    assert_eq!(json["findings"][6]["topic"], "trusted");
    assert_eq!(json["findings"][6]["status"], "ok");

    let replica = "warning  outage      one replica behind the Service podsec-webhook is ready";
    let path = format!("{CONFIGURATIONS}/podsec-webhook");
    let stranger = json!(STANDARD.encode(Authority::new().pem()));
    let replace = |place: &str, value: &Value| json!([{"op": "replace", "path": place, "value": value}]);
    send(&installed.cluster, "PATCH", &path, &replace("/webhooks/0/clientConfig/caBundle", &stranger)).await;
    let untrusted = installed.complaints();
    assert!(untrusted[0].contains("failed calling webhook \"pods.podsec.internal\""), "{untrusted:?}");
    assert!(untrusted[0].contains("x509: "), "{untrusted:?}");
    assert_eq!(
        untrusted[1..],
        [
            "problem  trusted     the caBundle of pods.podsec.internal has not signed the certificate of \
             podsec-webhook.podsec-system.svc (shown at ADDRESS)",
            replica,
        ]
    );

    installed.webhook.kill();
    let down = installed.complaints();
    assert!(down[0].contains("failed calling webhook \"pods.podsec.internal\""), "{down:?}");
    assert!(down[1].starts_with("problem  reachable   ADDRESS shows no certificate: "), "{down:?}");

    send(&installed.cluster, "DELETE", &path, &json!({})).await;
    let (code, text) = installed.told();
    assert_eq!(
        (code, text.as_str()),
        (
            Some(1),
            "problem  registered  there is no ValidatingWebhookConfiguration podsec-webhook; install it: podsec webhook \
             manifests --image IMAGE | kubectl apply -f -\n\n1 problem, 0 warnings\n"
        )
    );

    let output = installed.doctor(&["--context", "nowhere"]);
    assert_eq!(output.status.code(), Some(2));
    let error = String::from_utf8(output.stderr).unwrap();
    assert!(error.starts_with("podsec: the kubeconfig cannot be used: "), "{error}");
}
