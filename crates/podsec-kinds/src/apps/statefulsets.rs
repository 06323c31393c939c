//! StatefulSets: ordered pods with volume claims of their own.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Map, Value, json};

use crate::core::claim_spec;
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata, same};
use crate::pod_spec::{annotations, defaults, validation};
use crate::printing::{self, column};
use crate::strategy::{Strategy, Subresource};
use crate::{formats, internal, label_selector, metadata as meta, workload};

/// StatefulSets.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "apps",
    resource: "statefulsets",
    default,
    prepare_for_create: |set| {
        workload::reset_status(set, json!({ "replicas": 0, "availableReplicas": 0 }));
        workload::start_generation(set);
        drop_disabled(set, None);
    },
    prepare_for_update: |set, old| {
        drop_disabled(set, Some(old));
        workload::prepare_for_update(set, old);
    },
    validate: |set| {
        // The set's name becomes the host name of its pods.
        let mut errors = meta::validate(set, true, NameRule::Dns1123Label);
        errors.extend(validate_spec(set.at("spec"), Strictness::Everything));
        errors
    },
    validate_update,
    warnings_on_create: |set| {
        let mut warnings = workload::template_warnings(set);
        warnings.extend(own_warnings(set, |path| path));
        warnings
    },
    warnings_on_update: |set, old| {
        let mut warnings = workload::template_warnings_on_update(set, old);
        // Kubernetes' own spelling.
        warnings.extend(own_warnings(set, |path| path.child("Spec")));
        warnings
    },
    subresources: &[STATUS],
    scale: true,
    columns: &[
        printing::NAME,
        column("Ready", "Number of the pod with ready state"),
        printing::AGE,
        printing::CONTAINERS,
        printing::IMAGES,
    ],
    cells,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: workload::keep_all_but_status,
    validate_update: |set, old| {
        let counts = &[
            "replicas",
            "readyReplicas",
            "currentReplicas",
            "updatedReplicas",
            "availableReplicas",
            "observedGeneration",
            "collisionCount",
        ];
        let parts = &["readyReplicas", "currentReplicas", "updatedReplicas", "availableReplicas"];
        let mut errors = meta::common_update(set, old);
        errors.extend(workload::validate_replicas(set.at("status"), counts, parts, "status.readyReplicas"));
        errors.extend(meta::own_update(set, old));
        errors.extend(workload::validate_collisions(set, old));
        errors
    },
};

/// `maxUnavailable` is of a feature that is off: it stays only where it is.
fn drop_disabled(set: &mut Value, old: Option<&Value>) {
    let rolling = |set: &Value| set.at("spec").at("updateStrategy").at("rollingUpdate").has("maxUnavailable");
    if old.is_some_and(rolling) {
        return;
    }
    let spec = set.as_object_mut().and_then(|set| set.object_mut("spec"));
    let strategy = spec.and_then(|spec| spec.object_mut("updateStrategy"));
    if let Some(rolling) = strategy.and_then(|strategy| strategy.object_mut("rollingUpdate")) {
        rolling.remove("maxUnavailable");
    }
}

fn own_warnings(set: &Value, claim_path: fn(Path) -> Path) -> Vec<String> {
    let spec = set.at("spec");
    let path = Path::new("spec").child("volumeClaimTemplates");
    let mut warnings = Vec::new();
    for (index, claim) in spec.list("volumeClaimTemplates").iter().enumerate() {
        warnings.extend(claim_spec::warnings(claim.at("spec"), &claim_path(path.index(index))));
    }
    if spec.number("revisionHistoryLimit") < 0 {
        let why = "spec.revisionHistoryLimit: a negative value retains all historical revisions; a value >= 0 is recommended";
        warnings.push(why.to_owned());
    }
    warnings
}

/// What a spec is judged by: a stored one may break rules that came later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Strictness {
    Everything,
    /// Not the name of the service and the claims, which cannot change.
    Changeable,
    /// Not the pod spec either, which was wrong before.
    ButPodSpec,
}

fn default(set: &mut Value) {
    let Some(set) = set.as_object_mut() else { return };
    if let Some(spec) = set.ensure("spec") {
        spec.fill_zero("podManagementPolicy", "OrderedReady");
        spec.fill("replicas", 1);
        spec.fill("revisionHistoryLimit", 10);
        spec.fill("serviceName", "");
        if let Some(strategy) = spec.ensure("updateStrategy") {
            if strategy.text("type").is_empty() {
                strategy.insert("type".to_owned(), "RollingUpdate".into());
                strategy.ensure("rollingUpdate");
            }
            if strategy.text("type") == "RollingUpdate"
                && let Some(rolling) = strategy.object_mut("rollingUpdate")
            {
                rolling.fill("partition", 0);
            }
        }
        if let Some(policy) = spec.ensure("persistentVolumeClaimRetentionPolicy") {
            policy.fill_zero("whenDeleted", "Retain");
            policy.fill_zero("whenScaled", "Retain");
        }
        defaults::default_template(spec);
        for claim in spec.objects_mut("volumeClaimTemplates") {
            claim.fill("apiVersion", "v1");
            claim.fill("kind", "PersistentVolumeClaim");
            claim.ensure("metadata");
            if let Some(spec) = claim.ensure("spec") {
                defaults::default_claim(spec);
            }
            if let Some(status) = claim.ensure("status") {
                status.fill_zero("phase", "Pending");
            }
        }
    }
    if let Some(status) = set.ensure("status") {
        status.fill("replicas", 0);
        status.fill("availableReplicas", 0);
    }
}

fn validate_spec(spec: &Value, strictness: Strictness) -> Vec<Error> {
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let policy = spec.text("podManagementPolicy");
    let policy_path = path.child("podManagementPolicy");
    match policy {
        "OrderedReady" | "Parallel" => {}
        "" => errors.push(Error::required(policy_path, "")),
        _ => {
            let detail = "must be 'OrderedReady' or 'Parallel'";
            errors.push(Error::invalid(policy_path, &policy.into(), detail));
        }
    }
    errors.extend(validate_strategy(spec.at("updateStrategy"), &path.child("updateStrategy")));
    for field in ["whenDeleted", "whenScaled"] {
        let value = spec.at("persistentVolumeClaimRetentionPolicy").text(field);
        if !matches!(value, "Retain" | "Delete") {
            let path = path.child("persistentVolumeClaimRetentionPolicy").child(field);
            errors.push(formats::unsupported(&path, value, &["Retain", "Delete"]));
        }
    }
    let everything = strictness == Strictness::Everything;
    if everything {
        let path = path.child("volumeClaimTemplates");
        for (index, claim) in spec.list("volumeClaimTemplates").iter().enumerate() {
            let path = path.index(index).child("spec");
            errors.extend(claim_spec::validate(claim.at("spec"), false, &path));
        }
    }
    errors.extend(workload::nonnegative(spec, &["replicas", "minReadySeconds"], &path));
    errors.extend(workload::nonnegative(spec.at("ordinals"), &["start"], &path.child("ordinals")));
    let service = spec.text("serviceName");
    if everything && !service.is_empty() {
        errors.extend(formats::invalid(&path.child("serviceName"), service, formats::label(service)));
    }
    errors.extend(workload::validate_selector(spec, "statefulset", &path));
    errors.extend(validate_template(spec, strictness, &path));
    errors.extend(workload::validate_runs_for_ever(
        spec.at("template"),
        "StatefulSet",
        &path.child("template"),
    ));
    errors
}

fn validate_strategy(strategy: &Value, path: &Path) -> Vec<Error> {
    let rolling_path = path.child("rollingUpdate");
    let rolling = strategy.at("rollingUpdate");
    match strategy.text("type") {
        "" => vec![Error::required(path.clone(), "")],
        "OnDelete" if !rolling.is_null() => {
            let detail = "only allowed for updateStrategy 'RollingUpdate'";
            vec![internal::invalid(rolling_path, "apps.RollingUpdateStatefulSetStrategy", rolling, detail)]
        }
        "OnDelete" => Vec::new(),
        "RollingUpdate" => {
            let mut errors = workload::nonnegative(rolling, &["partition"], &rolling_path);
            let unavailable = rolling.at("maxUnavailable");
            if !unavailable.is_null() {
                let path = rolling_path.child("maxUnavailable");
                errors.extend(workload::validate_int_or_percent(unavailable, &path));
                if workload::is_zero(unavailable) {
                    errors.push(Error::invalid(path.clone(), unavailable, "cannot be 0"));
                }
                errors.extend(workload::not_above_all(unavailable, &path));
            }
            errors
        }
        _ => {
            let detail = "must be 'RollingUpdate' or 'OnDelete'";
            vec![internal::invalid(path.clone(), "apps.StatefulSetUpdateStrategy", strategy, detail)]
        }
    }
}

/// The template as the controller will use it: with the volumes of the claims, and names that the set decides on.
fn validate_template(spec: &Value, strictness: Strictness, path: &Path) -> Vec<Error> {
    let selector = spec.at("selector");
    let mut template = spec.at("template").clone();
    let labels = metadata(&template).at("labels").clone();
    let Some(matched) = label_selector::selects(selector, &labels) else {
        return vec![label_selector::invalid(selector, path.child("selector"), "")];
    };
    let path = path.child("template");
    let mut errors = Vec::new();
    if !matched {
        errors.push(workload::unmatched_labels(&labels, &path));
    }
    if strictness != Strictness::ButPodSpec {
        if let Some(pod) = template.as_object_mut().and_then(|template| template.object_mut("spec")) {
            pod.remove("subdomain");
            pod.remove("hostname");
            mount_claims(pod, spec.list("volumeClaimTemplates"));
        }
        errors.extend(validation::validate_template(&template, &path));
    }
    errors.extend(meta::labels(metadata(&template), &path.child("labels")));
    let annotations_path = path.child("annotations");
    errors.extend(meta::annotations(metadata(&template), &annotations_path));
    errors.extend(annotations::validate(metadata(&template), template.at("spec"), &annotations_path));
    errors
}

/// Puts a volume for each claim before the others, and in the place of one of the same name.
fn mount_claims(pod: &mut Map<String, Value>, claims: &[Value]) {
    if claims.is_empty() {
        return;
    }
    let mut volumes: Vec<Value> = Vec::new();
    for claim in claims {
        let name = metadata(claim).text("name");
        if volumes.iter().all(|volume| volume.text("name") != name) {
            volumes.push(json!({ "name": name, "persistentVolumeClaim": { "claimName": name } }));
        }
    }
    let own = pod.list("volumes").iter();
    let others: Vec<Value> = own
        .filter(|own| volumes.iter().all(|volume| volume.text("name") != own.text("name")))
        .cloned()
        .collect();
    volumes.extend(others);
    pod.insert("volumes".to_owned(), volumes.into());
}

fn validate_update(set: &Value, old: &Value) -> Vec<Error> {
    let mut errors = meta::validate_update(set, old);
    let was_valid = validate_spec(old.at("spec"), Strictness::Changeable).is_empty();
    let strictness = if was_valid { Strictness::Changeable } else { Strictness::ButPodSpec };
    errors.extend(validate_spec(set.at("spec"), strictness));
    let fixed = |object: &Value| {
        let mut spec = object.at("spec").as_object().cloned().unwrap_or_default();
        for field in UPDATABLE {
            spec.remove(*field);
        }
        Value::Object(spec)
    };
    if !same(&fixed(set), &fixed(old)) {
        errors.push(Error::forbidden(Path::new("spec"), NOT_UPDATABLE));
    }
    errors
}

const UPDATABLE: &[&str] = &[
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "revisionHistoryLimit",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
];
const NOT_UPDATABLE: &str = "updates to statefulset spec for fields other than 'replicas', 'ordinals', 'template', 'updateStrategy', 'revisionHistoryLimit', 'persistentVolumeClaimRetentionPolicy' and 'minReadySeconds' are forbidden";

fn cells(set: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (set.at("spec"), set.at("status"));
    let [containers, images] = printing::containers_and_images(spec.at("template"));
    vec![
        printing::name(set),
        printing::of(status.number("readyReplicas"), spec.number("replicas")),
        printing::age(set, now),
        containers,
        images,
    ]
}
