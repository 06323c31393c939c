//! A list that needs no allocation while it is short.

/// Most lists in a pod hold one element or none: those are kept in place.
#[derive(Clone, Debug, Default)]
pub(crate) enum List<T> {
    #[default]
    Empty,
    One(T),
    Many(Vec<T>),
}

impl<T> List<T> {
    pub(crate) fn as_slice(&self) -> &[T] {
        match self {
            Self::Empty => &[],
            Self::One(element) => core::slice::from_ref(element),
            Self::Many(elements) => elements,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.as_slice().is_empty()
    }

    pub(crate) fn iter(&self) -> core::slice::Iter<'_, T> {
        self.as_slice().iter()
    }

    pub(crate) fn get_mut(&mut self, index: usize) -> Option<&mut T> {
        match self {
            Self::Empty => None,
            Self::One(element) => (index == 0).then_some(element),
            Self::Many(elements) => elements.get_mut(index),
        }
    }

    pub(crate) fn push(&mut self, element: T) {
        *self = match core::mem::take(self) {
            Self::Empty => Self::One(element),
            Self::One(first) => Self::Many(vec![first, element]),
            Self::Many(mut elements) => {
                elements.push(element);
                Self::Many(elements)
            }
        };
    }

    pub(crate) fn truncate(&mut self, length: usize) {
        match self {
            Self::Many(elements) => elements.truncate(length),
            Self::One(_) if length == 0 => *self = Self::Empty,
            Self::One(_) | Self::Empty => {}
        }
    }
}
