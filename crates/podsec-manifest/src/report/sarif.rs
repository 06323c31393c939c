//! SARIF 2.1.0, as GitHub's and others' code scanning reads it.
//!
//! Every check is listed as a rule, also when nothing is found, so that a clean run shows what was looked for.

use std::fmt::Write as _;
use std::io::{self, Write};

use podsec_standards::{CHECKS, Check, Level};
use serde::Serialize;

use super::Summary;
use super::fingerprint::fingerprint;
use super::renderer::{Assembly, Renderer, separate};
use super::replacement::{SourceFix, source_fix};
use super::wording::{
    IMAGE_USER, counted, documentation, not_started, object, patch, policy, push_remedy, title, uri,
};
use crate::Source;
use crate::check::Kept;
use crate::finding::{FileReport, Place, PodReport, Problem, Silence, Silenced, Told};
use crate::template::Templates;

/// The format `sarif`. Results are written as they come; the tool with its rules stands before them.
///
/// The first result of a file brings the fix of the whole file, as fixes of one field may need those of another.
#[derive(Clone, Debug, Default)]
pub struct Sarif {
    templates: Templates,
}

impl Sarif {
    /// With custom kinds beside the known ones, so that their pods are mended too.
    pub fn new(templates: Templates) -> Self {
        Self { templates }
    }
}

impl Renderer for Sarif {
    fn source(&self, source: &Source, report: &FileReport, out: &mut Vec<u8>) -> io::Result<()> {
        self.source_with(source, report, &[], out)
    }

    fn wants_documents(&self) -> bool {
        true
    }

    fn source_with(
        &self,
        source: &Source,
        report: &FileReport,
        documents: &[Kept<'_>],
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let start = out.len();
        let uri = uri(report.file());
        // What was rendered is no file that could be mended.
        let mut fix = match report.made_by {
            None => source_fix(source, report, documents, &self.templates),
            Some(_) => None,
        };
        let mut results: Vec<(&PodReport, Told<'_>, Option<&Silence>)> = Vec::new();
        for pod in &report.pods {
            results.extend(pod.told().map(|told| (pod, told, None)));
            results.extend(pod.silenced.iter().map(|Silenced { finding, by }| {
                (pod, Told { finding, policy: pod.policy, modes: &[] }, Some(by))
            }));
        }
        results.sort_by_key(|(_, told, _)| told.finding.places.first().map(|place| place.position));
        for (pod, told, silence) in results {
            let mut result = SarifResult::new(source, report, &uri, pod, told, silence);
            if silence.is_none() && told.refuses() {
                result.fixes.extend(fix.take().map(|fix| Fix::new(&uri, fix)));
            }
            separate(out, start);
            serde_json::to_writer(&mut *out, &result)?;
        }
        Ok(())
    }

    fn assembly(&self) -> Box<dyn Assembly> {
        Box::new(Log::default())
    }
}

/// The log file as far as it is written, and what stands behind all results.
#[derive(Default)]
struct Log {
    begun: bool,
    any: bool,
    notifications: Vec<Notification>,
    /// How many more there are.
    left_out: usize,
    /// Whether something could not be judged.
    failed: bool,
}

impl Log {
    fn begin(&mut self, out: &mut dyn Write) -> io::Result<()> {
        if self.begun {
            return Ok(());
        }
        self.begun = true;
        write!(out, "{{\"$schema\":\"{SCHEMA}\",\"version\":\"2.1.0\",\"runs\":[{{\"tool\":")?;
        serde_json::to_writer(&mut *out, &Tool::podsec())?;
        write!(out, ",\"columnKind\":\"unicodeCodePoints\",\"results\":[")
    }
}

impl Assembly for Log {
    fn add(&mut self, report: &FileReport, rendered: &[u8], out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        let errors = report.problems.iter().map(|problem| Notification::new(report, problem, "error"));
        self.failed |= !report.problems.is_empty();
        let warnings = report.refusals.iter().map(|problem| Notification::new(report, problem, "warning"));
        let patches = report.patches.iter().map(|object| Notification {
            file: report.file().to_owned(),
            place: Some((object.position.line, object.position.column)),
            message: patch(object),
            level: "note",
        });
        let not_started = report.pods.iter().flat_map(|pod| {
            pod.not_started().map(move |container| Notification {
                file: report.file().to_owned(),
                place: Some((container.position.line, container.position.column))
                    .filter(|_| report.rendered_from.is_none()),
                message: format!("[{IMAGE_USER}] {}", not_started(pod, container)),
                level: "error",
            })
        });
        for notification in errors.chain(warnings).chain(patches).chain(not_started) {
            if self.notifications.len() < MOST_NOTIFICATIONS {
                self.notifications.push(notification);
            } else {
                self.left_out += 1;
            }
        }
        if rendered.is_empty() {
            return Ok(());
        }
        out.write_all(if self.any { b",\n" } else { b"\n" })?;
        self.any = true;
        out.write_all(rendered)
    }

    fn finish(&mut self, _: &Summary, out: &mut dyn Write) -> io::Result<()> {
        self.begin(out)?;
        if self.left_out > 0 {
            let message = format!(
                "{} left out here; the format concise tells all",
                counted(self.left_out, "more message")
            );
            self.notifications.push(Notification {
                file: String::new(),
                place: None,
                message,
                level: "note",
            });
        }
        let invocation = Invocation {
            execution_successful: !self.failed,
            tool_execution_notifications: &self.notifications,
        };
        write!(out, "\n],\"invocations\":")?;
        serde_json::to_writer(&mut *out, &[invocation])?;
        writeln!(out, "}}]}}")
    }
}

/// `tool` (section 3.18).
#[derive(Serialize)]
struct Tool {
    driver: Driver,
}

/// `toolComponent` (section 3.19).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Driver {
    name: &'static str,
    semantic_version: &'static str,
    information_uri: &'static str,
    rules: Vec<Rule>,
}

/// `reportingDescriptor` (section 3.49).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Rule {
    id: &'static str,
    short_description: Message<'static>,
    full_description: Message<'static>,
    help: Help,
    help_uri: &'static str,
    default_configuration: Configuration,
    properties: RuleProperties,
}

/// `multiformatMessageString` (section 3.12).
#[derive(Serialize)]
struct Help {
    text: &'static str,
    markdown: &'static str,
}

#[derive(Serialize)]
struct Configuration {
    level: &'static str,
}

/// What GitHub reads beyond the standard.
#[derive(Serialize)]
struct RuleProperties {
    tags: [&'static str; 3],
    precision: &'static str,
    #[serde(rename = "problem.severity")]
    problem_severity: &'static str,
    #[serde(rename = "security-severity")]
    security_severity: &'static str,
}

impl Tool {
    fn podsec() -> Self {
        let rules = CHECKS.iter().map(|check| Rule::new(check)).collect();
        Self {
            driver: Driver {
                name: "podsec",
                semantic_version: env!("CARGO_PKG_VERSION"),
                information_uri: "https://kubernetes.io/docs/concepts/security/pod-security-standards/",
                rules,
            },
        }
    }
}

impl Rule {
    fn new(check: &Check) -> Self {
        let docs = check.docs.trim();
        Self {
            id: check.id,
            short_description: Message { text: title(check).into() },
            full_description: Message { text: docs.into() },
            help: Help { text: docs, markdown: docs },
            help_uri: documentation(check),
            default_configuration: Configuration { level: "error" },
            properties: RuleProperties {
                tags: ["security", "kubernetes", check.level.as_str()],
                precision: "very-high",
                problem_severity: "error",
                // GitHub shows 7.0 and more as high, 4.0 and more as medium.
                security_severity: if check.level == Level::Baseline { "8.0" } else { "5.0" },
            },
        }
    }
}

/// `result` (section 3.27).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifResult<'a> {
    rule_id: &'static str,
    rule_index: usize,
    level: &'static str,
    message: Message<'a>,
    locations: Vec<Location<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    related_locations: Vec<Location<'a>>,
    partial_fingerprints: Fingerprints,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    suppressions: Vec<Suppression<'a>>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    fixes: Vec<Fix<'a>>,
    properties: ResultProperties<'a>,
}

#[derive(Serialize)]
struct Message<'a> {
    text: std::borrow::Cow<'a, str>,
}

#[derive(Serialize)]
struct Fingerprints {
    #[serde(rename = "podsec/v1")]
    podsec: String,
}

/// `suppression` (section 3.35).
#[derive(Serialize)]
struct Suppression<'a> {
    kind: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    justification: Option<&'a str>,
}

#[derive(Serialize)]
struct ResultProperties<'a> {
    policy: String,
    revision: String,
    paths: Vec<&'a str>,
    /// How sure the fix is: safe, checked, unsafe or none.
    fix: &'static str,
}

impl<'a> SarifResult<'a> {
    fn new(
        source: &Source,
        report: &FileReport,
        uri: &'a str,
        pod: &'a PodReport,
        told: Told<'a>,
        silence: Option<&'a Silence>,
    ) -> Self {
        let finding = told.finding;
        let mut text = format!("{}: {}.", object(&pod.object), finding.sentence());
        if let (Some(_), Some(place)) = (&report.rendered_from, finding.places.first()) {
            let _ = write!(text, " That is line {} of what was rendered.", place.position.line);
        }
        let before = text.len();
        text.push_str(" To mend it, ");
        if push_remedy(&mut text, pod, finding) {
            text.push('.');
        } else {
            text.truncate(before);
        }
        let mut locations = finding.places.iter().map(|place| Location::new(source, report, uri, place));
        Self {
            rule_id: finding.check.id,
            rule_index: CHECKS.iter().position(|check| check.id == finding.check.id).unwrap_or(0),
            level: if told.refuses() { "error" } else { "warning" },
            message: Message { text: text.into() },
            locations: locations.next().into_iter().collect(),
            related_locations: locations
                .zip(1..)
                .map(|(location, id)| Location { id: Some(id), ..location })
                .collect(),
            partial_fingerprints: Fingerprints { podsec: fingerprint(&report.name, pod, finding) },
            suppressions: silence.map(Suppression::new).into_iter().collect(),
            fixes: Vec::new(),
            properties: ResultProperties {
                policy: policy(told.policy),
                revision: finding.revision.to_string(),
                paths: finding.places.iter().map(|place| place.path.as_str()).collect(),
                fix: finding.safety().map_or("none", podsec_standards::Safety::as_str),
            },
        }
    }
}

impl<'a> Suppression<'a> {
    fn new(silence: &'a Silence) -> Self {
        match silence {
            Silence::Comment(reason) => Self { kind: "inSource", justification: Some(reason) },
            Silence::Known | Silence::Setting => Self { kind: "external", justification: None },
        }
    }
}

/// `location` (section 3.28).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
#[expect(clippy::struct_field_names, reason = "the standard's names")]
struct Location<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    id: Option<usize>,
    physical_location: PhysicalLocation<'a>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    logical_locations: Vec<LogicalLocation<'a>>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<Message<'a>>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct PhysicalLocation<'a> {
    artifact_location: ArtifactLocation<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    region: Option<Region>,
}

/// `fix` (section 3.55).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Fix<'a> {
    description: Message<'static>,
    artifact_changes: [ArtifactChange<'a>; 1],
}

/// `artifactChange` (section 3.56).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct ArtifactChange<'a> {
    artifact_location: ArtifactLocation<'a>,
    replacements: Vec<SarifReplacement>,
}

/// `replacement` (section 3.57).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct SarifReplacement {
    deleted_region: DeletedRegion,
    inserted_content: Message<'static>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct DeletedRegion {
    start_line: usize,
    start_column: usize,
    end_line: usize,
    end_column: usize,
}

impl<'a> Fix<'a> {
    fn new(uri: &'a str, fix: SourceFix) -> Self {
        let mut risks = String::new();
        for (check, risk) in &fix.risks {
            let lead = if risks.is_empty() { ". What it may break, and how to find out: " } else { " " };
            let _ = write!(risks, "{lead}{check}: {risk}");
        }
        let left = if fix.leaves { "; what cannot be mended stays" } else { "" };
        let changes = counted(fix.changes, "change");
        let replacements = fix.replacements.into_iter().map(|replacement| SarifReplacement {
            deleted_region: DeletedRegion {
                start_line: replacement.start_line,
                start_column: 1,
                end_line: replacement.end_line,
                end_column: replacement.end_column,
            },
            inserted_content: Message { text: replacement.text.into() },
        });
        Self {
            description: Message { text: format!("Mend the whole file: {changes}{left}{risks}").into() },
            artifact_changes: [ArtifactChange {
                artifact_location: ArtifactLocation { uri },
                replacements: replacements.collect(),
            }],
        }
    }
}

#[derive(Serialize)]
struct ArtifactLocation<'a> {
    uri: &'a str,
}

/// `region` (section 3.30); columns count characters from 1, the end exclusive.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Region {
    start_line: usize,
    start_column: usize,
    #[serde(skip_serializing_if = "Option::is_none")]
    end_column: Option<usize>,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct LogicalLocation<'a> {
    fully_qualified_name: &'a str,
}

impl<'a> Location<'a> {
    fn new(source: &Source, report: &FileReport, uri: &'a str, place: &'a Place) -> Self {
        let width = source.text.get(place.span.range()).map_or(0, |text| text.chars().count());
        Self {
            id: None,
            physical_location: PhysicalLocation {
                artifact_location: ArtifactLocation { uri },
                region: report.rendered_from.is_none().then(|| Region {
                    start_line: place.position.line,
                    start_column: place.position.column,
                    end_column: Some(place.position.column + width),
                }),
            },
            logical_locations: vec![LogicalLocation { fully_qualified_name: &place.path }],
            message: Some(Message { text: super::wording::expectation(place).into() })
                .filter(|message| !message.text.is_empty()),
        }
    }
}

/// `invocation` (section 3.20).
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Invocation<'a> {
    execution_successful: bool,
    tool_execution_notifications: &'a [Notification],
}

/// `notification` (section 3.58): what could not be judged.
#[derive(Clone, Debug)]
struct Notification {
    file: String,
    place: Option<(usize, usize)>,
    message: String,
    level: &'static str,
}

impl Notification {
    fn new(report: &FileReport, problem: &Problem, level: &'static str) -> Self {
        Self {
            file: report.file().to_owned(),
            place: problem
                .position
                .filter(|_| report.rendered_from.is_none())
                .map(|position| (position.line, position.column)),
            message: problem.message.clone(),
            level,
        }
    }
}

impl Serialize for Notification {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Written<'a> {
            level: &'static str,
            message: Message<'a>,
            #[serde(skip_serializing_if = "Vec::is_empty")]
            locations: Vec<Location<'a>>,
        }
        let region = |(start_line, start_column)| Region { start_line, start_column, end_column: None };
        let physical_location = PhysicalLocation {
            artifact_location: ArtifactLocation { uri: &uri(&self.file) },
            region: self.place.map(region),
        };
        let location = Location { id: None, physical_location, logical_locations: Vec::new(), message: None };
        let message = Message { text: self.message.as_str().into() };
        let locations = if self.file.is_empty() { Vec::new() } else { vec![location] };
        Written { level: self.level, message, locations }.serialize(serializer)
    }
}

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";

/// So many notifications stand behind the results, and are held until then.
const MOST_NOTIFICATIONS: usize = 50_000;
