//! What the runs say, in words, tables and pictures.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use upgradable_report::{Line, Plot, Report, Table, median};

use super::Strategy;
use super::run::{Bin, Run};

/// The most that a request may take during an upgrade, of the most it takes without one.
const TARGET: f64 = 1.5;

pub(super) fn write(runs: &[Run], folder: &Path) -> Result<PathBuf, Box<dyn Error>> {
    let mut report = Report::new("A key-value server: an upgrade in the middle of the work");
    let mut pipelines: Vec<_> = runs.iter().map(|run| run.pipeline).collect();
    pipelines.sort_unstable();
    pipelines.dedup();
    let mut tables = Vec::new();
    for pipeline in pipelines {
        let groups: Vec<_> = Strategy::ALL
            .iter()
            .map(|&strategy| {
                let is_of = |run: &&Run| run.strategy == strategy && run.pipeline == pipeline;
                (strategy, runs.iter().filter(is_of).collect::<Vec<_>>())
            })
            .filter(|(_, group)| !group.is_empty())
            .collect();
        if let Some(sentence) = verdict(pipeline, &groups) {
            println!("{sentence}");
            report = report.say(sentence);
        }
        report = plots(pipeline, &groups).into_iter().fold(report, Report::plot);
        tables.push(table(pipeline, &groups));
    }
    for table in &tables {
        println!("{table}");
    }
    report = tables.into_iter().fold(report, Report::table);
    report = notes(runs).into_iter().fold(report, Report::note);
    fs::write(folder.join("timeline.csv"), timeline(runs).csv())?;
    Ok(report.write(folder)?)
}

type Group<'r> = (Strategy, Vec<&'r Run>);

fn of<'g>(groups: &'g [Group<'_>], strategy: Strategy) -> Option<&'g [&'g Run]> {
    groups.iter().find(|(other, _)| *other == strategy).map(|(_, runs)| &**runs)
}

fn verdict(pipeline: usize, groups: &[Group<'_>]) -> Option<String> {
    let max = |strategy| {
        let maxima = of(groups, strategy)?.iter().map(|run| run.halves[1].max);
        median(maxima).map(|max| max / 1e3)
    };
    let (none, lazy) = (max(Strategy::None)?, max(Strategy::Lazy)?);
    let eager = max(Strategy::Eager).map_or(String::new(), |eager| {
        format!(" A server that stops for it: {eager:.1} ms, {:.1} times.", eager / none)
    });
    let is_met = if lazy <= none * TARGET { "met" } else { "missed" };
    Some(format!(
        "{}: the slowest answer from the upgrade on took {lazy:.1} ms, without upgrade {none:.1} \
         ms: {:.2} times (target {TARGET}: {is_met}).{eager}",
        title(pipeline),
        lazy / none,
    ))
}

fn title(pipeline: usize) -> String {
    if pipeline == 1 {
        "One request at a time".to_owned()
    } else {
        format!("{pipeline} requests at a time")
    }
}

fn table(pipeline: usize, groups: &[Group<'_>]) -> Table {
    let columns = [
        "strategy",
        "runs",
        "before /s",
        "after /s",
        "before p99",
        "before max",
        "p50",
        "p90",
        "p99",
        "p99.9",
        "p99.99",
        "max",
        "least max",
        "most",
        "call",
        "complete after",
        "peak MB",
        "end MB",
        "stolen",
        "errors",
    ];
    let name =
        format!("{}: medians of the runs, times in us, from the upgrade on", title(pipeline));
    let mut table = Table::new(name, columns);
    for (strategy, runs) in groups {
        let middle = |value: &dyn Fn(&Run) -> f64| {
            median(runs.iter().map(|run| value(run))).unwrap_or(f64::NAN)
        };
        let whole = |value: &dyn Fn(&Run) -> f64| format!("{:.0}", middle(value));
        let maxima = || runs.iter().map(|run| run.halves[1].max);
        let upgraded = *strategy != Strategy::None;
        let only = |text: String| if upgraded { text } else { "-".to_owned() };
        let complete = middle(&|run| run.complete_at.map_or(f64::NAN, |at| at - run.flip_at));
        let peak = |run: &Run| run.memory.iter().map(|(_, bytes)| *bytes).max().unwrap_or(0) as f64;
        let end = |run: &Run| run.memory.last().map_or(0.0, |(_, bytes)| *bytes as f64);
        table.row([
            strategy.name().to_owned(),
            runs.len().to_string(),
            whole(&|run| run.rate(0)),
            whole(&|run| run.rate(1)),
            whole(&|run| run.halves[0].p99),
            whole(&|run| run.halves[0].max),
            whole(&|run| run.halves[1].p50),
            whole(&|run| run.halves[1].p90),
            whole(&|run| run.halves[1].p99),
            whole(&|run| run.halves[1].p999),
            whole(&|run| run.halves[1].p9999),
            whole(&|run| run.halves[1].max),
            format!("{:.0}", maxima().fold(f64::INFINITY, f64::min)),
            format!("{:.0}", maxima().fold(0.0, f64::max)),
            only(whole(&|run| run.call)),
            only(format!("{complete:.2} s")),
            whole(&|run| peak(run) / 1e6),
            whole(&|run| end(run) / 1e6),
            format!("{:.0} %", middle(&|run| run.stolen() * 100.0)),
            runs.iter().map(|run| run.errors).sum::<u64>().to_string(),
        ]);
    }
    table
}

/// Over time: answers, the times of the slowest, and memory. The middle run of each.
fn plots(pipeline: usize, groups: &[Group<'_>]) -> Vec<Plot> {
    let id = |name: &str| format!("{name}-{pipeline}");
    let over = |what: &str| format!("{}: {what}", title(pipeline));
    let mut rate = Plot::new(id("throughput"), over("answers over time"), "s", "1,000 answers/s");
    let mut max =
        Plot::new(id("slowest"), over("slowest answer of each 100 ms"), "s", "ms").logarithmic();
    let mut p99 =
        Plot::new(id("p99"), over("99th percentile of each 100 ms"), "s", "ms").logarithmic();
    let mut memory = Plot::new(id("memory"), over("memory of the server"), "s", "MB");
    for (strategy, runs) in groups {
        let mut by_max = runs.clone();
        by_max.sort_by(|a, b| a.halves[1].max.total_cmp(&b.halves[1].max));
        let Some(run) = by_max.get(by_max.len() / 2) else { continue };
        let line = |value: &dyn Fn(&Bin) -> f64| {
            Line::new(strategy.name(), run.bins.iter().map(|bin| (bin.at, value(bin))).collect())
        };
        rate = rate.line(line(&|bin| bin.answers as f64 / 100.0));
        max = max.line(line(&|bin| bin.max / 1e3));
        p99 = p99.line(line(&|bin| bin.p99 / 1e3));
        let bytes = run.memory.iter().map(|&(at, bytes)| (at, bytes as f64 / 1e6));
        memory = memory.line(Line::new(strategy.name(), bytes.collect()));
        if *strategy == Strategy::Lazy {
            let mark = |plot: Plot| {
                let plot = plot.mark(run.flip_at, "upgrade");
                run.complete_at.map_or(plot.clone(), |at| plot.mark(at, "complete (lazy)"))
            };
            (rate, max, p99, memory) = (mark(rate), mark(max), mark(p99), mark(memory));
        }
    }
    vec![rate, max, p99, memory]
}

fn notes(runs: &[Run]) -> Vec<String> {
    let Some(run) = runs.first() else { return Vec::new() };
    vec![
        format!(
            "{} entries, half of them numbers; {} clients, each a thread with a connection of its \
             own; half of the requests GET, four tenths SET, the rest INCR. Runs of {} s, the \
             upgrade after {} s. Server and clients share the processors of one machine.",
            run.entries, run.clients, run.seconds, run.flip_at,
        ),
        "The time of an answer is from when its request was sent, with all that were sent with it, \
         until it was read. An answer that was asked for before the upgrade and came after it \
         counts to the time after it. Lazy: at the default pace of the background, and promoted \
         as soon as it is complete. Eager: all entries are transformed while everybody waits. \
         Stolen: time of the processors that the virtual machine did not get, as a share of one."
            .to_owned(),
    ]
}

fn timeline(runs: &[Run]) -> Table {
    let columns = ["strategy", "pipeline", "run", "s", "answers", "p99 us", "max us"];
    let mut table = Table::new("Answers over time", columns);
    for (number, run) in runs.iter().enumerate() {
        for bin in &run.bins {
            table.row([
                run.strategy.name().to_owned(),
                run.pipeline.to_string(),
                number.to_string(),
                format!("{:.2}", bin.at),
                bin.answers.to_string(),
                format!("{:.0}", bin.p99),
                format!("{:.0}", bin.max),
            ]);
        }
    }
    table
}
