//! Reports of experiments: tables as text and CSV, plots as SVG, and everything together as one
//! HTML page that needs nothing else.
//!
//! ```
//! use upgradable_report::{Line, Plot, Report, Table};
//!
//! let mut table = Table::new("Speed", ["system", "op/s"]);
//! table.row(["this", "100"]);
//! let line = Line::new("this", vec![(0.0, 90.0), (1.0, 110.0)]);
//! let plot = Plot::new("speed", "Speed over time", "s", "op/s").line(line);
//! let report = Report::new("An experiment").say("It is fast.").table(table).plot(plot);
//! assert!(report.html().contains("<svg"));
//! ```

mod escape;
mod median;
mod page;
mod plot;
mod scale;
mod table;

pub use median::median;
pub use page::Report;
pub use plot::{Line, Plot};
pub use table::Table;
