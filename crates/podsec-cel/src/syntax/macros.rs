//! Macros: calls that become loops, tests of presence and bindings while the text is parsed.

use super::ast::{ACCUMULATOR, Comprehension, Expr, Id, Kind, Literal, UNUSED};
use super::nodes::Nodes;

/// The expansion of the macro of this name and number of arguments, or a plain call when there is none.
pub(super) fn expand_or_call(
    nodes: &mut Nodes<'_>,
    id: Id,
    function: &str,
    target: Option<Expr>,
    args: Vec<Expr>,
) -> Expr {
    let offset = nodes.offset(id);
    let plain = nodes.dialect.plain;
    let mut builder = Builder { nodes, offset };
    let expanded = match (target, function, args.len()) {
        (None, "has", 1) => builder.has(args),
        (Some(target), "all" | "exists" | "exists_one" | "existsOne", 2) => {
            builder.quantifier(function, target, None, args)
        }
        (Some(target), "map", 2 | 3) => builder.map(target, args),
        (Some(target), "filter", 2) => builder.filter(target, args),
        (Some(target), "optMap" | "optFlatMap", 2) if !plain => builder.optional_map(function, target, args),
        (Some(target), "sortBy", 2) if !plain => builder.sort_by(target, args),
        (Some(target), "all" | "exists" | "exists_one" | "existsOne", 3) if !plain => {
            builder.with_second(target, args, |builder, target, second, args| {
                builder.quantifier(function, target, Some(second), args)
            })
        }
        (Some(target), "transformList" | "transformMap" | "transformMapEntry", 3 | 4) if !plain => builder
            .with_second(target, args, |builder, target, second, args| {
                builder.transform(function, target, second, args)
            }),
        (target, _, _) => {
            let target = target.map(Box::new);
            return Expr { id, kind: Kind::Call { function: function.to_owned(), target, args } };
        }
    };
    // The error is noted; the rest of the text is parsed for more.
    expanded.unwrap_or_else(|(offset, message)| {
        nodes.report(offset, message);
        nodes.node(offset, Kind::Literal(Literal::Null))
    })
}

/// The offset and words of an error.
type Refusal = (usize, String);

/// Makes nodes that stand where the macro is called.
struct Builder<'p, 'e> {
    nodes: &'p mut Nodes<'e>,
    offset: usize,
}

/// How a comprehension goes, its range and variables aside.
struct Loop {
    accumulator: String,
    init: Expr,
    condition: Expr,
    step: Expr,
    result: Expr,
}

impl Builder<'_, '_> {
    fn node(&mut self, kind: Kind) -> Expr {
        self.nodes.node(self.offset, kind)
    }

    fn literal(&mut self, literal: Literal) -> Expr {
        self.node(Kind::Literal(literal))
    }

    fn ident(&mut self, name: &str) -> Expr {
        self.node(Kind::Ident(name.to_owned()))
    }

    fn accumulator(&mut self) -> Expr {
        self.ident(ACCUMULATOR)
    }

    fn call(&mut self, function: &str, args: Vec<Expr>) -> Expr {
        self.node(Kind::Call { function: function.to_owned(), target: None, args })
    }

    fn member_call(&mut self, function: &str, target: Expr, args: Vec<Expr>) -> Expr {
        self.node(Kind::Call { function: function.to_owned(), target: Some(Box::new(target)), args })
    }

    fn comprehension(&mut self, range: Expr, variable: String, second: Option<String>, steps: Loop) -> Expr {
        let Loop { accumulator, init, condition, step, result } = steps;
        self.node(Kind::Comprehension(Box::new(Comprehension {
            range,
            variable,
            second,
            accumulator,
            init,
            condition,
            step,
            result,
        })))
    }

    fn refusal(&self, node: &Expr, message: &str) -> Refusal {
        (self.nodes.offset(node.id), message.to_owned())
    }

    /// The name of an iteration variable.
    fn variable(&self, node: &Expr, otherwise: &str) -> Result<String, Refusal> {
        match &node.kind {
            Kind::Ident(name) if name == ACCUMULATOR || name == "__result__" => {
                Err(self.refusal(node, "iteration variable overwrites accumulator variable"))
            }
            Kind::Ident(name) => Ok(name.clone()),
            _ => Err(self.refusal(node, otherwise)),
        }
    }

    /// `has(a.b)`: whether `a` has the field `b`.
    fn has(&mut self, mut args: Vec<Expr>) -> Result<Expr, Refusal> {
        match args.pop() {
            Some(Expr { kind: Kind::Select { operand, field, test: false }, .. }) => {
                Ok(self.node(Kind::Select { operand, field, test: true }))
            }
            Some(other) => Err(self.refusal(&other, "invalid argument to has() macro")),
            None => Err((self.offset, "invalid argument to has() macro".to_owned())),
        }
    }

    /// Takes the second variable out of the arguments.
    fn with_second(
        &mut self,
        target: Expr,
        mut args: Vec<Expr>,
        expand: impl FnOnce(&mut Self, Expr, String, Vec<Expr>) -> Result<Expr, Refusal>,
    ) -> Result<Expr, Refusal> {
        let first = self.variable(&args[0], SIMPLE_NAME)?;
        let node = args.remove(1);
        let second = self.variable(&node, SIMPLE_NAME)?;
        if first == second {
            return Err(self.refusal(&node, &format!("duplicate variable name: {first}")));
        }
        expand(self, target, second, args)
    }

    /// `all`, `exists` and `exists_one`.
    fn quantifier(
        &mut self,
        function: &str,
        target: Expr,
        second: Option<String>,
        mut args: Vec<Expr>,
    ) -> Result<Expr, Refusal> {
        let variable = self.variable(&args[0], SIMPLE_NAME)?;
        let predicate = args.remove(1);
        let steps = match function {
            "all" => {
                let init = self.literal(Literal::Bool(true));
                let so_far = self.accumulator();
                let condition = self.call("@not_strictly_false", vec![so_far]);
                let so_far = self.accumulator();
                let step = self.call("_&&_", vec![so_far, predicate]);
                (init, condition, step, self.accumulator())
            }
            "exists" => {
                let init = self.literal(Literal::Bool(false));
                let so_far = self.accumulator();
                let none = self.call("!_", vec![so_far]);
                let condition = self.call("@not_strictly_false", vec![none]);
                let so_far = self.accumulator();
                let step = self.call("_||_", vec![so_far, predicate]);
                (init, condition, step, self.accumulator())
            }
            _ => {
                let init = self.literal(Literal::Int(0));
                let condition = self.literal(Literal::Bool(true));
                let (so_far, one) = (self.accumulator(), self.literal(Literal::Int(1)));
                let more = self.call("_+_", vec![so_far, one]);
                let same = self.accumulator();
                let step = self.call("_?_:_", vec![predicate, more, same]);
                let (count, one) = (self.accumulator(), self.literal(Literal::Int(1)));
                (init, condition, step, self.call("_==_", vec![count, one]))
            }
        };
        let (init, condition, step, result) = steps;
        let steps = Loop { accumulator: ACCUMULATOR.to_owned(), init, condition, step, result };
        Ok(self.comprehension(target, variable, second, steps))
    }

    /// A loop that adds to a list or map; with `filter` only where it holds.
    fn gather(
        &mut self,
        range: Expr,
        variables: (String, Option<String>),
        init: Expr,
        step: Expr,
        filter: Option<Expr>,
    ) -> Expr {
        let condition = self.literal(Literal::Bool(true));
        let step = match filter {
            Some(filter) => {
                let same = self.accumulator();
                self.call("_?_:_", vec![filter, step, same])
            }
            None => step,
        };
        let result = self.accumulator();
        let steps = Loop { accumulator: ACCUMULATOR.to_owned(), init, condition, step, result };
        self.comprehension(range, variables.0, variables.1, steps)
    }

    /// `accumulator + [element]`.
    fn append(&mut self, element: Expr) -> Expr {
        let so_far = self.accumulator();
        let list = self.node(Kind::List(vec![(element, false)]));
        self.call("_+_", vec![so_far, list])
    }

    fn map(&mut self, target: Expr, mut args: Vec<Expr>) -> Result<Expr, Refusal> {
        let variable = self.variable(&args[0], "argument is not an identifier")?;
        let filter = (args.len() == 3).then(|| args.remove(1));
        let transform = args.remove(1);
        let init = self.node(Kind::List(Vec::new()));
        let step = self.append(transform);
        Ok(self.gather(target, (variable, None), init, step, filter))
    }

    fn filter(&mut self, target: Expr, mut args: Vec<Expr>) -> Result<Expr, Refusal> {
        let variable = self.variable(&args[0], "argument is not an identifier")?;
        let predicate = args.remove(1);
        let init = self.node(Kind::List(Vec::new()));
        let step = self.append(args.remove(0));
        Ok(self.gather(target, (variable, None), init, step, Some(predicate)))
    }

    /// `transformList`, `transformMap` and `transformMapEntry`.
    fn transform(
        &mut self,
        function: &str,
        target: Expr,
        second: String,
        mut args: Vec<Expr>,
    ) -> Result<Expr, Refusal> {
        let variable = self.variable(&args[0], SIMPLE_NAME)?;
        let filter = (args.len() == 3).then(|| args.remove(1));
        let transform = args.remove(1);
        let (init, step) = match function {
            "transformList" => (self.node(Kind::List(Vec::new())), self.append(transform)),
            "transformMap" => {
                let (so_far, key) = (self.accumulator(), self.ident(&variable));
                let step = self.call("cel.@mapInsert", vec![so_far, key, transform]);
                (self.node(Kind::Map(Vec::new())), step)
            }
            _ => {
                let so_far = self.accumulator();
                let step = self.call("cel.@mapInsert", vec![so_far, transform]);
                (self.node(Kind::Map(Vec::new())), step)
            }
        };
        Ok(self.gather(target, (variable, Some(second)), init, step, filter))
    }

    /// Gives `value` the name `variable` within `body`.
    fn bind(&mut self, variable: &str, value: Expr, body: Expr) -> Expr {
        let range = self.node(Kind::List(Vec::new()));
        let condition = self.literal(Literal::Bool(false));
        let step = self.ident(variable);
        let steps = Loop { accumulator: variable.to_owned(), init: value, condition, step, result: body };
        self.comprehension(range, UNUSED.to_owned(), None, steps)
    }

    /// `optMap` and `optFlatMap`: what the second argument makes of the value, if there is one.
    fn optional_map(&mut self, function: &str, target: Expr, mut args: Vec<Expr>) -> Result<Expr, Refusal> {
        let Kind::Ident(variable) = args[0].kind.clone() else {
            let message = format!("{function}() variable name must be a simple identifier");
            return Err(self.refusal(&args[0], &message));
        };
        let body = args.remove(1);
        let again = self.copy(&target);
        let value = self.member_call("value", again, Vec::new());
        let mut mapped = self.bind(&variable, value, body);
        if function == "optMap" {
            mapped = self.call("optional.of", vec![mapped]);
        }
        let present = self.member_call("hasValue", target, Vec::new());
        let none = self.call("optional.none", Vec::new());
        Ok(self.call("_?_:_", vec![present, mapped, none]))
    }

    /// `sortBy`: the list, ordered by what the second argument makes of each element.
    fn sort_by(&mut self, target: Expr, args: Vec<Expr>) -> Result<Expr, Refusal> {
        const INPUT: &str = "@__sortBy_input__";
        if matches!(target.kind, Kind::Literal(_) | Kind::Map(_) | Kind::Struct { .. }) {
            let message =
                "sortBy can only be applied to a list, identifier, comprehension, call or select expression";
            return Err(self.refusal(&target, message));
        }
        let (input, again) = (self.ident(INPUT), self.ident(INPUT));
        let keys = self.map(again, args)?;
        let sorted = self.member_call("@sortByAssociatedKeys", input, vec![keys]);
        Ok(self.bind(INPUT, target, sorted))
    }

    /// The same tree under new numbers, as every node's type is kept by its number.
    fn copy(&mut self, node: &Expr) -> Expr {
        let offset = self.nodes.offset(node.id);
        if self.nodes.is_full() {
            // Copies of copies grow twofold at each level; the nodes have noted that the expression is too large.
            return Expr { id: node.id, kind: Kind::Literal(Literal::Null) };
        }
        let kind = match &node.kind {
            Kind::Literal(_) | Kind::Ident(_) => node.kind.clone(),
            Kind::Select { operand, field, test } => {
                Kind::Select { operand: Box::new(self.copy(operand)), field: field.clone(), test: *test }
            }
            Kind::Call { function, target, args } => Kind::Call {
                function: function.clone(),
                target: target.as_ref().map(|target| Box::new(self.copy(target))),
                args: args.iter().map(|arg| self.copy(arg)).collect(),
            },
            Kind::List(elements) => Kind::List(
                elements.iter().map(|(element, optional)| (self.copy(element), *optional)).collect(),
            ),
            Kind::Map(entries) => {
                let mut copies = entries.clone();
                for entry in &mut copies {
                    entry.key = self.copy(&entry.key);
                    entry.value = self.copy(&entry.value);
                }
                Kind::Map(copies)
            }
            Kind::Struct { name, fields } => {
                let mut copies = fields.clone();
                for field in &mut copies {
                    let offset = self.nodes.offset(field.id);
                    field.id = self.nodes.id(offset);
                    field.value = self.copy(&field.value);
                }
                Kind::Struct { name: name.clone(), fields: copies }
            }
            Kind::Comprehension(inner) => {
                let mut copied = inner.clone();
                for part in [
                    &mut copied.range,
                    &mut copied.init,
                    &mut copied.condition,
                    &mut copied.step,
                    &mut copied.result,
                ] {
                    *part = self.copy(part);
                }
                Kind::Comprehension(copied)
            }
        };
        self.nodes.node(offset, kind)
    }
}

const SIMPLE_NAME: &str = "argument must be a simple name";
