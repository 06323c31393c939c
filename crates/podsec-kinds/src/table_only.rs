//! Kinds that behave as any other and are only shown in their own way.

use crate::generic::BASE;
use crate::strategy::Strategy;

/// ComponentStatuses, of which there are none.
pub(crate) static COMPONENT_STATUSES: Strategy = Strategy {
    resource: "componentstatuses",
    deprecation: Some("v1 ComponentStatus is deprecated in v1.19+"),
    ..BASE
};
