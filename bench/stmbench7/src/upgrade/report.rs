//! What the experiment says, in words, tables and pictures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use upgradable_report::{Line, Plot, Report, Table};

use super::analysis::{Dip, dip, median};
use super::run::{BIN, Bin, Series};
use super::{Change, Outcome, Setting, Strategy};
use crate::mix::OpClass;

/// A strategy's rounds, summed up.
struct Summary {
    strategy: Strategy,
    dip: Dip,
    /// Seconds.
    call: f64,
    completed: Option<f64>,
    /// Nanoseconds.
    slowest: f64,
    by_touch: f64,
    by_sweep: f64,
    late: f64,
    carried_over: f64,
    conflicts: f64,
    peak: f64,
    /// Of a processor, that each thread had: 1 on an idle machine.
    share: f64,
}

fn summarise(setting: &Setting, strategy: Strategy, rounds: &[Series]) -> Summary {
    let flip_of = |series: &Series| series.flip.map_or(setting.flip_at(), |flip| flip.at);
    let dips: Vec<Dip> = rounds
        .iter()
        .map(|series| dip(&series.ops_by_bin(), flip_of(series), setting.length))
        .collect();
    let middle = |value: &dyn Fn(&Dip) -> f64| median(dips.iter().map(value));
    let over = |value: &dyn Fn(&Series) -> f64| median(rounds.iter().map(value));
    let progress = |value: &dyn Fn(&upgradable::Progress) -> u64| {
        over(&|series| series.flip.map_or(0.0, |flip| value(&flip.end) as f64))
    };
    let completed: Option<Vec<f64>> =
        rounds.iter().map(|series| Some(series.flip?.completed?.as_secs_f64())).collect();
    Summary {
        strategy,
        dip: Dip {
            usual: middle(&|dip| dip.usual),
            depth: middle(&|dip| dip.depth),
            width: Duration::from_secs_f64(middle(&|dip| dip.width.as_secs_f64())),
            lost: middle(&|dip| dip.lost),
        },
        call: over(&|series| series.flip.map_or(0.0, |flip| flip.took.as_secs_f64())),
        completed: completed.map(median),
        slowest: over(&|series| series.slowest_after(flip_of(series)) as f64),
        by_touch: progress(&|progress| progress.by_touch),
        by_sweep: progress(&|progress| progress.by_sweep),
        late: progress(&|progress| progress.late),
        carried_over: over(&|series| series.carried_over as f64),
        conflicts: over(&|series| series.lost[1] as f64),
        peak: over(&|series| {
            series.glances.iter().map(|glance| glance.bytes).max().unwrap_or(0) as f64
        }),
        share: over(&|series| {
            series.cpu.as_secs_f64() / setting.length.as_secs_f64() / setting.threads as f64
        }),
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
    let mut cost = cost_table();
    let mut latency = latency_table();
    let mut verdict = Vec::new();
    for outcome in outcomes {
        let Outcome { setting, series } = outcome;
        let summaries: Vec<_> =
            series.iter().map(|(strategy, rounds)| summarise(setting, *strategy, rounds)).collect();
        for summary in &summaries {
            cost.row(cost_row(setting, summary));
        }
        for (strategy, rounds) in series {
            latency_rows(&mut latency, setting, *strategy, rounds);
        }
        verdict.extend(judge(setting, &summaries));
        for plot in plots(outcome) {
            report = report.plot(plot);
        }
    }
    if let Some(plot) = growth(outcomes) {
        report = report.plot(plot);
    }
    for sentence in &verdict {
        report = report.say(sentence);
    }
    for note in notes(outcomes) {
        report = report.note(note);
    }
    let printed = format!("{cost}\n{}\n", verdict.join("\n"));
    fs::create_dir_all(folder)?;
    fs::write(folder.join("upgrades.csv"), cost.csv())?;
    fs::write(folder.join("latencies.csv"), latency.csv())?;
    fs::write(folder.join("timeline.csv"), timeline(outcomes).csv())?;
    let page = report.table(cost).table(latency).write(folder)?;
    Ok((printed, page))
}

fn cost_table() -> Table {
    Table::new(
        "What the upgrade costs (medians of the rounds)",
        [
            "setting and strategy",
            "usual op/s",
            "call",
            "dip depth",
            "dip width",
            "work lost",
            "slowest op",
            "complete after",
            "by touch",
            "by sweeper",
            "late commits",
            "moved to new code",
            "conflicts after",
            "peak memory",
            "processor share",
        ],
    )
}

fn cost_row(setting: &Setting, summary: &Summary) -> Vec<String> {
    let Summary { strategy, dip, .. } = summary;
    let upgraded = *strategy != Strategy::None;
    let only = |text: String| if upgraded { text } else { "-".to_owned() };
    vec![
        format!("{}: {}", setting.name(), strategy.name()),
        format!("{:.0}", dip.usual / BIN.as_secs_f64()),
        only(time(summary.call)),
        format!("{:.0} %", dip.depth * 100.0),
        time(dip.width.as_secs_f64()),
        format!("{:.0} ms", dip.lost * 1e3),
        nanos(summary.slowest),
        only(summary.completed.map_or("not in this run".to_owned(), time)),
        only(format!("{:.0}", summary.by_touch)),
        only(format!("{:.0}", summary.by_sweep)),
        only(format!("{:.0}", summary.late)),
        only(format!("{:.0}", summary.carried_over)),
        format!("{:.0}", summary.conflicts),
        format!("{:.0} MB", summary.peak / 1e6),
        format!("{:.0} %", summary.share * 100.0),
    ]
}

fn latency_table() -> Table {
    Table::new(
        "Times of operations before and after the upgrade (us)",
        [
            "setting, strategy, class",
            "operations",
            "before 50 %",
            "99 %",
            "99.9 %",
            "max",
            "after 50 %",
            "99 %",
            "99.9 %",
            "max",
        ],
    )
}

fn latency_rows(table: &mut Table, setting: &Setting, strategy: Strategy, rounds: &[Series]) {
    for class in OpClass::ALL {
        let sum = |phase: usize| {
            let mut sum = rounds[0].classes[class.number()][phase].clone();
            for series in &rounds[1..] {
                sum.add(&series.classes[class.number()][phase])
                    .expect("histograms that grow can be added");
            }
            sum
        };
        let phases = [sum(0), sum(1)];
        let count = phases[0].len() + phases[1].len();
        if count == 0 {
            continue;
        }
        let mut row = vec![
            format!("{}: {}, {}", setting.name(), strategy.name(), class.name()),
            count.to_string(),
        ];
        for phase in &phases {
            let micros = |nanos: u64| format!("{:.1}", nanos as f64 / 1e3);
            row.extend([0.5, 0.99, 0.999].map(|q| micros(phase.value_at_quantile(q))));
            row.push(micros(phase.max()));
        }
        table.row(row);
    }
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

/// A line for each strategy: the median over the rounds of a value of each bin.
fn lines(outcome: &Outcome, value: impl Fn(&Bin) -> f64) -> Vec<Line> {
    let Outcome { setting, series } = outcome;
    let whole = (setting.length.as_millis() / BIN.as_millis()) as usize;
    let line = |(strategy, rounds): &(Strategy, Vec<Series>)| {
        let points = (0..whole).map(|at| {
            let values = rounds.iter().map(|series| series.bins.get(at).map_or(0.0, &value));
            ((at as f64 + 0.5) * BIN.as_secs_f64(), median(values))
        });
        Line::new(strategy.name(), points.collect())
    };
    series.iter().map(line).collect()
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
    let p99 = Plot::new(id("p99"), title("99 % of the operations took less"), "seconds", "us");
    let slowest = Plot::new(id("slowest"), title("Slowest operation"), "seconds", "us");
    let memory = Plot::new(id("memory"), title("Resident memory"), "seconds", "MB");
    let migrated = Plot::new(id("migrated"), title("Objects transformed"), "seconds", "objects");
    let glances = |value: &dyn Fn(&super::run::Glance) -> f64| {
        let line = |(strategy, rounds): &(Strategy, Vec<Series>)| {
            let points = rounds[0].glances.iter().map(|g| (g.at.as_secs_f64(), value(g)));
            Line::new(strategy.name(), points.collect())
        };
        outcome.series.iter().map(line).collect::<Vec<_>>()
    };
    let per_second = |bin: &Bin| bin.ops as f64 / BIN.as_secs_f64();
    let p99_us = |bin: &Bin| bin.times.value_at_quantile(0.99) as f64 / 1e3;
    let max_us = |bin: &Bin| bin.times.max() as f64 / 1e3;
    vec![
        marked(throughput, lines(outcome, per_second)),
        marked(p99.logarithmic(), lines(outcome, p99_us)),
        marked(slowest.logarithmic(), lines(outcome, max_us)),
        marked(migrated, glances(&|glance| glance.progress.transformed() as f64)),
        marked(memory, glances(&|glance| glance.bytes as f64 / 1e6)),
    ]
}

/// How the longest wait grows with the heap, if several sizes were measured.
fn growth(outcomes: &[Outcome]) -> Option<Plot> {
    let first = outcomes.first()?;
    let alike = |outcome: &&Outcome| {
        let (a, b) = (&outcome.setting, &first.setting);
        (a.workload, a.threads) == (b.workload, b.threads)
    };
    let alike: Vec<_> = outcomes.iter().filter(alike).collect();
    if alike.len() < 2 {
        return None;
    }
    let mut plot = Plot::new("growth", "Slowest operation by the size of the heap", "scale", "ms")
        .logarithmic();
    for (at, (strategy, _)) in first.series.iter().enumerate() {
        let points = alike.iter().map(|outcome| {
            let (strategy, rounds) = &outcome.series[at];
            let summary = summarise(&outcome.setting, *strategy, rounds);
            (outcome.setting.scale as f64, summary.slowest / 1e6)
        });
        plot = plot.line(Line::new(strategy.name(), points.collect()));
    }
    Some(plot)
}

/// What the numbers of a setting mean.
fn judge(setting: &Setting, summaries: &[Summary]) -> Vec<String> {
    let find = |strategy| summaries.iter().find(|summary| summary.strategy == strategy);
    let mut verdict = Vec::new();
    let control = find(Strategy::None);
    let noise = control.map_or(String::new(), |control| {
        format!(
            " Without any upgrade the slowest operation takes {} and the worst tenth of a second \
             is {:.0} % below the usual.",
            nanos(control.slowest),
            control.dip.depth * 100.0
        )
    });
    for strategy in [Strategy::Background, Strategy::Lazy] {
        let Some(lazy) = find(strategy) else { continue };
        let completed = lazy.completed.map_or_else(
            || "is not complete when the run ends".to_owned(),
            |seconds| format!("is complete after {}", time(seconds)),
        );
        verdict.push(format!(
            "{}: {}: the call returns after {}; {:.0} objects are transformed by touch and {:.0} \
             by the sweeper; the migration {completed}. Slowest operation {}, throughput down by \
             {:.0} % at worst, back after {}.",
            setting.name(),
            strategy.name(),
            time(lazy.call),
            lazy.by_touch,
            lazy.by_sweep,
            nanos(lazy.slowest),
            lazy.dip.depth * 100.0,
            time(lazy.dip.width.as_secs_f64()),
        ));
    }
    for strategy in [Strategy::Eager, Strategy::ParallelEager] {
        let Some(eager) = find(strategy) else { continue };
        let compared = find(Strategy::Background).map_or(String::new(), |lazy| {
            format!(
                " ({:.1} times that of lazy + background)",
                eager.slowest / lazy.slowest.max(1.0)
            )
        });
        verdict.push(format!(
            "{}: {}: everybody waits for {}; slowest operation {}{compared}.",
            setting.name(),
            strategy.name(),
            time(eager.call),
            nanos(eager.slowest),
        ));
    }
    if let Some(last) = verdict.last_mut() {
        last.push_str(&noise);
    }
    let share = median(summaries.iter().map(|summary| summary.share));
    if share < 0.75 {
        verdict.push(format!(
            "{}: the machine was busy: each thread had {:.0} % of a processor, so single waits \
             may come from elsewhere.",
            setting.name(),
            share * 100.0
        ));
    }
    verdict
}

fn notes(outcomes: &[Outcome]) -> Vec<String> {
    let Some(Outcome { setting, series }) = outcomes.first() else { return Vec::new() };
    let rounds = series.first().map_or(0, |(_, rounds)| rounds.len());
    let what = match setting.change {
        Change::Types => {
            "Seven types change: dates and positions become types of their own, connections are \
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
    vec![
        what.to_owned(),
        format!(
            "All strategies take turns within one run, {rounds} rounds each. Each works on a \
             structure built anew, for {:.1} s, and upgrades after {:.1} s. Bins are {} ms long.",
            setting.length.as_secs_f64(),
            setting.flip_at().as_secs_f64(),
            BIN.as_millis(),
        ),
        "Dip depth: the worst bin after the upgrade against the median before it. Dip width: \
         until three bins in a row are at 90 % again. Work lost: operations missing until the end \
         of the run, as the time that they usually take. Late commits: transactions that began \
         before the flip and committed just before it in time. Moved to new code: operations that \
         were executed again on the new version. Memory is that of the whole process, which keeps \
         what earlier runs have freed."
            .to_owned(),
        decay.to_owned(),
    ]
}
