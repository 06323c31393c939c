//! What may be done to a source, and what was.

use jiff::civil::Date;
use podsec_standards::{Check, Safety};

use super::why::Why;
use crate::finding::FileReport;
use crate::images::Images;
use crate::object::ObjectName;

/// What may be done.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options<'o> {
    /// Fixes that may break a program too: see [`podsec_standards::Fix::risk`].
    pub unsafe_fixes: bool,
    /// The day by which exemptions in the source hold: what they allow stays as it is. None to mend it all the same.
    pub today: Option<Date>,
    /// The images that are known: then users are written that the kubelet asks for, as the images have them.
    pub images: Option<&'o Images>,
    /// The ids of the checks whose violations are mended; all when none.
    pub checks: Option<&'o [&'static str]>,
}

/// A source after its fix.
#[derive(Clone, Debug)]
pub struct Fixed {
    /// The text, changed or not.
    pub text: String,
    /// What was done, in the order of the text.
    pub applied: Vec<Applied>,
    /// Fields that break a rule still, in the order of the text.
    pub left: Vec<Left>,
    /// The verdict on the text as it is now.
    pub report: FileReport,
}

/// A change that was made.
#[derive(Clone, Debug)]
pub struct Applied {
    /// The object that carries the pod.
    pub object: ObjectName,
    /// The field in the object, as in `spec.template.spec.hostPID`.
    pub path: String,
    /// What was done to it: `removed`, `set to true`.
    pub action: String,
    /// The rule that asked for it.
    pub check: &'static Check,
    /// How sure it is; unless the manifest proves it, [`podsec_standards::Fix::risk`] says what may break and how to
    /// find out.
    pub safety: Safety,
}

/// A field that breaks a rule and was not mended.
#[derive(Clone, Debug)]
pub struct Left {
    /// The object that carries the pod.
    pub object: ObjectName,
    /// The field in the object.
    pub path: String,
    /// The rule that it breaks.
    pub check: &'static Check,
    /// Why it is as it was.
    pub why: Why,
}
