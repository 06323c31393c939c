//! Columns for terminals and cells for Markdown.

use std::fmt::{self, Write};

/// Writes rows below a head, each column as wide as its widest cell.
pub(crate) fn aligned<const N: usize>(
    head: &[&str; N],
    rows: &[[String; N]],
    out: &mut dyn Write,
) -> fmt::Result {
    let mut widths = head.map(|cell| cell.chars().count());
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(cell.chars().count());
        }
    }
    let head = head.map(str::to_owned);
    for cells in std::iter::once(&head).chain(rows) {
        let mut line = String::new();
        for (cell, width) in cells.iter().zip(widths) {
            // What a terminal would obey is shown, and does nothing.
            let plain: String =
                cell.chars().map(|shown| if shown.is_control() { '\u{fffd}' } else { shown }).collect();
            write!(line, "{plain:width$}   ")?;
        }
        writeln!(out, "{}", line.trim_end())?;
    }
    Ok(())
}

/// A text that means itself in a table and in a list of Markdown.
pub(crate) fn cell(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            '|' | '*' | '_' | '`' | '<' | '>' | '[' | ']' | '\\' | '#' => {
                plain.push('\\');
                plain.push(character);
            }
            '\n' | '\r' => plain.push(' '),
            other => plain.push(other),
        }
    }
    plain
}
