//! CronJobs.

use jiff::Timestamp;
use podsec_apimachinery::field::{Error, Path};
use serde_json::{Value, json};

use crate::batch::{cron_schedule, job_spec, time_zones};
use crate::generic::BASE;
use crate::object::{Fields, FieldsMut, metadata};
use crate::pod_spec::defaults;
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
        errors.extend(validate_spec(cron_job, None));
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
        errors.extend(validate_spec(cron_job, Some(old)));
        errors
    },
    warnings_on_create: |cron_job| {
        let mut warnings: Vec<String> = workload::name_warning(cron_job).into_iter().collect();
        warnings.extend(template_warnings(cron_job));
        warnings
    },
    warnings_on_update: |cron_job, old| {
        let generation = |object| metadata(object).number("generation");
        let changed = generation(cron_job) != generation(old);
        let mut warnings = if changed { template_warnings(cron_job) } else { Vec::new() };
        if cron_job.at("spec").text("schedule").contains("TZ") {
            let why = "cannot use TZ or CRON_TZ in spec.spec.schedule, use timeZone instead, see https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/ for more details";
            warnings.push(why.to_owned());
        }
        warnings
    },
    subresources: &[STATUS],
    columns: COLUMNS,
    cells,
    ..BASE
};

const STATUS: Subresource = Subresource {
    name: "status",
    prepare_for_update: workload::keep_all_but_status,
    validate_update: meta::common_update,
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

fn validate_spec(cron_job: &Value, old: Option<&Value>) -> Vec<Error> {
    let spec = cron_job.at("spec");
    let path = Path::new("spec");
    let mut errors = Vec::new();
    let schedule = spec.text("schedule");
    let zone = spec.at("timeZone");
    let schedule_path = path.child("schedule");
    if schedule.is_empty() {
        errors.push(Error::required(schedule_path, ""));
    } else {
        let mut refuse =
            |why: &str| errors.push(Error::invalid(schedule_path.clone(), &schedule.into(), why));
        if let Err(wrong) = cron_schedule::check(schedule) {
            refuse(&wrong);
        }
        // A zone in the schedule was possible once, and may stay where it is.
        let had_zone = old.is_some_and(|old| old.at("spec").text("schedule").contains("TZ"));
        if schedule.contains("TZ") {
            if !had_zone {
                refuse("cannot use TZ or CRON_TZ in schedule, use timeZone field instead");
            } else if !zone.is_null() {
                refuse("cannot use both timeZone field and TZ or CRON_TZ in schedule");
            }
        }
    }
    errors.extend(workload::nonnegative(spec, &["startingDeadlineSeconds"], &path));
    if let Some(zone) = zone.as_str()
        && old.is_none_or(|old| old.at("spec").at("timeZone") != zone)
    {
        errors.extend(time_zones::validate(zone, &path.child("timeZone")));
    }
    errors.extend(formats::one_of(
        &path.child("concurrencyPolicy"),
        spec.text("concurrencyPolicy"),
        &["Allow", "Forbid", "Replace"],
    ));
    let template = spec.at("jobTemplate").at("spec");
    let template_path = path.child("jobTemplate").child("spec");
    errors.extend(job_spec::validate(template, &template_path));
    if template.has("selector") {
        let detail = "`selector` will be auto-generated";
        errors.push(Error::invalid(template_path.child("selector"), template.at("selector"), detail));
    }
    if template.flag("manualSelector") {
        let path = template_path.child("manualSelector");
        errors.push(Error::not_supported(path, &true.into(), &["nil", "false"]));
    }
    let limits = ["successfulJobsHistoryLimit", "failedJobsHistoryLimit"];
    errors.extend(workload::nonnegative(spec, &limits, &path));
    errors
}

fn template_warnings(cron_job: &Value) -> Vec<String> {
    let path = Path::new("spec").child("jobTemplate").child("spec");
    job_spec::warnings(cron_job.at("spec").at("jobTemplate").at("spec"), &path)
}

const COLUMNS: &[Column] = &[
    printing::NAME,
    column("Schedule", "The schedule in Cron format, see https://en.wikipedia.org/wiki/Cron."),
    column(
        "Timezone",
        "The time zone name for the given schedule, see \
         https://en.wikipedia.org/wiki/List_of_tz_database_time_zones. If not specified, this will default \
         to the time zone of the kube-controller-manager process. The set of valid time zone names and the \
         time zone offset is loaded from the system-wide time zone database by the API server during CronJob \
         validation and the controller manager during execution. If no system-wide time zone database can be \
         found a bundled version of the database is used instead. If the time zone name becomes invalid \
         during the lifetime of a CronJob or due to a change in host configuration, the controller will stop \
         creating new new Jobs and will create a system event with the reason UnknownTimeZone. More \
         information can be found in \
         https://kubernetes.io/docs/concepts/workloads/controllers/cron-jobs/#time-zones",
    ),
    typed(
        "Suspend",
        ColumnType::Boolean,
        "This flag tells the controller to suspend subsequent executions, it does not apply to already \
         started executions.  Defaults to false.",
    ),
    integer("Active", "A list of pointers to currently running jobs."),
    column("Last Schedule", "Information when was the last time the job was successfully scheduled."),
    printing::AGE,
    printing::CONTAINERS,
    printing::IMAGES,
    super::jobs::SELECTOR,
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
