//! What another version of the cluster changes: which workload is judged otherwise, by which revision of which check.

use std::fmt::{self, Write};

use podsec_policy::Mode;
use podsec_standards::{Policy, Version};
use serde_json::{Value, json};

use crate::Breaches;
use crate::breaches::{newest, revisions};
use crate::collect::{BrokenRule, Contents, Counts, Inventory, Subject};
use crate::plan::PlanOptions;
use crate::text::{aligned, cell};
use crate::{labels, plan};

/// What an upgrade changes.
#[derive(Clone, Debug)]
pub struct UpgradeReport {
    /// The version before.
    pub from: Version,
    /// The version after.
    pub to: Version,
    /// What is judged otherwise on the day of the upgrade, by the policies as they are.
    pub changed: Vec<ChangedVerdict>,
    /// Pins that would keep what stands there, and pins that nothing needs.
    pub pins: Vec<PinAdvice>,
    /// How many namespaces were compared.
    pub namespaces: usize,
    /// How much was read.
    pub counts: Counts,
}

/// A subject that is judged otherwise after the upgrade.
#[derive(Clone, Debug)]
pub struct ChangedVerdict {
    /// The namespace.
    pub namespace: String,
    /// `Deployment/web`
    pub subject: String,
    /// By which mode's policy.
    pub mode: Mode,
    /// The policy, as the labels have it.
    pub policy: Policy,
    /// Whether it is let in afterwards, and was not before.
    pub is_allowed: bool,
    /// The rules that refuse it after the upgrade; or that refused it before, if it is let in.
    pub rules: Vec<BrokenRule>,
}

/// Advice on the version of a namespace's policy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PinAdvice {
    /// The namespace.
    pub namespace: String,
    /// Of which mode.
    pub mode: Mode,
    /// The version to pin; none to drop the pin.
    pub pin: Option<Version>,
    /// Why.
    pub reason: String,
}

/// Compares how a cluster judges before and after an upgrade.
///
/// A cluster judges by no newer version than its own: `latest`, and pins that are newer than it, mean its own version.
pub fn upgrade(inventory: &Inventory, from: Version, to: Version, options: &PlanOptions) -> UpgradeReport {
    let mut report = UpgradeReport {
        from,
        to,
        changed: Vec::new(),
        pins: Vec::new(),
        namespaces: 0,
        counts: inventory.counts.clone(),
    };
    for (name, contents) in &inventory.namespaces {
        let is_exempt = options.configuration.exemptions.has_namespace(name);
        let is_wanted = options.namespaces.is_empty() || options.namespaces.contains(name);
        if is_wanted && !is_exempt {
            report.namespaces += 1;
            namespace(name, contents, (from, to), options, &mut report);
        }
    }
    report
}

fn namespace(
    name: &str,
    contents: &Contents,
    (from, to): (Version, Version),
    options: &PlanOptions,
    report: &mut UpgradeReport,
) {
    let labels = labels::read(contents.object.as_ref());
    let policies = labels.policies(&options.configuration.defaults);
    for (mode, policy) in policies.modes() {
        let before = Breaches::asked_by(known(policy, from));
        let after = Breaches::asked_by(known(policy, to));
        let subjects = contents
            .subjects
            .iter()
            .filter(|subject| !plan::is_exempt(subject, options, mode == Mode::Enforce));
        let subjects: Vec<&Subject> = subjects.collect();
        let mut newly_refused = 0;
        for subject in &subjects {
            let broken = subject.broken();
            let (was, is) = (broken.and(before), broken.and(after));
            if was.is_empty() == is.is_empty() {
                continue;
            }
            newly_refused += usize::from(was.is_empty());
            report.changed.push(ChangedVerdict {
                namespace: name.to_owned(),
                subject: subject.title(),
                mode,
                policy,
                is_allowed: is.is_empty(),
                rules: rules(subject, was.or(is)),
            });
        }
        if newly_refused > 0 {
            report.pins.push(PinAdvice {
                namespace: name.to_owned(),
                mode,
                pin: Some(from),
                reason: format!("{newly_refused} would be refused, noted or warned about after the upgrade, and are not now"),
            });
        } else if let Version::V1(_) = policy.version
            && policy.level != podsec_standards::Level::Privileged
        {
            let by_newest = Breaches::asked_by(known(Policy::new(policy.level, Version::Latest), to));
            let in_the_way = subjects.iter().filter(|subject| {
                subject.broken().and(after).is_empty() && !subject.broken().and(by_newest).is_empty()
            });
            if in_the_way.count() == 0 {
                report.pins.push(PinAdvice {
                    namespace: name.to_owned(),
                    mode,
                    pin: None,
                    reason: format!(
                        "{policy} is pinned, and nothing that stands there needs it: latest lets in the same"
                    ),
                });
            }
        }
    }
}

/// A policy as a cluster of this version judges by it.
fn known(policy: Policy, cluster: Version) -> Policy {
    let minor = |version| match version {
        Version::V1(minor) => minor,
        Version::Latest => newest(),
    };
    let version = match policy.version {
        Version::Latest => minor(cluster),
        Version::V1(pinned) => pinned.min(minor(cluster)),
    };
    Policy::new(policy.level, Version::V1(version))
}

fn rules(subject: &Subject, wanted: Breaches) -> Vec<BrokenRule> {
    let mut found: Vec<BrokenRule> = Vec::new();
    for evidence in [&subject.template, &subject.pods].into_iter().flatten() {
        for rule in evidence.rules.iter().filter(|rule| wanted.has(rule.number)) {
            if !found.iter().any(|known| known.number == rule.number) {
                found.push(rule.clone());
            }
        }
    }
    found
}

/// Writes what an upgrade changes as a table.
///
/// # Errors
/// When nothing can be written.
pub fn upgrade_table(report: &UpgradeReport, out: &mut impl Write) -> fmt::Result {
    if !report.changed.is_empty() {
        let head = ["NAMESPACE", "WORKLOAD", "MODE", "POLICY", "AFTERWARDS", "REVISION", "WHY"];
        aligned(&head, &rows(report), out)?;
        writeln!(out)?;
    }
    for pin in &report.pins {
        writeln!(out, "{}", advice(pin))?;
    }
    writeln!(out, "{}", summary(report))
}

/// Writes what an upgrade changes as Markdown.
///
/// # Errors
/// When nothing can be written.
pub fn upgrade_markdown(report: &UpgradeReport, out: &mut impl Write) -> fmt::Result {
    writeln!(out, "{}\n", cell(&summary(report)))?;
    writeln!(
        out,
        "| namespace | workload | mode | policy | afterwards | revision | why |\n|---|---|---|---|---|---|---|"
    )?;
    for row in rows(report) {
        writeln!(out, "| {} |", row.iter().map(|text| cell(text)).collect::<Vec<_>>().join(" | "))?;
    }
    writeln!(out)?;
    for pin in &report.pins {
        writeln!(out, "- {}", cell(&advice(pin)))?;
    }
    Ok(())
}

/// What an upgrade changes, as JSON.
pub fn upgrade_json(report: &UpgradeReport) -> Value {
    let changed = report.changed.iter().map(|changed| {
        let rules = changed.rules.iter().map(|rule| {
            json!({"check": rule.check(), "revision": since(rule), "sentence": rule.saying.sentence, "fields": rule.saying.fields})
        });
        json!({
            "namespace": changed.namespace,
            "workload": changed.subject,
            "mode": changed.mode.as_str(),
            "policy": changed.policy.to_string(),
            "allowedAfterwards": changed.is_allowed,
            "rules": rules.collect::<Vec<_>>(),
        })
    });
    let pins = report.pins.iter().map(|pin| {
        json!({
            "namespace": pin.namespace,
            "mode": pin.mode.as_str(),
            "pin": pin.pin.map(|version| version.to_string()),
            "reason": pin.reason,
        })
    });
    json!({
        "version": 1,
        "from": report.from.to_string(),
        "to": report.to.to_string(),
        "changed": changed.collect::<Vec<_>>(),
        "pins": pins.collect::<Vec<_>>(),
        "namespaces": report.namespaces,
        "read": report.counts,
    })
}

fn rows(report: &UpgradeReport) -> Vec<[String; 7]> {
    let mut rows = Vec::new();
    for changed in &report.changed {
        let afterwards = match (changed.is_allowed, changed.mode) {
            (true, _) => "allowed",
            (false, Mode::Enforce) => "refused",
            (false, Mode::Audit) => "noted",
            (false, Mode::Warn) => "warned about",
        };
        for rule in &changed.rules {
            rows.push([
                changed.namespace.clone(),
                changed.subject.clone(),
                changed.mode.to_string(),
                changed.policy.to_string(),
                afterwards.to_owned(),
                format!("{} {}", rule.check(), since(rule)),
                rule.saying.sentence.clone(),
            ]);
        }
    }
    rows
}

fn since(rule: &BrokenRule) -> String {
    revisions()
        .get(usize::from(rule.number))
        .map_or_else(String::new, |(_, revision)| revision.since.to_string())
}

fn advice(pin: &PinAdvice) -> String {
    let key = format!("{}{}-version", podsec_policy::labels::PREFIX, pin.mode);
    match pin.pin {
        Some(version) => format!(
            "pin: kubectl label --overwrite namespace {} {key}={version}  # {}",
            pin.namespace, pin.reason
        ),
        None => format!("drop the pin: kubectl label namespace {} {key}-  # {}", pin.namespace, pin.reason),
    }
}

fn summary(report: &UpgradeReport) -> String {
    let refused = report.changed.iter().filter(|changed| !changed.is_allowed).count();
    format!(
        "{} to {}: of {} namespaces, {refused} verdicts become stricter and {} laxer; {} objects were read, and {} could not be.",
        report.from,
        report.to,
        report.namespaces,
        report.changed.len() - refused,
        report.counts.objects,
        report.counts.troubles,
    )
}
