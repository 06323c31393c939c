//! PriorityLevelConfigurations: how many requests of a priority are served at once, and how many wait.

use podsec_apimachinery::field::{Error, Path};
use podsec_apimachinery::name::NameRule;
use serde_json::{Value, json};

use super::{GROUP, conditions, keep_all_but_status};
use crate::generic::{BASE, WITH_GENERATION};
use crate::object::{Fields, FieldsMut, annotation, metadata, same};
use crate::printing::{self, column};
use crate::strategy::{Strategy, Subresource};
use crate::{formats, internal, metadata as meta, workload};

/// PriorityLevelConfigurations.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: GROUP,
    resource: "prioritylevelconfigurations",
    default,
    prepare_for_create: |level| {
        workload::reset_status(level, json!({}));
        workload::start_generation(level);
    },
    prepare_for_update: WITH_GENERATION.prepare_for_update,
    validate,
    validate_update: |level, old| {
        let mut errors = meta::common_update(level, old);
        errors.extend(validate(level));
        errors
    },
    subresources: &[Subresource {
        name: "status",
        prepare_for_update: keep_all_but_status,
        validate_update: |level, old| {
            let mut errors = meta::common_update(level, old);
            errors.extend(conditions(level));
            errors
        },
    }],
    columns: &[
        printing::NAME,
        column(
            "Type",
            "`type` indicates whether this priority level is subject to limitation on request execution.  A value of \
             `\"Exempt\"` means that requests of this priority level are not subject to a limit (and thus are never \
             queued) and do not detract from the capacity made available to other priority levels.  A value of \
             `\"Limited\"` means that (a) requests of this priority level _are_ subject to limits and (b) some of the \
             server's limited capacity is made available exclusively to this priority level. Required.",
        ),
        column(
            "NominalConcurrencyShares",
            "`nominalConcurrencyShares` (NCS) contributes to the computation of the NominalConcurrencyLimit \
             (NominalCL) of this level. This is the number of execution seats available at this priority level. This \
             is used both for requests dispatched from this priority level as well as requests dispatched from other \
             priority levels borrowing seats from this level. The server's concurrency limit (ServerCL) is divided \
             among the Limited priority levels in proportion to their NCS values:\n\nNominalCL(i)  = ceil( ServerCL * \
             NCS(i) / sum_ncs ) sum_ncs = sum[priority level k] NCS(k)\n\nBigger numbers mean a larger nominal \
             concurrency limit, at the expense of every other priority level.\n\nIf not specified, this field \
             defaults to a value of 30.\n\nSetting this field to zero supports the construction of a \"jail\" for \
             this priority level that is used to hold some request(s)",
        ),
        column(
            "Queues",
            "`queues` is the number of queues for this priority level. The queues exist independently at each \
             apiserver. The value must be positive.  Setting it to 1 effectively precludes shufflesharding and thus \
             makes the distinguisher method of associated flow schemas irrelevant.  This field has a default value of \
             64.",
        ),
        column(
            "HandSize",
            "`handSize` is a small positive number that configures the shuffle sharding of requests into queues.  \
             When enqueuing a request at this priority level the request's flow identifier (a string pair) is hashed \
             and the hash value is used to shuffle the list of queues and deal a hand of the size specified here.  \
             The request is put into one of the shortest queues in that hand. `handSize` must be no larger than \
             `queues`, and should be significantly smaller (so that a few heavy flows do not saturate most of the \
             queues).  See the user-facing documentation for more extensive guidance on setting this field.  This \
             field has a default value of 8.",
        ),
        column(
            "QueueLengthLimit",
            "`queueLengthLimit` is the maximum number of requests allowed to be waiting in a given queue of this \
             priority level at a time; excess requests are rejected.  This value must be positive.  If not specified, \
             it will be defaulted to 50.",
        ),
        printing::AGE,
    ],
    cells: |level, now| {
        let limited = level.at("spec").at("limited");
        let queuing = limited.at("limitResponse").at("queuing");
        let number = |holder: &Value, field: &str| {
            if holder.is_null() { printing::NONE.into() } else { Value::from(holder.number(field)) }
        };
        vec![
            printing::name(level),
            level.at("spec").text("type").into(),
            number(limited, "nominalConcurrencyShares"),
            number(queuing, "queues"),
            number(queuing, "handSize"),
            number(queuing, "queueLengthLimit"),
            printing::age(level, now),
        ]
    },
    ..BASE
};

/// What the author of a PriorityLevelConfiguration is told: see [`crate::effects`].
#[expect(clippy::unnecessary_wraps, reason = "others depend on the object")]
pub(crate) fn without_effect(_: &Value) -> Option<String> {
    Some(
        "podsec serve has no priority and fairness: PriorityLevelConfigurations limit no requests".to_owned(),
    )
}

fn default(level: &mut Value) {
    let Some(level) = level.as_object_mut() else { return };
    level.ensure("status");
    let Some(spec) = level.ensure("spec") else { return };
    spec.fill("type", "");
    if let Some(exempt) = spec.object_mut("exempt") {
        exempt.fill("nominalConcurrencyShares", 0);
        exempt.fill("lendablePercent", 0);
    }
    let Some(limited) = spec.object_mut("limited") else { return };
    limited.fill("nominalConcurrencyShares", 30);
    limited.fill("lendablePercent", 0);
    let Some(response) = limited.ensure("limitResponse") else { return };
    response.fill("type", "");
    if let Some(queuing) = response.object_mut("queuing") {
        queuing.fill_zero("handSize", 8);
        queuing.fill_zero("queues", 64);
        queuing.fill_zero("queueLengthLimit", 50);
    }
}

fn validate(level: &Value) -> Vec<Error> {
    let name = metadata(level).text("name");
    let mut errors = meta::validate(level, false, NameRule::Dns1123Subdomain);
    if annotation(level, ROUND_TRIP).is_some() {
        let path = Path::new("metadata").child("annotations");
        errors.push(Error::forbidden(path, &format!("annotation '{ROUND_TRIP}' is forbidden")));
    }
    let (path, spec) = (Path::new("spec"), level.at("spec"));
    errors.extend(self::spec(name, spec, &path));
    if let Some((fixed, except)) = mandatory(name, spec)
        && !same(spec, &fixed)
    {
        let detail = format!("spec of '{name}'{except} must equal the fixed value");
        errors.push(internal::invalid(path, "flowcontrol.PriorityLevelConfigurationSpec", spec, &detail));
    }
    errors.extend(conditions(level));
    errors
}

fn spec(name: &str, spec: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let kind = spec.text("type");
    if (name == "exempt") != (kind == "Exempt") {
        let detail = "must be 'Exempt' if and only if `name` is 'exempt'";
        errors.push(Error::invalid(path.child("type"), &kind.into(), detail));
    }
    let (limited_path, exempt_path) = (path.child("limited"), path.child("exempt"));
    match (kind, spec.field("limited"), spec.field("exempt")) {
        ("Exempt", limited, exempt) => {
            if limited.is_some() {
                errors.push(Error::forbidden(limited_path, "must be nil if the type is not Limited"));
            }
            if let Some(exempt) = exempt {
                errors.extend(nonnegative(exempt, "nominalConcurrencyShares", SHARES, &exempt_path));
                errors.extend(lendable(exempt, &exempt_path));
            }
        }
        ("Limited", limited, exempt) => {
            if exempt.is_some() {
                errors.push(Error::forbidden(exempt_path, "must be nil if the type is Limited"));
            }
            match limited {
                None => errors.push(Error::required(limited_path, "must not be empty when type is Limited")),
                Some(limited) => errors.extend(self::limited(limited, &limited_path)),
            }
        }
        _ => errors.push(formats::unsupported(&path.child("type"), kind, &["Exempt", "Limited"])),
    }
    errors
}

fn limited(limited: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    errors.extend(nonnegative(limited, "nominalConcurrencyShares", SHARES, path));
    errors.extend(response(limited.at("limitResponse"), &path.child("limitResponse")));
    errors.extend(lendable(limited, path));
    let detail = "if specified, must be a non-negative integer";
    errors.extend(nonnegative(limited, "borrowingLimitPercent", detail, path));
    errors
}

fn nonnegative(holder: &Value, field: &str, detail: &str, path: &Path) -> Option<Error> {
    let value = holder.number(field);
    (value < 0).then(|| Error::invalid(path.child(field), &value.into(), detail))
}

fn lendable(holder: &Value, path: &Path) -> Option<Error> {
    let percent = holder.number("lendablePercent");
    (!(0..=100).contains(&percent)).then(|| {
        let detail = "must be between 0 and 100, inclusive";
        Error::invalid(path.child("lendablePercent"), &percent.into(), detail)
    })
}

fn response(response: &Value, path: &Path) -> Vec<Error> {
    let queuing_path = path.child("queuing");
    match (response.text("type"), response.field("queuing")) {
        ("Reject", None) => Vec::new(),
        ("Reject", Some(_)) => {
            let detail = "must be nil if limited.limitResponse.type is not Limited";
            vec![Error::forbidden(queuing_path, detail)]
        }
        ("Queue", None) => {
            let detail = "must not be empty if limited.limitResponse.type is Limited";
            vec![Error::required(queuing_path, detail)]
        }
        ("Queue", Some(queuing)) => self::queuing(queuing, &queuing_path),
        (other, _) => vec![formats::unsupported(&path.child("type"), other, &["Queue", "Reject"])],
    }
}

fn queuing(queuing: &Value, path: &Path) -> Vec<Error> {
    let mut errors = Vec::new();
    let mut wrong = |field: &str, detail: &str| {
        errors.push(Error::invalid(path.child(field), &queuing.number(field).into(), detail));
    };
    if queuing.number("queueLengthLimit") <= 0 {
        wrong("queueLengthLimit", "must be positive");
    }
    let (queues, hand) = (queuing.number("queues"), queuing.number("handSize"));
    if queues <= 0 {
        wrong("queues", "must be positive");
    } else if queues > MOST_QUEUES {
        wrong("queues", &format!("must not be greater than {MOST_QUEUES}"));
    }
    if hand <= 0 {
        wrong("handSize", "must be positive");
    } else if hand > queues {
        wrong("handSize", &format!("should not be greater than queues ({queues})"));
    } else if entropy_bits(queues, hand) > f64::from(HASH_BITS) {
        wrong(
            "handSize",
            &format!(
                "required entropy bits of deckSize {queues} and handSize {hand} should not be greater than {HASH_BITS}"
            ),
        );
    }
    errors
}

/// The bits of a hash that dealing a hand of queues uses up.
fn entropy_bits(queues: i64, hand: i64) -> f64 {
    // Both are 32 bits wide in the API.
    let number = |value: i64| f64::from(i32::try_from(value).unwrap_or(i32::MAX));
    (number(queues).log2() * number(hand)).ceil()
}

/// The spec that a level of this name must have, and what of it may differ.
fn mandatory(name: &str, spec: &Value) -> Option<(Value, &'static str)> {
    match name {
        "exempt" => {
            // All but the exemption itself is fixed.
            let mut fixed = json!({ "type": "Exempt" });
            fixed["exempt"] = spec.at("exempt").clone();
            Some((fixed, " except the 'spec.exempt' field"))
        }
        "catch-all" => Some((
            json!({ "type": "Limited", "limited": {
                "nominalConcurrencyShares": 5, "lendablePercent": 0, "limitResponse": { "type": "Reject" }
            } }),
            "",
        )),
        _ => None,
    }
}

const ROUND_TRIP: &str = "flowcontrol.k8s.io/v1beta3-preserve-zero-concurrency-shares";
const SHARES: &str = "must be a non-negative integer";
const MOST_QUEUES: i64 = 10_000_000;
const HASH_BITS: i32 = 60;
