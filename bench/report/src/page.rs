//! The whole report.

use std::fmt::Write;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use crate::escape::escape;
use crate::plot::Plot;
use crate::table::Table;

const STYLE: &str = "body{font:16px/1.5 sans-serif;max-width:960px;margin:2rem auto;padding:0 1rem;\
color:#111;background:#fff}h1{font-size:1.6rem}h2{font-size:1.15rem;margin-top:2rem}\
table{border-collapse:collapse;font-size:.85rem}th,td{padding:.25rem .6rem;text-align:right;\
border-bottom:1px solid #ddd}th:first-child,td:first-child{text-align:left}\
svg{max-width:100%;height:auto;margin:.5rem 0}.verdict{background:#f3f6f9;border-left:4px solid \
#0072b2;padding:.4rem 1rem}.note{color:#444;font-size:.9rem}";

/// A report: what was found, tables, plots, and remarks on how it was measured.
///
/// ```
/// let report = upgradable_report::Report::new("An experiment").say("It works.").note("One run.");
/// assert!(report.html().contains("<h1>An experiment</h1>"));
/// ```
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    title: String,
    verdict: Vec<String>,
    tables: Vec<Table>,
    plots: Vec<Plot>,
    notes: Vec<String>,
}

impl Report {
    /// An empty report.
    ///
    /// ```
    /// let report = upgradable_report::Report::new("An experiment");
    /// ```
    #[must_use]
    pub fn new(title: impl Into<String>) -> Self {
        Self { title: title.into(), ..Self::default() }
    }

    /// With one more sentence of the verdict.
    ///
    /// ```
    /// let report = upgradable_report::Report::new("E").say("It works.");
    /// ```
    #[must_use]
    pub fn say(mut self, sentence: impl Into<String>) -> Self {
        self.verdict.push(sentence.into());
        self
    }

    /// With one more table.
    ///
    /// ```
    /// # use upgradable_report::{Report, Table};
    /// let report = Report::new("E").table(Table::new("T", ["a"]));
    /// ```
    #[must_use]
    pub fn table(mut self, table: Table) -> Self {
        self.tables.push(table);
        self
    }

    /// With one more plot.
    ///
    /// ```
    /// # use upgradable_report::{Plot, Report};
    /// let report = Report::new("E").plot(Plot::new("p", "P", "s", "op/s"));
    /// ```
    #[must_use]
    pub fn plot(mut self, plot: Plot) -> Self {
        self.plots.push(plot);
        self
    }

    /// With one more remark.
    ///
    /// ```
    /// let report = upgradable_report::Report::new("E").note("On a busy machine.");
    /// ```
    #[must_use]
    pub fn note(mut self, note: impl Into<String>) -> Self {
        self.notes.push(note.into());
        self
    }

    /// The report as one page that needs no other file.
    ///
    /// ```
    /// assert!(upgradable_report::Report::new("E").html().starts_with("<!doctype html>"));
    /// ```
    #[must_use]
    pub fn html(&self) -> String {
        let title = escape(&self.title);
        let mut page = format!(
            "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width\">\
             <title>{title}</title><style>{STYLE}</style></head>\n<body>\n<h1>{title}</h1>\n"
        );
        if !self.verdict.is_empty() {
            page.push_str("<div class=\"verdict\">\n");
            for sentence in &self.verdict {
                let _ = writeln!(page, "<p>{}</p>", escape(sentence));
            }
            page.push_str("</div>\n");
        }
        for plot in &self.plots {
            page.push_str(&plot.svg());
        }
        for table in &self.tables {
            page.push_str(&table.html());
        }
        if !self.notes.is_empty() {
            page.push_str("<h2>How it was measured</h2>\n");
        }
        for note in &self.notes {
            let _ = writeln!(page, "<p class=\"note\">{}</p>", escape(note));
        }
        page.push_str("</body></html>\n");
        page
    }

    /// Writes the page and a picture of each plot into a folder, which is made if it is not there,
    /// and tells where the page is.
    ///
    /// # Errors
    ///
    /// When a file can't be written.
    ///
    /// ```
    /// let folder = std::env::temp_dir().join("upgradable-report-example");
    /// let page = upgradable_report::Report::new("E").write(&folder)?;
    /// assert!(page.ends_with("report.html"));
    /// # std::fs::remove_dir_all(folder)?;
    /// # Ok::<(), std::io::Error>(())
    /// ```
    pub fn write(&self, folder: &Path) -> io::Result<PathBuf> {
        fs::create_dir_all(folder)?;
        for plot in &self.plots {
            fs::write(folder.join(plot.id()).with_extension("svg"), plot.svg())?;
        }
        let page = folder.join("report.html");
        fs::write(&page, self.html())?;
        Ok(page)
    }
}
