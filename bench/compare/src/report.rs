//! The tables, as Markdown, and the file of all numbers, as CSV.

use std::fmt::Write as _;

use crate::measure::Metric;
use crate::results::Results;
use crate::versions;
use crate::workload::Workload;

/// A column: its heading, the workload that must have been measured, and its cells.
type Column = (&'static str, Workload, fn(&Results, &str, Workload) -> String);

const ONE_THREAD: &[Column] = &[
    ("1 read", Workload::Read1, time),
    ("1,000 reads", Workload::Read1000, time),
    ("read-modify-write", Workload::Rmw, time),
    ("10r2w, 1k", Workload::Mixed1k, time),
    ("10r2w, 1M", Workload::Mixed1m, time),
];

const SCAN: &[Column] = &[
    ("attempts", Workload::Scan, attempts),
    ("ms", Workload::Scan, scan_time),
    ("writer, M tx/s (alone)", Workload::Scan, writes),
    ("transfers: attempts", Workload::ScanTransfer, attempts),
    ("ms", Workload::ScanTransfer, scan_time),
    ("writer, M tx/s (alone)", Workload::ScanTransfer, writes),
];

const TWO_THREADS: &[Column] = &[
    ("rmw, disjoint: M tx/s, 1 thread", Workload::ThreadsRmw, rate),
    ("2 : 1", Workload::ThreadsRmw, ratio),
    ("10r2w, 1k shared: M tx/s, 1 thread", Workload::ThreadsMixed, rate),
    ("2 : 1", Workload::ThreadsMixed, ratio),
];

const MEMORY: &[Column] = &[
    ("bytes", Workload::Bytes, |results, name, workload| {
        cell(results.median(name, workload, Metric::Bytes), number)
    }),
    ("allocations", Workload::Bytes, |results, name, workload| {
        cell(results.median(name, workload, Metric::Blocks), number)
    }),
    ("bytes once updated", Workload::Bytes, |results, name, workload| {
        cell(results.median(name, workload, Metric::BytesUpdated), number)
    }),
];

/// All tables of what was measured.
pub(crate) fn markdown(results: &Results) -> String {
    let mut text = String::new();
    for (title, columns) in [
        ("One thread: ns of thread CPU time per transaction", ONE_THREAD),
        ("Scan: 100,000-variable read-only transaction beside one writer at full speed", SCAN),
        ("Two threads against one: wall time", TWO_THREADS),
        ("Heap memory of a u64 variable, its handle included", MEMORY),
    ] {
        table(&mut text, results, title, columns);
    }
    text.push_str("Remarks\n\n");
    for entry in &results.entries {
        let _ = writeln!(text, "- {}: {}.", label(entry.name), entry.remark);
    }
    if let Some((typical, worst)) = spread(results) {
        let _ = writeln!(
            text,
            "- Times are medians. The slowest round of a time was {typical:.0} % above its \
             fastest in the middle case, {worst:.0} % in the worst.",
        );
    }
    text.push_str("- `-` means that the back end cannot do it.\n");
    text
}

/// One table; nothing if none of its workloads was measured.
fn table(text: &mut String, results: &Results, title: &str, columns: &[Column]) {
    let columns: Vec<_> =
        columns.iter().filter(|(_, workload, _)| results.has(*workload)).collect();
    if columns.is_empty() {
        return;
    }
    let mut rows = vec![vec![String::new()]];
    rows[0].extend(columns.iter().map(|(heading, _, _)| (*heading).to_owned()));
    for entry in &results.entries {
        let mut row = vec![label(entry.name)];
        row.extend(columns.iter().map(|(_, workload, show)| show(results, entry.name, *workload)));
        rows.push(row);
    }
    let widths: Vec<usize> = (0..rows[0].len())
        .map(|column| rows.iter().map(|row| row[column].len()).max().unwrap_or(0).max(3))
        .collect();
    let _ = writeln!(text, "{title}\n");
    for (index, row) in rows.iter().enumerate() {
        for (column, (cell, &width)) in row.iter().zip(&widths).enumerate() {
            let _ = match column {
                0 => write!(text, "| {cell:<width$} |"),
                _ => write!(text, " {cell:>width$} |"),
            };
        }
        text.push('\n');
        if index == 0 {
            for (column, width) in widths.iter().enumerate() {
                let dashes = "-".repeat(width + 1);
                let _ = match column {
                    0 => write!(text, "|{dashes}-|"),
                    _ => write!(text, "{dashes}:|"),
                };
            }
            text.push('\n');
        }
    }
    text.push('\n');
}

/// A back end's name with its version.
fn label(name: &str) -> String {
    match versions::of(name) {
        Some(version) => format!("{name} {version}"),
        None => format!("{name} memory"),
    }
}

fn cell(value: Option<f64>, show: impl Fn(f64) -> String) -> String {
    value.map_or_else(|| "-".to_owned(), show)
}

fn time(results: &Results, name: &str, workload: Workload) -> String {
    cell(results.median(name, workload, Metric::Time), number)
}

fn attempts(results: &Results, name: &str, workload: Workload) -> String {
    let Some(samples) = results.get(name, workload, Metric::Attempts) else {
        return "-".to_owned();
    };
    let torn = results.get(name, workload, Metric::Torn).and_then(|torn| torn.max());
    if torn.is_some_and(|torn| torn > 0.0) {
        return "INCONSISTENT".to_owned();
    }
    let tries = results.median(name, workload, Metric::Tries).unwrap_or_default();
    samples.median().map_or_else(|| format!("never of {}", number(tries)), number)
}

fn scan_time(results: &Results, name: &str, workload: Workload) -> String {
    cell(results.median(name, workload, Metric::ScanTime), |value| format!("{value:.2}"))
}

fn writes(results: &Results, name: &str, workload: Workload) -> String {
    let beside = results.median(name, workload, Metric::Writes);
    let alone = results.median(name, workload, Metric::WritesAlone);
    cell(beside.zip(alone).map(|(beside, _)| beside), |beside| {
        format!("{:.2} ({:.2})", beside / 1e6, alone.unwrap_or_default() / 1e6)
    })
}

fn rate(results: &Results, name: &str, workload: Workload) -> String {
    cell(results.median(name, workload, Metric::RateOne), |value| format!("{:.2}", value / 1e6))
}

fn ratio(results: &Results, name: &str, workload: Workload) -> String {
    cell(results.median(name, workload, Metric::Ratio), |value| format!("{value:.2}"))
}

/// A number with three digits or all of its whole ones, thousands apart.
pub(crate) fn number(value: f64) -> String {
    if value < 9.95 {
        let text = format!("{value:.1}");
        return text.strip_suffix(".0").map(str::to_owned).unwrap_or(text);
    }
    let digits = format!("{value:.0}");
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How far the rounds of a time lie apart, in percent of the fastest: middle and worst case.
fn spread(results: &Results) -> Option<(f64, f64)> {
    let mut spreads: Vec<f64> = results
        .cells
        .iter()
        .filter(|cell| cell.metric == Metric::Time)
        .filter_map(|cell| {
            let (min, max) = cell.samples.min().zip(cell.samples.max())?;
            Some((max / min - 1.0) * 100.0)
        })
        .collect();
    spreads.sort_unstable_by(f64::total_cmp);
    Some((*spreads.get(spreads.len() / 2)?, *spreads.last()?))
}

/// Every number, one line each. An empty field is something that did not happen in time.
pub(crate) fn csv(results: &Results) -> String {
    let mut text = "backend,version,workload,metric,unit,median,min,max,rounds\n".to_owned();
    for cell in &results.cells {
        let version = versions::of(cell.backend).unwrap_or_default();
        let (metric, unit) = cell.metric.label();
        let [median, min, max] = [cell.samples.median(), cell.samples.min(), cell.samples.max()]
            .map(|value| value.map(|value| format!("{value:.4}")).unwrap_or_default());
        let (backend, workload) = (cell.backend, cell.workload.name());
        let rounds = cell.samples.rounds();
        let _ = writeln!(
            text,
            "{backend},{version},{workload},{metric},{unit},{median},{min},{max},{rounds}",
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_readable() {
        assert_eq!(number(0.64), "0.6");
        assert_eq!(number(8.0), "8");
        assert_eq!(number(9.97), "10");
        assert_eq!(number(999.6), "1,000");
        assert_eq!(number(1_234_567.0), "1,234,567");
    }
}
