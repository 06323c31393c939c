//! What `podsec webhook doctor` says of a webhook as it is installed, and of everything that may be wrong with one.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use podsec_webhook::Installation;
use podsec_webhook::cluster::client;
use podsec_webhook::doctor::{Examination, ExaminationError, Report, Status};
use podsec_webhook::tls::{ServingCertificate, TlsOptions, server_config};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::api_server::ApiServer;
use crate::authority::{Authority, Pair};

const CONFIGURATIONS: &str = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
const SERVICE: &str = "/api/v1/namespaces/podsec-system/services/podsec-webhook";
const SECRET: &str = "/api/v1/namespaces/podsec-system/secrets/podsec-webhook-tls";
const SLICES: &str = "/apis/discovery.k8s.io/v1/namespaces/podsec-system/endpointslices";
const BUDGETS: &str = "/apis/policy/v1/namespaces/podsec-system/poddisruptionbudgets";
const NAME: &str = "podsec-webhook.podsec-system.svc";

/// A cluster with the webhook as `podsec webhook manifests` installs it, all of it well.
struct Cluster {
    api_server: ApiServer,
    authority: Authority,
    port: u16,
}

impl Cluster {
    async fn healthy() -> Self {
        Self::showing(|authority| authority.issue_for(NAME, 2100)).await
    }

    /// A cluster whose webhook shows this certificate.
    async fn showing(certificate: impl FnOnce(&Authority) -> Pair) -> Self {
        let (api_server, authority) = (ApiServer::start().await, Authority::new());
        let port = present(&certificate(&authority)).await;
        let cluster = Self { api_server, authority, port };
        let manifests = Installation::default().manifests().unwrap();
        for document in manifests.split("---\n") {
            let object = podsec_yaml::to_json_strict(document).unwrap();
            match object["kind"].as_str().unwrap() {
                "ValidatingWebhookConfiguration" => cluster.register(object),
                "Service" => cluster.set(SERVICE, &["spec", "clusterIP"], object, json!("127.0.0.1")),
                "PodDisruptionBudget" => {
                    cluster.api_server.set_object(BUDGETS, json!({"metadata": {}, "items": [object]}));
                }
                _ => {}
            }
        }
        cluster.run_on(&["one", "two"]);
        let name = "kubernetes.io/metadata.name";
        for namespace in ["default", "kube-system", "podsec-system"] {
            cluster.api_server.set_namespace(namespace, &[(name, namespace)]);
        }
        let labels = [(name, "team"), ("pod-security.kubernetes.io/enforce", "baseline")];
        cluster.api_server.set_namespace("team", &labels);
        cluster.refuse(
            "namespaces/team/pods",
            403,
            "admission webhook \"pods.podsec.internal\" denied the request: no",
        );
        cluster.refuse(
            "namespaces",
            422,
            "admission webhook \"namespaces.podsec.internal\" denied the request: no",
        );
        cluster
    }

    fn set(&self, path: &str, place: &[&str], mut object: Value, value: Value) {
        let inner = place.iter().fold(&mut object, |object, name| &mut object[*name]);
        *inner = value;
        self.api_server.set_object(path, object);
    }

    /// Registers the webhook with the authority and the port of this cluster.
    fn register(&self, mut configuration: Value) {
        for webhook in configuration["webhooks"].as_array_mut().unwrap() {
            webhook["clientConfig"]["caBundle"] = STANDARD.encode(self.authority.pem()).into();
            webhook["clientConfig"]["service"]["port"] = self.port.into();
        }
        self.api_server.set_object(&format!("{CONFIGURATIONS}/podsec-webhook"), configuration);
    }

    /// Changes each webhook of the configuration.
    fn change(&self, change: impl Fn(&mut Value)) {
        let path = format!("{CONFIGURATIONS}/podsec-webhook");
        let mut configuration = self.api_server.object(&path).unwrap();
        configuration["webhooks"].as_array_mut().unwrap().iter_mut().for_each(change);
        self.api_server.set_object(&path, configuration);
    }

    /// Answers dry runs with an error.
    fn refuse(&self, resource: &str, code: u16, message: &str) {
        let status =
            json!({"kind": "Status", "status": "Failure", "message": message, "reason": "Any", "code": code});
        self.api_server.set_object(&format!("/api/v1/{resource}"), status);
    }

    /// Makes one replica ready on each of these nodes.
    fn run_on(&self, nodes: &[&str]) {
        let endpoints = nodes.iter().enumerate().map(|(index, node)| {
            json!({"addresses": [format!("10.0.0.{index}")], "conditions": {"ready": true}, "nodeName": node})
        });
        let slice =
            json!({"metadata": {}, "addressType": "IPv4", "endpoints": endpoints.collect::<Vec<_>>()});
        self.api_server.set_object(SLICES, json!({"metadata": {}, "items": [slice]}));
    }

    async fn examined(&self, change: impl FnOnce(&mut Examination)) -> Result<Report, ExaminationError> {
        let folder = tempfile::tempdir().unwrap();
        self.api_server.write_kubeconfig(&folder.path().join("kubeconfig"));
        let client = client(Some(&folder.path().join("kubeconfig"))).await.unwrap();
        let mut examination = Examination {
            configuration: "podsec-webhook".to_owned(),
            excluded_namespaces: vec!["kube-system".to_owned()],
            namespace: None,
            secret: "podsec-webhook-tls".to_owned(),
            address: Some(format!("127.0.0.1:{}", self.port)),
        };
        change(&mut examination);
        examination.run(&client).await
    }

    /// What is found, a line each, with the port written as PORT.
    async fn findings(&self) -> Vec<String> {
        let report = self.examined(|_| {}).await.unwrap();
        let lines = report.findings.iter().map(|finding| {
            let text = format!("{} {}: {}", finding.status.as_str(), finding.topic.as_str(), finding.message);
            text.replace(&self.port.to_string(), "PORT")
        });
        lines.collect()
    }

    /// What is found and is not well, by somebody who names no address.
    async fn complaints_without_address(&self) -> Vec<String> {
        let report = self.examined(|examination| examination.address = None).await.unwrap();
        let wrong = report.findings.iter().filter(|finding| finding.status != Status::Ok);
        wrong
            .map(|finding| {
                format!("{} {}: {}", finding.status.as_str(), finding.topic.as_str(), finding.message)
            })
            .collect()
    }

    /// What is found and is not well.
    async fn complaints(&self) -> Vec<String> {
        self.findings().await.into_iter().filter(|line| !line.starts_with("ok ")).collect()
    }
}

/// Shows a certificate to whoever calls; where.
async fn present(pair: &Pair) -> u16 {
    let certificate = ServingCertificate::from_pem(pair.certificate.as_bytes(), pair.key.as_bytes()).unwrap();
    let config = server_config(Arc::new(certificate), &TlsOptions::default(), None).unwrap();
    let listener = TcpListener::bind((IpAddr::V4(Ipv4Addr::LOCALHOST), 0)).await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let _ = acceptor.accept(stream).await;
        }
    });
    port
}

fn without(webhook: &mut Value, resource: &str) {
    for rule in webhook["rules"].as_array_mut().unwrap() {
        rule["resources"].as_array_mut().unwrap().retain(|known| known != resource);
    }
}

#[tokio::test]
async fn a_webhook_as_it_is_installed_is_well() {
    let hooks = "pods.podsec.internal, namespaces.podsec.internal, workloads.podsec.internal";
    assert_eq!(
        Cluster::healthy().await.findings().await,
        [
            format!("ok registered: the ValidatingWebhookConfiguration podsec-webhook has {hooks}"),
            "ok kinds: asked about pods, pods/ephemeralcontainers, namespaces, podtemplates, replicationcontrollers, \
             daemonsets.apps, deployments.apps, replicasets.apps, statefulsets.apps, cronjobs.batch, jobs.batch"
                .to_owned(),
            format!(
                "ok namespaces: {hooks}: asked about 2 of 4 namespaces, and on purpose not about kube-system, podsec-system"
            ),
            "ok reachable: a pod that satisfies restricted was let into default (a dry run), which takes an answer of \
             the webhook"
                .to_owned(),
            "ok reachable: a pod with hostPID in team was refused: admission webhook \"pods.podsec.internal\" denied \
             the request: no"
                .to_owned(),
            "ok reachable: a namespace with a wrong label was refused: admission webhook \
             \"namespaces.podsec.internal\" denied the request: no"
                .to_owned(),
            "ok trusted: the caBundle of pods.podsec.internal signs the certificate of \
             podsec-webhook.podsec-system.svc (shown at 127.0.0.1:PORT) until 2100-01-01T00:00:00Z"
                .to_owned(),
            "ok outage: while the webhook does not answer, pods are refused (pods.podsec.internal: failurePolicy \
             Fail, after 5 seconds)"
                .to_owned(),
            "ok outage: it cannot keep itself from starting: podsec-system is left out".to_owned(),
            "ok outage: 2 replicas behind the Service podsec-webhook are ready".to_owned(),
            "ok outage: the PodDisruptionBudget podsec-webhook guards the replicas".to_owned(),
        ]
    );
}

#[tokio::test]
async fn one_that_is_not_registered_is_missed_and_others_are_named() {
    let cluster = Cluster::healthy().await;
    let path = format!("{CONFIGURATIONS}/podsec-webhook");
    let mut other = cluster.api_server.object(&path).unwrap();
    other["metadata"]["name"] = "pod-security-webhook".into();
    cluster.api_server.remove_object(&path);
    cluster.api_server.set_object(CONFIGURATIONS, json!({"metadata": {}, "items": [other]}));
    let report = cluster.examined(|_| {}).await.unwrap();
    assert_eq!(report.count(Status::Problem), 1);
    let finding = &report.findings[0];
    assert_eq!(finding.message, "there is no ValidatingWebhookConfiguration podsec-webhook");
    let advice = finding.advice.as_deref().unwrap();
    assert!(advice.ends_with("those that are asked about pods are pod-security-webhook"), "{advice}");
}

#[tokio::test]
async fn an_authority_of_somebody_else_is_not_trusted() {
    let cluster = Cluster::showing(|_| Authority::new().issue_for(NAME, 2100)).await;
    let reason = "Internal error occurred: failed calling webhook \"pods.podsec.internal\": failed to call webhook: \
                  Post \"https://podsec-webhook.podsec-system.svc:443/?timeout=5s\": tls: failed to verify \
                  certificate: x509: certificate signed by unknown authority";
    cluster.refuse("namespaces/default/pods", 500, reason);
    let report = cluster.examined(|_| {}).await.unwrap();
    let problems: Vec<_> =
        report.findings.iter().filter(|finding| finding.status == Status::Problem).collect();
    assert_eq!(problems[0].message, reason);
    assert_eq!(
        problems[0].advice.as_deref().unwrap(),
        "the API server does not believe the certificate: see what is found about trust"
    );
    assert_eq!(
        problems[1].message.replace(&cluster.port.to_string(), "PORT"),
        "the caBundle of pods.podsec.internal has not signed the certificate of podsec-webhook.podsec-system.svc \
         (shown at 127.0.0.1:PORT)"
    );
    assert_eq!(problems.len(), 2);
}

#[tokio::test]
async fn nobody_is_called_whom_the_user_has_not_named_and_no_strangers_authority_is_recommended() {
    // The address of the Service leads to a stranger from here.
    let cluster = Cluster::showing(|_| Authority::new().issue_for(NAME, 2100)).await;
    let unnamed = cluster.examined(|examination| examination.address = None).await.unwrap();
    assert!(!unnamed.findings.iter().any(|finding| finding.message.contains("127.0.0.1")), "{unnamed:?}");
    let named = cluster.examined(|_| {}).await.unwrap();
    let problem = named.findings.iter().find(|finding| finding.status == Status::Problem).unwrap();
    let advice = problem.advice.as_deref().unwrap();
    assert!(advice.starts_with("whoever answers there may be somebody else: trust nothing"), "{advice}");
}

#[tokio::test]
async fn a_certificate_that_has_expired_or_is_for_another_name_is_told_of() {
    let expired = Cluster::showing(|authority| authority.issue_for(NAME, 2020)).await;
    assert_eq!(
        expired.complaints().await,
        [
            "problem trusted: the certificate of podsec-webhook.podsec-system.svc (shown at 127.0.0.1:PORT) has expired \
          at 2020-01-01T00:00:00Z"
        ]
    );
    let other = Cluster::showing(|authority| authority.issue_for("podsec-webhook", 2100)).await;
    assert_eq!(
        other.complaints().await,
        [
            "problem trusted: the certificate shown at 127.0.0.1:PORT is not for podsec-webhook.podsec-system.svc, which \
          the API server demands"
        ]
    );
}

#[tokio::test]
async fn without_a_ca_bundle_nobody_is_trusted() {
    let cluster = Cluster::healthy().await;
    cluster.change(|webhook| webhook["clientConfig"]["caBundle"] = Value::Null);
    assert_eq!(
        cluster.complaints().await,
        [
            "problem trusted: pods.podsec.internal has no caBundle, and no public authority signs for a Service"
        ]
    );
}

#[tokio::test]
async fn kinds_and_operations_that_nobody_is_asked_about_are_named() {
    let cluster = Cluster::healthy().await;
    cluster.change(|webhook| {
        without(webhook, "cronjobs");
        without(webhook, "pods/ephemeralcontainers");
        if webhook["name"] == "pods.podsec.internal" {
            webhook["rules"][0]["operations"] = json!(["CREATE"]);
            webhook["objectSelector"] = json!({"matchLabels": {"judged": "yes"}});
        }
    });
    assert_eq!(
        cluster.complaints().await,
        [
            "problem kinds: nobody is asked about UPDATE of pods",
            "problem kinds: nobody is asked about UPDATE of pods/ephemeralcontainers",
            "warning kinds: nobody is asked about CREATE and UPDATE of cronjobs.batch",
            "problem kinds: pods.podsec.internal is not asked about objects that its objectSelector does not select",
            "warning reachable: a pod that satisfies restricted was let into default (a dry run), as it would be \
             without the webhook",
        ]
    );
}

#[tokio::test]
async fn a_rule_with_wildcards_counts_and_one_for_another_scope_does_not() {
    let cluster = Cluster::healthy().await;
    let all = json!([{"apiGroups": ["*"], "apiVersions": ["*"], "operations": ["*"], "resources": ["*/*"]}]);
    cluster.change(|webhook| webhook["rules"] = all.clone());
    let kinds =
        |lines: Vec<String>| lines.into_iter().filter(|line| line.contains(" kinds: ")).collect::<Vec<_>>();
    assert_eq!(kinds(cluster.complaints().await), [""; 0]);
    cluster.change(|webhook| {
        webhook["rules"][0]["resources"] = json!(["*"]);
        webhook["rules"][0]["scope"] = "Namespaced".into();
    });
    assert_eq!(
        kinds(cluster.complaints().await),
        [
            "problem kinds: nobody is asked about UPDATE of pods/ephemeralcontainers",
            "problem kinds: nobody is asked about CREATE and UPDATE of namespaces",
        ]
    );
}

#[tokio::test]
async fn a_namespace_that_is_left_out_is_named_unless_it_is_meant() {
    let cluster = Cluster::healthy().await;
    cluster.change(|webhook| {
        let values = &mut webhook["namespaceSelector"]["matchExpressions"][0]["values"];
        values.as_array_mut().unwrap().push("team".into());
    });
    assert_eq!(
        cluster.complaints().await,
        [
            "problem namespaces: pods.podsec.internal, namespaces.podsec.internal, workloads.podsec.internal: not asked \
          about team"
        ]
    );
    let report = cluster
        .examined(|examination| examination.excluded_namespaces = vec!["kube-system".into(), "team".into()])
        .await;
    assert_eq!(report.unwrap().count(Status::Problem), 0);
}

#[tokio::test]
async fn a_webhook_that_may_keep_itself_from_starting_is_told_of() {
    let cluster = Cluster::healthy().await;
    cluster.change(|webhook| webhook["namespaceSelector"] = json!({}));
    assert_eq!(
        cluster.complaints().await,
        [
            "problem outage: pods.podsec.internal is asked about podsec-system, where the webhook itself runs",
            "warning outage: while the webhook does not answer, no pod starts in kube-system",
        ]
    );
}

#[tokio::test]
async fn a_failure_policy_that_lets_everything_in_is_told_of() {
    let cluster = Cluster::healthy().await;
    cluster.change(|webhook| {
        webhook["failurePolicy"] = "Ignore".into();
        webhook["timeoutSeconds"] = 30.into();
    });
    cluster.api_server.remove_object("/api/v1/namespaces/team/pods");
    assert_eq!(
        cluster.complaints().await,
        [
            "warning reachable: a pod that satisfies restricted was let into default (a dry run), as it would be \
             without the webhook",
            "problem reachable: a pod with hostPID in team was let in (a dry run)",
            "warning outage: while the webhook does not answer, every pod is let in (pods.podsec.internal: \
             failurePolicy Ignore, after 30 seconds)",
            "warning outage: pods.podsec.internal is waited for 30 seconds",
            "warning outage: namespaces.podsec.internal is waited for 30 seconds",
            "warning outage: workloads.podsec.internal is waited for 30 seconds",
        ]
    );
}

#[tokio::test]
async fn a_webhook_that_is_down_is_told_of_and_its_certificate_read_from_the_secret() {
    let mut cluster = Cluster::healthy().await;
    let reason = "Internal error occurred: failed calling webhook \"pods.podsec.internal\": failed to call webhook: \
                  Post \"https://podsec-webhook.podsec-system.svc:443/?timeout=5s\": no endpoints available for \
                  service \"podsec-webhook\"";
    cluster.refuse("namespaces/default/pods", 500, reason);
    cluster.run_on(&[]);
    cluster.api_server.set_object(BUDGETS, json!({"metadata": {}, "items": []}));
    // A port on which nobody listens.
    cluster.port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    cluster.register(cluster.api_server.object(&format!("{CONFIGURATIONS}/podsec-webhook")).unwrap());
    let pair = cluster.authority.issue_for(NAME, 2100);
    let secret = json!({"metadata": {}, "data": {"tls.crt": STANDARD.encode(pair.certificate)}});
    cluster.api_server.set_object(SECRET, secret);
    assert_eq!(
        cluster.complaints_without_address().await,
        [
            &format!("problem reachable: {reason}"),
            "problem outage: no replica behind the Service podsec-webhook is ready",
            "warning outage: no PodDisruptionBudget guards the replicas",
        ]
    );
    let trusted = "the caBundle of pods.podsec.internal signs the certificate of podsec-webhook.podsec-system.svc (in the \
                   Secret podsec-webhook-tls) until 2100-01-01T00:00:00Z";
    let report = cluster.examined(|examination| examination.address = None).await.unwrap();
    assert!(report.findings.iter().any(|finding| finding.message == trusted), "{report:?}");

    let named = cluster.examined(|_| {}).await.unwrap();
    let closed = format!("127.0.0.1:{} shows no certificate: ", cluster.port);
    assert!(named.findings.iter().any(|finding| finding.message.starts_with(&closed)), "{named:?}");
}

#[tokio::test]
async fn whoever_may_not_create_pods_learns_what_can_be_learned() {
    let cluster = Cluster::healthy().await;
    let reason = "pods is forbidden: User \"jane\" cannot create resource \"pods\" in API group \"\" in the namespace \
                  \"default\"";
    cluster.refuse("namespaces/default/pods", 403, reason);
    assert_eq!(
        cluster.complaints().await,
        [format!("warning reachable: no pod could be tried in default: {reason}")]
    );
}

#[tokio::test]
async fn where_the_api_server_judges_by_itself_its_refusals_are_told_from_the_webhooks() {
    let cluster = Cluster::healthy().await;
    let reason = "pods \"podsec-doctor\" is forbidden: violates PodSecurity \"baseline:latest\": host namespaces \
                  (hostPID=true)";
    cluster.refuse("namespaces/team/pods", 403, reason);
    cluster.refuse("namespaces", 403, "namespaces is forbidden: exceeded quota");
    let found = cluster.findings().await;
    let built_in = "ok reachable: a pod with hostPID in team was refused by the API server's own Pod Security, before the \
                    webhook was asked";
    assert!(found.iter().any(|line| line == built_in), "{found:?}");
    assert_eq!(
        cluster.complaints().await,
        [
            "warning reachable: a namespace with a wrong label was refused, and not by this webhook: namespaces is \
          forbidden: exceeded quota"
        ]
    );
}

#[tokio::test]
async fn an_api_server_that_does_not_answer_is_no_finding() {
    let mut cluster = Cluster::healthy().await;
    cluster.api_server.vanish().await;
    let error = cluster.examined(|_| {}).await.unwrap_err();
    assert!(matches!(error, ExaminationError::Unread { .. }), "{error}");
}
