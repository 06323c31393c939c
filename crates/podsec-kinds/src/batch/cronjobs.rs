//! CronJobs.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use serde_json::{Value, json};

use crate::batch::{cron_schedule, jobs};
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::pod_spec::{defaults, warnings};
use crate::printing::{self, NONE, column, integer, typed};
use crate::strategy::{Column, ColumnType, Strategy, Subresource};
use crate::{formats, label_selector, metadata as meta, workload};

/// CronJobs.
pub(crate) static STRATEGY: Strategy = Strategy {
    group: "batch",
    resource: "cronjobs",
    default,
    prepare_for_create: |cron_job| {
        workload::reset_status(cron_job, json!({}));
        workload::start_generation(cron_job);
    },
    prepare_for_update: workload::prepare_for_update,
    validate: |cron_job| {
        let mut errors = workload::validate_metadata(cron_job);
        errors.extend(validate_spec(cron_job));
        // The names of its jobs add eleven characters.
        let name = metadata(cron_job).text("name");
        if name.len() > 52 {
            let path = Path::new("metadata").child("name");
            errors.push(Error::invalid(path, &name.into(), "must be no more than 52 characters"));
        }
        errors
    },
    validate_update: |cron_job, old| {
        let mut errors = meta::validate_update(cron_job, old);
        errors.extend(validate_spec(cron_job));
        errors
    },
    warnings_on_create: template_warnings,
    warnings_on_update: |cron_job, old| {
        let generation = |object| metadata(object).number("generation");
        if generation(cron_job) == generation(old) { Vec::new() } else { template_warnings(cron_job) }
    },
    subresources: &[STATUS],
    columns: COLUMNS,
    cells,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: workload::keep_all_but_status,
    validate_update: meta::validate_update,
};

fn default(cron_job: &mut Value) {
    let Some(cron_job) = cron_job.as_object_mut() else { return };
    if let Some(spec) = cron_job.ensure("spec") {
        spec.fill_zero("concurrencyPolicy", "Allow");
        spec.fill("suspend", false);
        spec.fill("successfulJobsHistoryLimit", 3);
        spec.fill("failedJobsHistoryLimit", 1);
        if let Some(template) = spec.ensure("jobTemplate") {
            template.ensure("metadata");
            if let Some(spec) = template.ensure("spec") {
                defaults::default_template(spec);
            }
        }
    }
    cron_job.ensure("status");
}

fn validate_spec(cron_job: &Value) -> Vec<Error> {
    let spec = cron_job.at("spec");
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let schedule = spec.text("schedule");
    let schedule_path = path.child("schedule");
    if schedule.is_empty() {
        errors.push(Error::required(schedule_path, ""));
    } else if schedule.contains("TZ") {
        let detail = "cannot use TZ or CRON_TZ in schedule, use timeZone field instead";
        errors.push(Error::invalid(schedule_path, &schedule.into(), detail));
    } else if let Err(wrong) = cron_schedule::check(schedule) {
        errors.push(Error::invalid(schedule_path, &schedule.into(), &wrong));
    }
    errors.extend(workload::nonnegative(spec, &["startingDeadlineSeconds"], &path));
    if let Some(zone) = spec.at("timeZone").as_str() {
        let path = path.child("timeZone");
        if zone.is_empty() {
            errors.push(Error::invalid(path, &zone.into(), "timeZone must be nil or non-empty string"));
        } else if zone.eq_ignore_ascii_case("local") {
            let detail =
                "timeZone must be an explicit time zone as defined in https://www.iana.org/time-zones";
            errors.push(Error::invalid(path, &zone.into(), detail));
        }
    }
    errors.extend(formats::one_of(
        &path.child("concurrencyPolicy"),
        spec.text("concurrencyPolicy"),
        &["Allow", "Forbid", "Replace"],
    ));
    let template = spec.at("jobTemplate").at("spec");
    let template_path = path.child("jobTemplate").child("spec");
    errors.extend(jobs::validate_spec(template, &template_path));
    if template.flag("manualSelector") {
        let path = template_path.child("manualSelector");
        errors.push(formats::unsupported(&path, "true", &["nil", "false"]));
    }
    errors.extend(workload::nonnegative(
        spec,
        &["successfulJobsHistoryLimit", "failedJobsHistoryLimit"],
        &path,
    ));
    errors
}

fn template_warnings(cron_job: &Value) -> Vec<String> {
    let path = Path::new("spec").child("jobTemplate").child("spec").child("template");
    let template = cron_job.at("spec").at("jobTemplate").at("spec").at("template");
    let mut texts = warnings::for_template(template, &path);
    let name = metadata(cron_job).text("name");
    let wrong = formats::label(name);
    if !wrong.is_empty() {
        texts.insert(0, format!(
            "metadata.name: this is used in Pod names and hostnames, which can result in surprising behavior; a DNS label is recommended: [{}]",
            wrong.join(" ")
        ));
    }
    texts
}

const COLUMNS: &[Column] = &[
    printing::NAME,
    column("Schedule", "When jobs start, in cron's notation."),
    column("Timezone", "The time zone of the schedule."),
    typed("Suspend", ColumnType::Boolean, "Whether no more jobs start."),
    integer("Active", "How many jobs run now."),
    column("Last Schedule", "How long ago a job was last due."),
    printing::AGE,
    printing::CONTAINERS,
    printing::IMAGES,
    printing::SELECTOR,
];

fn cells(cron_job: &Value, now: Timestamp) -> Vec<Value> {
    let (spec, status) = (cron_job.at("spec"), cron_job.at("status"));
    let job = spec.at("jobTemplate").at("spec");
    let [containers, images] = printing::containers_and_images(job.at("template"));
    let suspend = match spec.at("suspend").as_bool() {
        Some(true) => "True",
        Some(false) => "False",
        None => "<unset>",
    };
    let last = match status.text("lastScheduleTime") {
        "" => NONE.to_owned(),
        time => printing::since(time, now),
    };
    vec![
        printing::name(cron_job),
        spec.text("schedule").into(),
        printing::or_none(spec.text("timeZone")),
        suspend.into(),
        status.list("active").len().into(),
        last.into(),
        printing::age(cron_job, now),
        containers,
        images,
        label_selector::format(job.at("selector")).into(),
    ]
}
