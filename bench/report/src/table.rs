//! Tables: as text, CSV and HTML.

use std::fmt::{self, Write};

use crate::escape::escape;

/// A table of text.
///
/// ```
/// let mut table = upgradable_report::Table::new("Speed", ["system", "op/s"]);
/// table.row(["this", "100"]);
/// assert_eq!(table.to_string(), "Speed\n\nsystem  op/s\n------  ----\nthis     100\n");
/// assert_eq!(table.csv(), "system,op/s\nthis,100\n");
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Table {
    title: String,
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    /// An empty table with these columns. The first is text, the others are numbers.
    ///
    /// ```
    /// let table = upgradable_report::Table::new("Speed", ["system", "op/s"]);
    /// ```
    #[must_use]
    pub fn new<C: Into<String>>(
        title: impl Into<String>,
        columns: impl IntoIterator<Item = C>,
    ) -> Self {
        let columns = columns.into_iter().map(Into::into).collect();
        Self { title: title.into(), columns, rows: Vec::new() }
    }

    /// Adds a row. Cells that are missing are empty.
    ///
    /// ```
    /// let mut table = upgradable_report::Table::new("Speed", ["system", "op/s"]);
    /// table.row(["this".to_owned(), 100.to_string()]);
    /// ```
    pub fn row<C: Into<String>>(&mut self, cells: impl IntoIterator<Item = C>) {
        let mut cells: Vec<String> = cells.into_iter().map(Into::into).collect();
        cells.resize(self.columns.len(), String::new());
        self.rows.push(cells);
    }

    /// The table with commas between the cells.
    ///
    /// ```
    /// let mut table = upgradable_report::Table::new("T", ["a", "b"]);
    /// table.row(["x, y", "1"]);
    /// assert_eq!(table.csv(), "a,b\n\"x, y\",1\n");
    /// ```
    #[must_use]
    pub fn csv(&self) -> String {
        let mut out = String::new();
        for row in std::iter::once(&self.columns).chain(&self.rows) {
            let cells: Vec<_> = row.iter().map(|cell| quoted(cell)).collect();
            let _ = writeln!(out, "{}", cells.join(","));
        }
        out
    }

    pub(crate) fn html(&self) -> String {
        let mut out = format!("<h2>{}</h2>\n<table>\n<tr>", escape(&self.title));
        for column in &self.columns {
            let _ = write!(out, "<th>{}</th>", escape(column));
        }
        out.push_str("</tr>\n");
        for row in &self.rows {
            out.push_str("<tr>");
            for cell in row {
                let _ = write!(out, "<td>{}</td>", escape(cell));
            }
            out.push_str("</tr>\n");
        }
        out.push_str("</table>\n");
        out
    }
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| &row[column]).chain([&self.columns[column]]);
            cells.map(|cell| cell.chars().count()).max().unwrap_or(0)
        };
        let widths: Vec<_> = (0..self.columns.len()).map(width).collect();
        let rule: Vec<_> = widths.iter().map(|&width| "-".repeat(width)).collect();
        writeln!(f, "{}\n", self.title)?;
        for row in [&self.columns, &rule].into_iter().chain(&self.rows) {
            let mut line = String::new();
            for (at, (cell, &width)) in row.iter().zip(&widths).enumerate() {
                let _ = if at == 0 {
                    write!(line, "{cell:<width$}")
                } else {
                    write!(line, "  {cell:>width$}")
                };
            }
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
