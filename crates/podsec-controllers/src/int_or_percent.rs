//! Numbers that may be told as a share of another.

use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;

/// Which way a share of pods is rounded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Round {
    Up,
    Down,
}

/// `3` is 3 of anything, `25%` a quarter of `total`. `None` for a text that is no percentage.
pub(crate) fn scaled(value: &IntOrString, total: i32, round: Round) -> Option<i32> {
    match value {
        IntOrString::Int(number) => Some(*number),
        IntOrString::String(text) => {
            let percent: i64 = text.strip_suffix('%')?.parse().ok()?;
            let product = percent.checked_mul(total.into())?;
            let scaled = match round {
                Round::Up => product.checked_add(99)?.div_euclid(100),
                Round::Down => product.div_euclid(100),
            };
            i32::try_from(scaled).ok()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_either_way() {
        let percent = |text: &str| IntOrString::String(text.to_owned());
        assert_eq!(scaled(&percent("25%"), 3, Round::Up), Some(1));
        assert_eq!(scaled(&percent("25%"), 3, Round::Down), Some(0));
        assert_eq!(scaled(&percent("100%"), 7, Round::Up), Some(7));
        assert_eq!(scaled(&IntOrString::Int(5), 3, Round::Up), Some(5));
        assert_eq!(scaled(&percent("many"), 3, Round::Up), None);
    }
}
