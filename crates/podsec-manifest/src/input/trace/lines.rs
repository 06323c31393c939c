//! Which line of a template a rendered line comes from.

/// The lines of a template beside those that were made of it.
pub(super) struct Alignment<'a> {
    template: Vec<&'a str>,
    rendered: Vec<&'a str>,
    /// For each rendered line the one that it was made of, where they are alike.
    alike: Vec<Option<usize>>,
}

impl<'a> Alignment<'a> {
    /// Lays both beside each other, so that as many lines as can be are alike, in the same order. Nothing when they are so
    /// long that it would take too much time.
    pub(super) fn new(template: &'a str, rendered: &'a str) -> Option<Self> {
        let template: Vec<&str> = template.lines().collect();
        let rendered: Vec<&str> = rendered.lines().collect();
        let width = template.len() + 1;
        let cells = width.checked_mul(rendered.len() + 1).filter(|cells| *cells <= MOST_CELLS)?;
        let holes: Vec<Option<Vec<&str>>> = template.iter().map(|line| literals(line)).collect();
        let alike = |row: usize, column: usize| match (rendered.get(row), template.get(column)) {
            (Some(made), Some(line)) => likeness(made, line, holes.get(column).and_then(Option::as_deref)),
            _ => 0,
        };
        // best[row][column]: the most likeness of the lines from there on.
        let mut best = vec![0_u32; cells];
        let at = |row: usize, column: usize| row * width + column;
        let look = |best: &[u32], place: usize| best.get(place).copied().unwrap_or_default();
        for row in (0..rendered.len()).rev() {
            for column in (0..template.len()).rev() {
                let skipped = look(&best, at(row + 1, column)).max(look(&best, at(row, column + 1)));
                let both = match alike(row, column) {
                    0 => 0,
                    likeness => likeness + look(&best, at(row + 1, column + 1)),
                };
                if let Some(cell) = best.get_mut(at(row, column)) {
                    *cell = skipped.max(both);
                }
            }
        }
        let mut found = vec![None; rendered.len()];
        let (mut row, mut column) = (0, 0);
        while row < rendered.len() && column < template.len() {
            let here = look(&best, at(row, column));
            let likeness = alike(row, column);
            if likeness > 0 && here == likeness + look(&best, at(row + 1, column + 1)) {
                if let Some(slot) = found.get_mut(row) {
                    *slot = Some(column);
                }
                (row, column) = (row + 1, column + 1);
            } else if here == look(&best, at(row + 1, column)) {
                row += 1;
            } else {
                column += 1;
            }
        }
        Some(Self { template, rendered, alike: found })
    }

    /// The line of the template, from 0, that a rendered line comes from: one that is like it, else the action below the
    /// line that it belongs to, else that line.
    pub(super) fn line(&self, rendered: usize) -> usize {
        if let Some(Some(line)) = self.alike.get(rendered) {
            return *line;
        }
        // A loop makes several lines of one.
        let text = self.rendered.get(rendered).copied().unwrap_or("");
        let is_alike = |(_, line): &(usize, &&str)| likeness(text, line, literals(line).as_deref()) > 0;
        let mut same = self.template.iter().enumerate().filter(is_alike);
        if let (Some((line, _)), None) = (same.next(), same.next()) {
            return line;
        }
        let mut depth = indentation(text);
        for above in (0..rendered).rev() {
            let line = self.rendered.get(above).copied().unwrap_or("");
            if line.trim().is_empty() || indentation(line) >= depth {
                continue;
            }
            depth = indentation(line);
            if let Some(Some(found)) = self.alike.get(above) {
                let below = self.template.get(found + 1).map_or("", |line| line.trim());
                let is_action = below.starts_with("{{") && !below.starts_with("{{/*");
                return if is_action { found + 1 } else { *found };
            }
        }
        0
    }
}

/// How much a rendered line is like a line of the template; nothing when it cannot have been made of it.
fn likeness(made: &str, line: &str, literals: Option<&[&str]>) -> u32 {
    let (bare, bare_line) = (made.trim(), line.trim());
    if bare.is_empty() || bare_line.is_empty() {
        return 0;
    }
    if bare == bare_line {
        return if indentation(made) == indentation(line) { 4 } else { 3 };
    }
    match literals {
        Some(literals) if fits(bare, literals) => 2,
        _ => 0,
    }
}

/// The text of a line around its actions; none when it has no actions, or says nothing besides.
fn literals(line: &str) -> Option<Vec<&str>> {
    let mut rest = line.trim();
    let mut literals = Vec::new();
    let mut has_actions = false;
    while let Some((before, behind)) = rest.split_once("{{") {
        literals.push(before);
        has_actions = true;
        rest = behind.split_once("}}").map_or("", |(_, behind)| behind);
    }
    literals.push(rest);
    let says = literals.iter().any(|text| text.chars().filter(|letter| letter.is_alphanumeric()).count() > 1);
    (has_actions && says).then_some(literals)
}

/// Whether a line is these texts with anything between them.
fn fits(line: &str, literals: &[&str]) -> bool {
    let Some((first, rest)) = literals.split_first() else { return false };
    let Some(mut left) = line.strip_prefix(first.trim_end_matches(['"', '\''])) else { return false };
    for literal in rest.iter().map(|literal| literal.trim_matches(['"', '\''])) {
        let Some((_, behind)) = left.split_once(literal) else { return false };
        left = behind;
    }
    true
}

fn indentation(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// 16 MB, and some ten milliseconds.
const MOST_CELLS: usize = 4 << 20;

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(template: &str, rendered: &str) -> Vec<usize> {
        let alignment = Alignment::new(template, rendered).unwrap();
        (0..rendered.lines().count()).map(|line| alignment.line(line) + 1).collect()
    }

    #[test]
    fn each_rendered_line_is_led_to_the_line_that_made_it() {
        let template = "\
{{- if .Values.on }}
kind: Pod
metadata:
  name: {{ include \"web.name\" . }}
spec:
  {{- with .Values.context }}
  securityContext:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  containers:
  - name: \"{{ .Chart.Name }}-x\"
    image: nginx
{{- end }}
";
        let rendered = "\
kind: Pod
metadata:
  name: web
spec:
  securityContext:
    privileged: true
  containers:
  - name: web-x
    image: nginx
";
        assert_eq!(lines(template, rendered), [2, 3, 4, 5, 7, 8, 10, 11, 12]);
    }

    #[test]
    fn what_a_loop_makes_is_led_to_its_one_line() {
        let template = "list:\n{{- range .Values.names }}\n- name: {{ . }}\n  kind: x\n{{- end }}\n";
        let rendered = "list:\n- name: a\n  kind: x\n- name: b\n  kind: x\n";
        assert_eq!(lines(template, rendered), [1, 3, 4, 3, 4]);
    }

    #[test]
    fn what_has_no_line_like_it_is_led_to_the_beginning() {
        assert_eq!(lines("{{ include \"all\" . }}\n", "kind: Pod\nspec:\n  a: b\n"), [1, 1, 1]);
    }

    #[test]
    fn texts_too_long_to_be_laid_beside_each_other_are_not() {
        assert!(Alignment::new(&"a\n".repeat(5000), &"a\n".repeat(5000)).is_none());
    }
}
