//! Which types fit each other, and what is learned about unknown ones on the way.

use std::collections::HashMap;
use std::sync::Arc;

use crate::types::Type;

/// What unknown types have been found to be.
#[derive(Clone, Debug, Default)]
pub(super) struct Substitutions {
    known: HashMap<Arc<str>, Type>,
}

impl Substitutions {
    fn find(&self, of: &Type) -> Option<&Type> {
        match of {
            Type::Param(name) => self.known.get(name),
            _ => None,
        }
    }

    /// The type with everything put in that is known; what is not becomes `dyn` when `to_dyn` is set.
    pub(super) fn apply(&self, of: &Type, to_dyn: bool) -> Type {
        match (self.find(of), of) {
            (Some(known), _) => self.apply(known, to_dyn),
            (None, Type::Param(_)) if to_dyn => Type::Dyn,
            _ => of.with_params(|inner| self.apply(inner, to_dyn)),
        }
    }

    /// Whether a value of type `one` may stand where `other` is wanted. What was learned is kept if it may.
    pub(super) fn assign(&mut self, one: &Type, other: &Type) -> bool {
        self.assign_all(&[one], &[other])
    }

    /// The same for several at once.
    pub(super) fn assign_all(&mut self, ones: &[&Type], others: &[&Type]) -> bool {
        let mut attempt = self.clone();
        let fits = attempt.fit_all(ones, others);
        if fits {
            *self = attempt;
        }
        fits
    }

    fn fit_all(&mut self, ones: &[&Type], others: &[&Type]) -> bool {
        ones.len() == others.len() && ones.iter().zip(others).all(|(one, other)| self.fit(one, other))
    }

    fn fit(&mut self, one: &Type, other: &Type) -> bool {
        if matches!(other, Type::Param(_)) {
            match self.substitute(one, other) {
                (true, _) => return true,
                (false, true) => return false,
                (false, false) => {}
            }
        }
        if matches!(one, Type::Param(_)) {
            return self.substitute(other, one).0;
        }
        if one.is_dynamic() || other.is_dynamic() {
            return true;
        }
        match (one, other) {
            (Type::Null, wanted) | (wanted, Type::Null) => wanted.is_nullable(),
            (Type::Type(_), Type::Type(_)) => true,
            (Type::List(_), Type::List(_))
            | (Type::Map(..), Type::Map(..))
            | (Type::Opaque(..), Type::Opaque(..)) => {
                one.name() == other.name() && self.fit_all(&one.params(), &other.params())
            }
            _ => one == other,
        }
    }

    /// Whether the placeholder `param` can be `to`, and whether something was known of it before.
    fn substitute(&mut self, to: &Type, param: &Type) -> (bool, bool) {
        if to == param {
            return (true, true);
        }
        let Type::Param(name) = param else { return (false, false) };
        if let Some(known) = self.find(param).cloned() {
            if *to == known {
                return (true, true);
            }
            if self.fit(to, &known) {
                let general = most_general(to, &known);
                if self.is_absent(param, &general) {
                    self.known.insert(Arc::clone(name), general);
                }
                return (true, true);
            }
            return (false, true);
        }
        if self.is_absent(param, to) {
            self.known.insert(Arc::clone(name), to.clone());
            return (true, false);
        }
        (false, false)
    }

    /// Whether a placeholder does not stand in a type, so that it can become it.
    fn is_absent(&self, param: &Type, within: &Type) -> bool {
        if param == within {
            return false;
        }
        match within {
            Type::Param(_) => self.find(within).is_none_or(|known| self.is_absent(param, known)),
            _ => within.params().into_iter().all(|inner| self.is_absent(param, inner)),
        }
    }
}

impl Type {
    /// Whether nothing can be said against it before it is run.
    pub(super) fn is_dynamic(&self) -> bool {
        matches!(self, Self::Dyn | Self::Error)
    }

    fn is_nullable(&self) -> bool {
        matches!(self, Self::Null | Self::Opaque(..) | Self::Struct(_) | Self::Duration | Self::Timestamp)
    }
}

/// The less definite of two types that fit each other.
pub(super) fn most_general(one: &Type, other: &Type) -> Type {
    if is_as_general(one, other) { one.clone() } else { other.clone() }
}

fn is_as_general(one: &Type, other: &Type) -> bool {
    match (one, other) {
        (Type::Dyn | Type::Param(_), _) | (Type::Type(_), Type::Type(_)) => true,
        (_, Type::Dyn | Type::Param(_)) => false,
        (Type::List(_), Type::List(_))
        | (Type::Map(..), Type::Map(..))
        | (Type::Opaque(..), Type::Opaque(..)) => {
            one.name() == other.name()
                && one.params().len() == other.params().len()
                && one.params().into_iter().zip(other.params()).all(|(one, other)| is_as_general(one, other))
        }
        _ => one == other,
    }
}
