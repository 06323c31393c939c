//! What expressions may cost, in Kubernetes' units: one is about fifty nanoseconds on a machine of 2021.

/// One evaluation of one expression.
pub const PER_CALL: u64 = 1_000_000;
/// All expressions of a policy for one request, or of a definition for one object.
pub const PER_OBJECT: u64 = 10_000_000;
/// All match conditions of one webhook or policy for one request.
pub const MATCH_CONDITIONS: u64 = 2_500_000;
/// What one rule of a definition may be estimated to cost, times how often it may apply.
pub const RULE_ESTIMATE: u64 = 10_000_000;
/// What all rules of one version of a definition may be estimated to cost.
pub const DEFINITION_ESTIMATE: u64 = 100_000_000;
