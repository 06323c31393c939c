//! What a call of each function may cost, by the sizes of its arguments.

use crate::cost_range::{CostRange, SizeHints};
use crate::library::{costs, selector_cost_range};
use crate::opaque::named_format::LONGEST_REGEX as FORMAT_REGEX_SIZE;
use crate::syntax::ast::{Expr, Literal};
use crate::types::Type;

/// What a call may cost, and the size of what it yields where that has one.
pub(super) struct Estimate {
    pub(super) cost: CostRange,
    pub(super) result: Option<CostRange>,
}

impl Estimate {
    pub(super) fn plus(self, cost: CostRange) -> Self {
        Self { cost: self.cost.plus(cost), ..self }
    }

    fn with_result(cost: CostRange, result: CostRange) -> Self {
        Self { cost, result: Some(result) }
    }
}

impl From<CostRange> for Estimate {
    fn from(cost: CostRange) -> Self {
        Self { cost, result: None }
    }
}

/// An argument.
pub(super) struct Node<'x> {
    expr: &'x Expr,
    of: Type,
    path: Option<Vec<String>>,
    size: Option<CostRange>,
}

impl<'x> Node<'x> {
    pub(super) fn new(expr: &'x Expr, of: Type, path: Option<Vec<String>>, size: Option<CostRange>) -> Self {
        Self { expr, of, path, size }
    }

    pub(super) fn expr(&self) -> &'x Expr {
        self.expr
    }

    pub(super) fn size_or_unknown(&self) -> CostRange {
        self.size.unwrap_or(CostRange::UNKNOWN)
    }

    /// The same, asking what is known of the path when nothing is computed.
    fn size(&self, hints: &dyn SizeHints) -> CostRange {
        self.size.or_else(|| hints.size(self.path.as_deref(), &self.of)).unwrap_or(CostRange::UNKNOWN)
    }

    /// The type and size of an element; `None` for what holds none.
    fn element(&self, hints: &dyn SizeHints) -> Option<(Type, CostRange)> {
        let of = self.of.params().into_iter().next()?.clone();
        let path = self.path.clone().map(|mut path| {
            path.push("@items".to_owned());
            path
        });
        let size = hints.size(path.as_deref(), &of).unwrap_or(CostRange::UNKNOWN);
        Some((of, size))
    }

    fn integer(&self, otherwise: u64) -> u64 {
        match self.expr.literal() {
            Some(Literal::Int(number)) => u64::try_from(*number).unwrap_or(0),
            _ => otherwise,
        }
    }
}

const ONE: CostRange = CostRange::fixed(1);

/// Kubernetes' libraries and the lists' extensions; `None` for every other function.
pub(super) fn of_library(
    hints: &dyn SizeHints,
    (function, overload): (&str, &str),
    target: Option<&Node<'_>>,
    args: &[Node<'_>],
) -> Option<Estimate> {
    if let Some(estimate) = of_list_overload(hints, overload, target, args) {
        return Some(estimate);
    }
    let first = || args.first().map(|arg| arg.size(hints));
    let estimate = match function {
        "check" => CostRange::fixed(costs::AUTHORIZATION).into(),
        _ if costs::is_constant(function) => ONE.into(),
        "fieldSelector" | "labelSelector" if args.len() == 1 => selector_cost_range(first()?).into(),
        "isSorted" | "sum" | "max" | "min" | "indexOf" | "lastIndexOf" => traversal(hints, target?),
        "url" | "jsonpatch.escapeKey" if args.len() == 1 => {
            let size = first()?;
            Estimate::with_result(size.scaled(0.1), size)
        }
        "lowerAscii" | "upperAscii" | "substring" | "trim" => {
            let size = target?.size(hints);
            Estimate::with_result(size.scaled(0.1), size)
        }
        "replace" if args.len() >= 2 => {
            replace(target?.size(hints), args[0].size(hints), args[1].size(hints))
        }
        "split" => {
            let size = target?.size(hints);
            let limit = args.get(1).filter(|arg| matches!(arg.expr.literal(), Some(Literal::Int(_))));
            #[expect(clippy::cast_sign_loss, reason = "a negative limit is none, and wraps to a huge one")]
            let max = match limit.and_then(|arg| arg.expr.literal()) {
                Some(Literal::Int(limit)) => *limit as u64,
                _ => size.max,
            };
            Estimate::with_result(size.scaled(0.2), CostRange { min: 0, max })
        }
        "join" => join(hints, target?, args),
        "find" | "findAll" if !args.is_empty() => {
            let size = target?.size(hints);
            let cost = size.plus(ONE).scaled(0.1).times(first()?.scaled(0.25));
            Estimate::with_result(cost, CostRange { min: 0, max: size.max })
        }
        "ip" if overload == "cidr_ip" => ONE.into(),
        "cidr" | "isIP" | "isCIDR" | "ip" | "quantity" | "isQuantity" | "semver" | "isSemver"
            if !args.is_empty() =>
        {
            first()?.scaled(0.1).into()
        }
        "ip.isCanonical" if !args.is_empty() => first()?.scaled(0.2).into(),
        "containsIP" | "containsCIDR" if !args.is_empty() => {
            let address = CostRange { min: 4, max: 16 };
            let mut cost = address.plus(address).scaled(0.1);
            if function == "containsCIDR" {
                cost = cost.plus(address.scaled(0.1)).plus(ONE);
            }
            if matches!(overload, "cidr_contains_ip_string" | "cidr_contains_cidr_string") {
                cost = cost.plus(first()?.scaled(0.1));
            }
            cost.into()
        }
        "validate" if !args.is_empty() => {
            #[expect(clippy::cast_precision_loss, reason = "a small constant")]
            let regex = FORMAT_REGEX_SIZE as f64 * 0.25;
            first()?.scaled(0.1).scaled(regex).into()
        }
        "_==_" => return equality(args),
        _ => return None,
    };
    Some(estimate)
}

/// `==` of what only functions look into.
fn equality(args: &[Node<'_>]) -> Option<Estimate> {
    let [left, right] = args else { return None };
    if left.of != right.of {
        return None;
    }
    match &left.of {
        Type::Opaque(name, _) if matches!(&**name, "net.IP" | "net.CIDR") => Some(ONE.into()),
        Type::Struct(name) => match &**name {
            "kubernetes.Quantity" | "kubernetes.Semver" => Some(ONE.into()),
            "kubernetes.NamedFormat" => Some(CostRange { min: 1, max: 64 }.scaled(0.1).into()),
            "kubernetes.URL" => {
                let max = right.size.map_or(1, |size| size.max);
                Some(CostRange { min: 1, max }.scaled(0.1).into())
            }
            name if name.starts_with("kubernetes.authorization.") => Some(ONE.into()),
            _ => None,
        },
        _ => None,
    }
}

fn traversal(hints: &dyn SizeHints, target: &Node<'_>) -> Estimate {
    let size = target.size(hints);
    match target.element(hints) {
        Some((of, element)) => {
            let mut each = ONE;
            if matches!(of, Type::String | Type::Bytes) {
                each = each.plus(element.scaled(0.1));
            }
            size.times(each).into()
        }
        None => size.scaled(0.1).into(),
    }
}

/// The result is longest when the shortest text is replaced by the longest one as often as it fits, and the reverse.
#[expect(
    clippy::cast_precision_loss,
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "estimates are rounded as Kubernetes' are, in doubles"
)]
fn replace(text: CostRange, old: CostRange, new: CostRange) -> Estimate {
    let fits = |text: u64, part: u64| (text as f64 / part as f64).ceil() as u64;
    let (mut count, mut kept) = (CostRange::fixed(0), CostRange::fixed(0));
    if old.min == 0 {
        count.max = text.max.saturating_add(1);
        kept.max = text.max;
    } else if new.max <= old.min {
        kept.max = text.max;
    } else {
        count.max = fits(text.max, old.min);
    }
    if old.max == 0 {
        count.min = text.min.saturating_add(1);
        kept.min = text.min;
    } else if old.max <= new.min {
        kept.min = text.min;
    } else {
        count.min = fits(text.min, old.max);
    }
    Estimate::with_result(text.scaled(0.2), count.times(new).plus(kept))
}

fn join(hints: &dyn SizeHints, target: &Node<'_>, args: &[Node<'_>]) -> Estimate {
    let list = target.size(hints);
    let mut size = match target.element(hints) {
        Some((_, element)) => list.times(element),
        None => CostRange::fixed(0),
    };
    if let Some(separator) = args.first() {
        let gaps = CostRange { min: list.min.saturating_sub(1), max: list.max.saturating_sub(1) };
        size = size.plus(separator.size(hints).times(gaps));
    }
    Estimate::with_result(size.scaled(0.1), size)
}

/// Functions on lists that make new ones.
fn of_list_overload(
    hints: &dyn SizeHints,
    overload: &str,
    target: Option<&Node<'_>>,
    args: &[Node<'_>],
) -> Option<Estimate> {
    let allocating = |factor: f64, size: CostRange| {
        Estimate::with_result(size.scaled(factor).plus(CostRange::fixed(11)), size)
    };
    let compared = |node: &Node<'_>, text: bool| {
        let size = node.size(hints);
        allocating(if text { 2.1 } else { 2.0 }, size.times(size))
    };
    let text = overload.starts_with("list_string_") || overload.starts_with("list_bytes_");
    Some(match overload {
        "list_slice" => {
            let size = target?.size(hints);
            let start = args.first()?.integer(0);
            let end = args.get(1)?.integer(size.max);
            allocating(1.0, CostRange::fixed(end.wrapping_sub(start)))
        }
        "lists_range" => allocating(1.0, CostRange::fixed(args.first()?.integer(u64::MAX))),
        "list_reverse" => allocating(1.0, target?.size(hints)),
        "list_flatten" | "list_flatten_int" => {
            #[expect(clippy::cast_precision_loss, reason = "a depth that large costs too much either way")]
            let depth = args.first().map_or(1.0, |depth| depth.integer(u64::MAX) as f64);
            allocating(depth, target?.size(hints))
        }
        "list_sets_contains_list" | "list_sets_intersects_list" | "list_sets_equivalent_list" => {
            let factor = if overload == "list_sets_equivalent_list" { 2.0 } else { 1.0 };
            let product = args.first()?.size(hints).times(args.get(1)?.size(hints));
            product.scaled(factor).plus(ONE).into()
        }
        "list_distinct" => compared(target?, false),
        _ if overload.ends_with("_sortByAssociatedKeys") => compared(args.first()?, text),
        _ if overload.starts_with("list_") && overload.ends_with("_sort") => compared(target?, text),
        _ => return None,
    })
}

/// The functions of CEL itself.
pub(super) fn of_standard(overload: &str, target: Option<&Node<'_>>, args: &[Node<'_>]) -> Estimate {
    let first = args.first().map_or(CostRange::UNKNOWN, Node::size_or_unknown);
    let second = args.get(1).map_or(CostRange::UNKNOWN, Node::size_or_unknown);
    match (overload, target, args.len()) {
        ("string_format", Some(target), _) => target.size_or_unknown().scaled(0.1).into(),
        ("string_to_bytes", _, 1) => {
            let size = CostRange { min: first.min, max: first.max.wrapping_mul(4) };
            Estimate::with_result(first.scaled(0.1), size)
        }
        ("bytes_to_string", _, 1) => {
            Estimate::with_result(first.scaled(0.1), CostRange { min: first.min / 4, max: first.max })
        }
        ("strings_quote", _, 1) => {
            let max = first.max.wrapping_mul(2).wrapping_add(2);
            let size = CostRange { min: first.min.saturating_add(2), max };
            Estimate::with_result(first.scaled(0.1), size)
        }
        ("starts_with_string" | "ends_with_string", _, 1) => first.scaled(0.1).into(),
        ("in_list", _, 2) => second.scaled(1.0).into(),
        ("matches_string", Some(target), 1) => {
            let text = target.size_or_unknown().plus(ONE).scaled(0.1);
            text.times(first.scaled(0.25)).into()
        }
        ("contains_string", Some(target), 1) => {
            target.size_or_unknown().scaled(0.1).times(first.scaled(0.1)).into()
        }
        (
            "less_string"
            | "greater_string"
            | "less_equals_string"
            | "greater_equals_string"
            | "less_bytes"
            | "greater_bytes"
            | "less_equals_bytes"
            | "greater_equals_bytes"
            | "equals"
            | "not_equals",
            _,
            _,
        ) => {
            let max = first.max.min(second.max);
            CostRange { min: u64::from(max > 0), max }.scaled(0.1).into()
        }
        _ => ONE.into(),
    }
}
