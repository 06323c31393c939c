//! Why a text cannot be read on, and where.

/// The text cannot be read on. In a box, so that success costs nothing.
#[derive(Debug)]
pub(crate) struct Failure(pub(crate) Box<Fault>);

/// What went wrong, and where.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) problem: Problem,
    /// The byte at which it went wrong.
    pub(crate) at: usize,
    /// The names and places that lead there, the innermost first.
    pub(crate) path: Vec<Step>,
}

#[derive(Debug)]
pub(crate) enum Problem {
    /// The text is no JSON.
    Syntax(&'static str),
    /// A value is not of the type of its field.
    Type { expected: &'static str, found: String },
}

#[derive(Debug)]
pub(crate) enum Step {
    Member(String),
    Element(usize),
}

impl Failure {
    #[cold]
    pub(super) fn new(at: usize, problem: Problem) -> Self {
        Self(Box::new(Fault { problem, at, path: Vec::new() }))
    }

    #[cold]
    pub(super) fn inside(mut self, step: Step) -> Self {
        self.0.path.push(step);
        self
    }

    #[cold]
    pub(super) fn inside_member(self, name: &str) -> Self {
        self.inside(Step::Member(name.to_owned()))
    }
}
