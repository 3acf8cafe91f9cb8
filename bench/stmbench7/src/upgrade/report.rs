//! What the experiment says, in words, tables and pictures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use upgradable::Pace;
use upgradable_report::{Line, Plot, Report, Table};

use super::analysis::{Dip, dip, median, overlaid};
use super::run::{BIN, Bin, Flip, Series};
use super::{Change, Outcome, Setting, Strategy};
use crate::mix::OpClass;

/// A strategy's rounds, summed up.
struct Summary {
    strategy: Strategy,
    dip: Dip,
    /// Seconds.
    call: f64,
    completed: Option<f64>,
    promoted: Option<f64>,
    /// Nanoseconds.
    slowest: f64,
    by_touch: f64,
    by_sweep: f64,
    late: f64,
    carried_over: f64,
    conflicts: f64,
    peak: f64,
    /// Of the processors that it could use: 1 on an idle machine.
    share: f64,
    /// Nanoseconds that a cache line took from core to core.
    line: f64,
    /// Runs that were thrown away, because something disturbed them.
    again: u32,
}

fn summarise(setting: &Setting, strategy: Strategy, rounds: &[Series]) -> Summary {
    let flip_of = |series: &Series| series.flip.map_or(setting.flip_at(), |flip| flip.at);
    let ops: Vec<_> = rounds.iter().map(|series| (series.ops_by_bin(), flip_of(series))).collect();
    let over = |value: &dyn Fn(&Series) -> f64| median(rounds.iter().map(value));
    let progress = |value: &dyn Fn(&upgradable::Progress) -> u64| {
        over(&|series| series.flip.map_or(0.0, |flip| value(&flip.end) as f64))
    };
    // Of all rounds, or it is not worth telling.
    let after_flip = |value: fn(&Flip) -> Option<Duration>| {
        let of_round = |series: &Series| Some(value(series.flip.as_ref()?)?.as_secs_f64());
        rounds.iter().map(of_round).collect::<Option<Vec<f64>>>().map(median)
    };
    Summary {
        strategy,
        dip: dip(&overlaid(&ops, setting.length), setting.flip_at(), setting.length),
        call: over(&|series| series.flip.map_or(0.0, |flip| flip.took.as_secs_f64())),
        completed: after_flip(|flip| flip.completed),
        promoted: after_flip(|flip| flip.promoted),
        slowest: over(&|series| series.slowest_after(flip_of(series)) as f64),
        by_touch: progress(&|progress| progress.by_touch),
        by_sweep: progress(&|progress| progress.by_sweep),
        late: progress(&|progress| progress.late),
        carried_over: over(&|series| series.carried_over as f64),
        conflicts: over(&|series| series.lost[1] as f64),
        peak: over(&|series| {
            series.glances.iter().map(|glance| glance.bytes).max().unwrap_or(0) as f64
        }),
        share: over(&|series| series.calm.share),
        line: over(&|series| series.calm.line().unwrap_or(f64::NAN)),
        again: rounds.iter().map(|series| u32::from(series.again)).sum(),
    }
}

/// A length of time as people say it.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 1e-3 => format!("{:.0} us", s * 1e6),
        s if s < 1.0 => format!("{:.1} ms", s * 1e3),
        s => format!("{s:.2} s"),
    }
}

fn nanos(nanos: f64) -> String {
    time(nanos / 1e9)
}

/// Writes report, pictures and CSV files into a folder. Returns what to print, and where the page
/// is.
pub(crate) fn write_report(outcomes: &[Outcome], folder: &Path) -> io::Result<(String, PathBuf)> {
    let mut report = Report::new("STMBench7: upgrades of types in the middle of the work");
    let mut printed = String::new();
    let mut costs = Table::new("Costs", ["setting", "strategy"].into_iter().chain(COST_COLUMNS));
    let mut latencies =
        Table::new("Times", ["setting", "strategy", "class"].into_iter().chain(LATENCY_COLUMNS));
    let mut tables = Vec::new();
    for outcome in outcomes {
        let Outcome { setting, series } = outcome;
        let name = setting.name();
        let summaries: Vec<_> =
            series.iter().map(|(strategy, rounds)| summarise(setting, *strategy, rounds)).collect();
        let title = format!("What the upgrade costs, medians of the rounds ({name})");
        let mut cost = Table::new(title, ["strategy"].into_iter().chain(COST_COLUMNS));
        let short = SHORT_COST.map(|at| COST_COLUMNS[at]);
        let mut short = Table::new(name.clone(), ["strategy"].into_iter().chain(short));
        for summary in &summaries {
            let (strategy, cells) = (summary.strategy.name().to_owned(), cost_cells(summary));
            costs.row([name.clone(), strategy.clone()].into_iter().chain(cells.clone()));
            let some = SHORT_COST.map(|at| cells[at].clone());
            short.row([strategy.clone()].into_iter().chain(some));
            cost.row([strategy].into_iter().chain(cells));
        }
        let title = format!("Times of operations before and after the upgrade, us ({name})");
        let columns = ["strategy, class"].into_iter().chain(LATENCY_COLUMNS);
        let mut latency = Table::new(title, columns);
        for (strategy, rounds) in series {
            for (class, cells) in latency_cells(rounds) {
                let strategy = strategy.name();
                let key = [name.clone(), strategy.to_owned(), class.name().to_owned()];
                latencies.row(key.into_iter().chain(cells.clone()));
                latency.row([format!("{strategy}, {}", class.name())].into_iter().chain(cells));
            }
        }
        tables.extend([cost, latency]);
        let verdict = judge(&summaries);
        printed.push_str(&format!("{short}\n{}\n\n", verdict.join("\n")));
        for sentence in verdict {
            let several = outcomes.len() > 1;
            report = report.say(if several { format!("{name}: {sentence}") } else { sentence });
        }
        for plot in plots(outcome) {
            report = report.plot(plot);
        }
    }
    report = growth(outcomes).into_iter().fold(report, Report::plot);
    report = tables.into_iter().fold(report, Report::table);
    report = notes(outcomes).into_iter().fold(report, Report::note);
    fs::create_dir_all(folder)?;
    fs::write(folder.join("upgrades.csv"), costs.csv())?;
    fs::write(folder.join("latencies.csv"), latencies.csv())?;
    fs::write(folder.join("timeline.csv"), timeline(outcomes).csv())?;
    let page = report.write(folder)?;
    Ok((printed, page))
}

const COST_COLUMNS: [&str; 17] = [
    "usual op/s",
    "call",
    "dip depth",
    "dip width",
    "work lost",
    "slowest op",
    "complete after",
    "promoted after",
    "by touch",
    "by sweeper",
    "late commits",
    "moved to new code",
    "conflicts after",
    "peak memory",
    "processor share",
    "line, core to core",
    "disturbed runs",
];

/// Those that fit on a terminal.
const SHORT_COST: [usize; 9] = [0, 1, 2, 3, 5, 6, 8, 9, 13];

fn cost_cells(summary: &Summary) -> [String; COST_COLUMNS.len()] {
    let Summary { strategy, dip, .. } = summary;
    let upgraded = *strategy != Strategy::None;
    let only = |text: String| if upgraded { text } else { "-".to_owned() };
    [
        format!("{:.0}", dip.usual / BIN.as_secs_f64()),
        only(time(summary.call)),
        format!("{:.0} %", dip.depth * 100.0),
        time(dip.width.as_secs_f64()),
        format!("{:.0} ms", dip.lost * 1e3),
        nanos(summary.slowest),
        only(summary.completed.map_or("not yet".to_owned(), time)),
        summary.promoted.map_or("-".to_owned(), time),
        only(format!("{:.0}", summary.by_touch)),
        only(format!("{:.0}", summary.by_sweep)),
        only(format!("{:.0}", summary.late)),
        only(format!("{:.0}", summary.carried_over)),
        format!("{:.0}", summary.conflicts),
        format!("{:.0} MB", summary.peak / 1e6),
        format!("{:.0} %", summary.share * 100.0),
        if summary.line.is_nan() { "-".to_owned() } else { format!("{:.0} ns", summary.line) },
        summary.again.to_string(),
    ]
}

const LATENCY_COLUMNS: [&str; 11] = [
    "operations",
    "before 50 %",
    "before 90 %",
    "before 99 %",
    "before 99.9 %",
    "before max",
    "after 50 %",
    "after 90 %",
    "after 99 %",
    "after 99.9 %",
    "after max",
];

/// For each class of operations that ran, all rounds together.
fn latency_cells(rounds: &[Series]) -> Vec<(OpClass, Vec<String>)> {
    let sum = |class: OpClass, phase: usize| {
        let mut sum = rounds[0].classes[class.number()][phase].clone();
        for series in &rounds[1..] {
            sum.add(&series.classes[class.number()][phase])
                .expect("histograms that grow can be added");
        }
        sum
    };
    let cells = |class| {
        let phases = [sum(class, 0), sum(class, 1)];
        let count = phases[0].len() + phases[1].len();
        let mut cells = vec![count.to_string()];
        for phase in &phases {
            let micros = |nanos: u64| format!("{:.1}", nanos as f64 / 1e3);
            cells.extend([0.5, 0.9, 0.99, 0.999].map(|q| micros(phase.value_at_quantile(q))));
            cells.push(micros(phase.max()));
        }
        (count > 0).then_some((class, cells))
    };
    OpClass::ALL.into_iter().filter_map(cells).collect()
}

/// Every bin of every run.
fn timeline(outcomes: &[Outcome]) -> Table {
    let columns =
        ["setting", "strategy", "round", "second", "operations", "p50 ns", "p99 ns", "max ns"];
    let mut table = Table::new("Bins", columns);
    for Outcome { setting, series } in outcomes {
        for (strategy, rounds) in series {
            for (round, series) in rounds.iter().enumerate() {
                for (at, bin) in series.bins.iter().enumerate() {
                    table.row([
                        setting.name(),
                        strategy.name().to_owned(),
                        round.to_string(),
                        format!("{:.1}", at as f64 * BIN.as_secs_f64()),
                        bin.ops.to_string(),
                        bin.times.value_at_quantile(0.5).to_string(),
                        bin.times.value_at_quantile(0.99).to_string(),
                        bin.times.max().to_string(),
                    ]);
                }
            }
        }
    }
    table
}

/// A line for each strategy: the median over the rounds of a value of each of so many bins. Nothing
/// where no round has a value.
fn lines(outcome: &Outcome, bins: usize, value: impl Fn(&Bin) -> Option<f64>) -> Vec<Line> {
    let line = |(strategy, rounds): &(Strategy, Vec<Series>)| {
        let points = (0..bins).map(|at| {
            let values = rounds.iter().filter_map(|series| value(series.bins.get(at)?));
            let values: Vec<_> = values.collect();
            let value = if values.is_empty() { f64::NAN } else { median(values) };
            ((at as f64 + 0.5) * BIN.as_secs_f64(), value)
        });
        Line::new(strategy.name(), points.collect())
    };
    outcome.series.iter().map(line).collect()
}

fn plots(outcome: &Outcome) -> Vec<Plot> {
    let setting = &outcome.setting;
    let id = |what: &str| {
        let name = setting.name().replace(", ", "-").replace(' ', "-");
        format!("{what}-{name}")
    };
    let flip = setting.flip_at().as_secs_f64();
    let marked = |plot: Plot, lines: Vec<Line>| {
        lines.into_iter().fold(plot.mark(flip, "upgrade"), Plot::line)
    };
    let title = |what: &str| format!("{what} ({})", setting.name());
    let throughput = Plot::new(id("throughput"), title("Throughput"), "seconds", "operations/s");
    let p99 = Plot::new(id("p99"), title("99 % of the operations took less"), "seconds", "ms");
    let slowest = Plot::new(id("slowest"), title("Slowest operation"), "seconds", "ms");
    let memory = Plot::new(id("memory"), title("Memory"), "seconds", "MB");
    let migrated = Plot::new(id("migrated"), title("Objects transformed"), "seconds", "objects");
    let glances = |value: &dyn Fn(&super::run::Glance) -> f64| {
        let line = |(strategy, rounds): &(Strategy, Vec<Series>)| {
            let points = rounds[0].glances.iter().map(|g| (g.at.as_secs_f64(), value(g)));
            Line::new(strategy.name(), points.collect())
        };
        outcome.series.iter().map(line).collect::<Vec<_>>()
    };
    let whole = (setting.length.as_millis() / BIN.as_millis()) as usize;
    // Operations that end when the time is over, too.
    let all = outcome.series.iter().flat_map(|(_, rounds)| rounds);
    let all = all.map(|series| series.bins.len()).max().unwrap_or(0);
    let per_second = |bin: &Bin| Some(bin.ops as f64 / BIN.as_secs_f64());
    let of_some = |bin: &Bin, nanos: u64| (bin.ops > 0).then_some(nanos as f64 / 1e6);
    let p99_ms = |bin: &Bin| of_some(bin, bin.times.value_at_quantile(0.99));
    let max_ms = |bin: &Bin| of_some(bin, bin.times.max());
    vec![
        marked(throughput, lines(outcome, whole, per_second)),
        marked(p99.logarithmic(), lines(outcome, all, p99_ms)),
        marked(slowest.logarithmic(), lines(outcome, all, max_ms)),
        marked(migrated, progress(outcome)),
        marked(memory, glances(&|glance| glance.bytes as f64 / 1e6)),
    ]
}

/// A line for each strategy: the objects that were transformed in the first round, none of them
/// before the upgrade.
fn progress(outcome: &Outcome) -> Vec<Line> {
    let line = |(strategy, rounds): &(Strategy, Vec<Series>)| {
        let glances = rounds[0].glances.iter();
        let mut points: Vec<_> = glances
            .map(|glance| (glance.at.as_secs_f64(), glance.progress.transformed() as f64))
            .collect();
        if let Some(flip) = rounds[0].flip {
            let flip = flip.at.as_secs_f64();
            let at = points.partition_point(|&(at, _)| at < flip);
            points.insert(at, (flip, 0.0));
        }
        Line::new(strategy.name(), points)
    };
    outcome.series.iter().map(line).collect()
}

/// How the longest wait grows with the heap, if several sizes were measured.
fn growth(outcomes: &[Outcome]) -> Vec<Plot> {
    let mut groups: Vec<Vec<&Outcome>> = Vec::new();
    for outcome in outcomes {
        let of = |outcome: &Outcome| (outcome.setting.workload, outcome.setting.threads);
        match groups.iter_mut().find(|group| of(group[0]) == of(outcome)) {
            Some(group) => group.push(outcome),
            None => groups.push(vec![outcome]),
        }
    }
    groups.iter().filter(|group| group.len() > 1).map(|group| growth_of(group)).collect()
}

fn growth_of(alike: &[&Outcome]) -> Plot {
    let first = alike[0];
    let (mix, threads) = (first.setting.workload.name(), first.setting.threads);
    let id = format!("growth-{mix}-{threads}");
    let title = format!("Slowest operation by the size of the heap ({mix}, threads: {threads})");
    let mut plot = Plot::new(id, title, "scale", "ms").logarithmic();
    for (at, (strategy, _)) in first.series.iter().enumerate() {
        let points = alike.iter().map(|outcome| {
            let (strategy, rounds) = &outcome.series[at];
            let summary = summarise(&outcome.setting, *strategy, rounds);
            (outcome.setting.scale as f64, summary.slowest / 1e6)
        });
        plot = plot.line(Line::new(strategy.name(), points.collect()));
    }
    plot
}

/// What the numbers of a setting mean.
fn judge(summaries: &[Summary]) -> Vec<String> {
    let find = |strategy| summaries.iter().find(|summary| summary.strategy == strategy);
    let mut verdict = Vec::new();
    let control = find(Strategy::None);
    let percent = |share: f64| format!("{:.0} %", share * 100.0);
    if let (Some(control), Some(lazy)) = (control, find(Strategy::Background)) {
        let times = |slowest: f64| format!("{:.1}", slowest / control.slowest.max(1.0));
        let mut sentence = format!(
            "Verdict: with a lazy upgrade the slowest operation takes {} times what it takes \
             without any; the worst tenth of a second is {} below the usual, without upgrade {}.",
            times(lazy.slowest),
            percent(lazy.dip.depth),
            percent(control.dip.depth),
        );
        if let Some(eager) = find(Strategy::Eager) {
            let eager = times(eager.slowest);
            sentence.push_str(&format!(" Stopping the world instead: {eager} times."));
        }
        verdict.push(sentence);
    }
    for strategy in [Strategy::Background, Strategy::Lazy] {
        let Some(lazy) = find(strategy) else { continue };
        let completed = lazy.completed.map_or_else(
            || "is not complete when the run ends".to_owned(),
            |seconds| format!("is complete after {}", time(seconds)),
        );
        let promoted = lazy
            .promoted
            .map_or_else(String::new, |seconds| format!(" and promoted after {}", time(seconds)));
        verdict.push(format!(
            "{}: the call returns after {}; {:.0} objects are transformed by touch and {:.0} by \
             the sweeper; the migration {completed}{promoted}. Slowest operation {}, throughput back after \
             {}.",
            strategy.name(),
            time(lazy.call),
            lazy.by_touch,
            lazy.by_sweep,
            nanos(lazy.slowest),
            time(lazy.dip.width.as_secs_f64()),
        ));
    }
    for strategy in [Strategy::Eager, Strategy::ParallelEager] {
        let Some(eager) = find(strategy) else { continue };
        let (call, slowest) = (time(eager.call), nanos(eager.slowest));
        let name = strategy.name();
        verdict.push(format!("{name}: everybody waits for {call}; slowest operation {slowest}."));
    }
    if let Some(control) = control {
        verdict.push(format!("no upgrade: slowest operation {}.", nanos(control.slowest)));
    }
    let share = median(summaries.iter().map(|summary| summary.share));
    if share < 0.75 {
        verdict.push(format!(
            "The machine was busy: the runs had {} of its processors, so single waits may come \
             from elsewhere.",
            percent(share)
        ));
    }
    verdict
}

fn notes(outcomes: &[Outcome]) -> Vec<String> {
    let Some(Outcome { setting, series }) = outcomes.first() else { return Vec::new() };
    let rounds = series.first().map_or(0, |(_, rounds)| rounds.len());
    let what = match setting.change {
        Change::Types => {
            "Eight types change: dates and positions become types of their own, connections are \
             stored in two lists, the text of each document becomes an object, and each composite \
             part notes the build date that its root part had at the instant of the upgrade."
        }
        Change::Null => "Every type is upgraded to itself.",
    };
    let decay = if setting.structure {
        "Structural modifications let the structure decay, the faster the system the sooner: \
         compare throughputs of such runs with care."
    } else {
        "Structural modifications are off, so that all strategies work on equal structures."
    };
    let pace = match setting.pace {
        Pace::Share(share) => format!("works {:.1} % of the time", 100.0 * share),
        pace => format!("goes at the pace {pace:?}"),
    };
    vec![
        what.to_owned(),
        format!(
            "All strategies take turns within one run, {rounds} rounds each. Each works on a \
             structure built anew, for {:.1} s, and upgrades after {:.1} s. Bins are {} ms long.",
            setting.length.as_secs_f64(),
            setting.flip_at().as_secs_f64(),
            BIN.as_millis(),
        ),
        "Dips: the rounds of a strategy laid on top of each other, each by its own usual rate; a \
         bin counts by its median. Dip depth: the worst bin after the upgrade against the median \
         before it. Dip width: \
         until three bins in a row are at 90 % again. Work lost: operations missing until the end \
         of the run, as the time that they usually take. Late commits: transactions that began \
         before the flip and committed just before it in time. Moved to new code: operations that \
         were executed again on the new version. Memory is what the whole \
         process has allocated and not freed; what the allocator keeps beside that is not in it."
            .to_owned(),
        if setting.fresh_memory {
            "The system handed memory out while the work ran, and whoever needed it waited for that."
        } else {
            "The process had the memory that a run needs before it began."
        }
        .to_owned(),
        format!("The background, where there is one, {pace}."),
        decay.to_owned(),
    ]
}
