//! What a comparison says, in tables, words and pictures.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use upgradable_report::{Line, Plot, Report, Table, median};

use super::{Compared, Comparison, Contestant, Figures};
use crate::mix::Workload;

/// Writes report, pictures and CSV files into a folder. Returns what to print, and where the page
/// is.
pub(crate) fn write_report(
    comparison: &Comparison,
    compared: &[Compared],
    folder: &Path,
) -> io::Result<(String, PathBuf)> {
    let subject = comparison.subject;
    let mut report = Report::new("STMBench7: back ends beside each other");
    let mut printed = String::new();
    let mut tables = Vec::new();
    let mut every =
        Table::new("Rounds", ["mix", "back end", "threads", "round"].into_iter().chain(FIGURES));
    for compared in compared {
        let mix = compared.workload.name();
        let title = format!(
            "{mix}, {}, scale {}: medians of {} rounds (least to greatest)",
            comparison.amount(),
            comparison.scale,
            comparison.rounds,
        );
        let columns = [
            "back end".to_owned(),
            "op/s".to_owned(),
            "processor, us/op".to_owned(),
            format!("processor: {subject} / this"),
            format!("throughput: {subject} / this"),
            "throughput: this / fewest threads".to_owned(),
            "executions in vain".to_owned(),
        ];
        let mut table = Table::new(title, columns);
        for (contestant, rounds) in &compared.series {
            table.row(cells(comparison, compared, *contestant, rounds));
            for (at, figures) in rounds.iter().enumerate() {
                let (threads, round) = (contestant.threads.to_string(), (at + 1).to_string());
                let run = [mix.to_owned(), contestant.backend.to_string(), threads, round];
                every.row(run.into_iter().chain(figures.cells()));
            }
        }
        printed.push_str(&format!("{table}\n"));
        tables.push(table);
        for sentence in judge(comparison, compared) {
            printed.push_str(&format!("{sentence}\n"));
            report = report.say(sentence);
        }
        printed.push('\n');
        report = plots(compared).into_iter().fold(report, Report::plot);
    }
    report = tables.into_iter().fold(report, Report::table);
    report = notes(comparison).into_iter().fold(report, Report::note);
    fs::create_dir_all(folder)?;
    fs::write(folder.join("rounds.csv"), every.csv())?;
    let page = report.write(folder)?;
    Ok((printed, page))
}

const FIGURES: [&str; 3] = ["op/s", "processor us/op", "executions in vain/op"];

fn throughput(figures: &Figures) -> f64 {
    figures.throughput
}

fn processor(figures: &Figures) -> f64 {
    figures.processor
}

/// Ratios of the rounds, sorted: the median of these and not the ratio of medians, as a round's runs
/// are near to each other in time, and the machine is not the same for long.
struct Ratios(Vec<f64>);

impl Ratios {
    /// `None` where one of both was not measured.
    fn new(
        compared: &Compared,
        above: Contestant,
        below: Contestant,
        value: fn(&Figures) -> f64,
    ) -> Option<Self> {
        let of = |wanted| compared.series.iter().find(|(one, _)| *one == wanted);
        let ((_, above), (_, below)) = (of(above)?, of(below)?);
        let ratios = above.iter().zip(below).map(|(above, below)| value(above) / value(below));
        let mut ratios: Vec<_> = ratios.collect();
        ratios.sort_unstable_by(f64::total_cmp);
        Some(Self(ratios))
    }

    fn median(&self) -> f64 {
        median(self.0.iter().copied()).unwrap_or(f64::NAN)
    }

    fn cell(&self) -> String {
        match self.0.as_slice() {
            [least, .., most] => format!("{:.2} ({least:.2} to {most:.2})", self.median()),
            _ => format!("{:.2}", self.median()),
        }
    }
}

fn cells(
    comparison: &Comparison,
    compared: &Compared,
    contestant: Contestant,
    rounds: &[Figures],
) -> [String; 7] {
    let subject = Contestant { backend: comparison.subject, ..contestant };
    let against = |value| {
        let ratios = Ratios::new(compared, subject, contestant, value)?;
        (subject != contestant).then(|| ratios.cell())
    };
    let fewest = fewest(compared, contestant);
    let growth = Ratios::new(compared, contestant, fewest, throughput);
    let growth = growth.filter(|_| fewest != contestant).map(|ratios| ratios.cell());
    let over = |value: fn(&Figures) -> f64| median(rounds.iter().map(value)).unwrap_or(f64::NAN);
    let or_none = |cell: Option<String>| cell.unwrap_or_else(|| "-".to_owned());
    [
        contestant.to_string(),
        format!("{:.0}", over(throughput)),
        format!("{:.1}", over(processor)),
        or_none(against(processor)),
        or_none(against(throughput)),
        or_none(growth),
        format!("{:.1} %", 100.0 * over(|figures| figures.conflicts)),
    ]
}

/// The same back end with the fewest threads.
fn fewest(compared: &Compared, contestant: Contestant) -> Contestant {
    let same = compared.series.iter().map(|(one, _)| *one);
    let same = same.filter(|one| one.backend == contestant.backend);
    same.min_by_key(|one| one.threads).unwrap_or(contestant)
}

/// What the subject's figures are, in words.
fn judge(comparison: &Comparison, compared: &Compared) -> Vec<String> {
    let mix = compared.workload.name();
    let mut sentences = Vec::new();
    for (contestant, _) in &compared.series {
        let subject = Contestant { backend: comparison.subject, ..*contestant };
        if *contestant == subject {
            let fewest = fewest(compared, subject);
            let growth = Ratios::new(compared, subject, fewest, throughput);
            if let Some(growth) = growth.filter(|_| fewest != subject) {
                sentences.push(format!(
                    "{mix}: {subject}, reaches {:.2} times the throughput of {}.",
                    growth.median(),
                    fewest.threads,
                ));
            }
            continue;
        }
        let ratio = |value| Ratios::new(compared, subject, *contestant, value);
        if let (Some(time), Some(rate)) = (ratio(processor), ratio(throughput)) {
            sentences.push(format!(
                "{mix}: {subject}, needs {:.2} times the processor time of {}, and reaches {:.2} times \
                 its throughput.",
                time.median(),
                contestant.backend,
                rate.median(),
            ));
        }
    }
    sentences
}

/// Round by round, so that one sees how calm the machine was.
fn plots(compared: &Compared) -> [Plot; 2] {
    let Compared { workload, series } = compared;
    let plot = |id: &str, title: &str, unit: &str, value: fn(&Figures) -> f64| {
        let mix = Workload::name(*workload);
        let empty = Plot::new(format!("{id}-{mix}"), format!("{title} ({mix})"), "round", unit);
        series.iter().fold(empty, |plot, (contestant, rounds)| {
            let points = rounds.iter().enumerate();
            let points = points.map(|(at, figures)| ((at + 1) as f64, value(figures))).collect();
            plot.line(Line::new(contestant.to_string(), points))
        })
    };
    [
        plot("processor", "Processor time of an operation", "us", processor),
        plot("throughput", "Throughput", "operations/s", throughput),
    ]
}

fn notes(comparison: &Comparison) -> Vec<String> {
    let on = |switch: bool| if switch { "on" } else { "off" };
    vec![
        "Each run is a process of its own; the runs of a round come one after the other, and each \
         round begins with another one."
            .to_owned(),
        "A ratio is the median of the rounds' ratios, with the least and the greatest behind it."
            .to_owned(),
        format!(
            "Long traversals {}, structural modifications {}, seed {}.",
            on(comparison.long_traversals),
            on(comparison.structure),
            comparison.seed,
        ),
        if comparison.fresh_memory {
            "The system handed memory out while the work ran."
        } else {
            "Each process had the memory that a run needs before it began."
        }
        .to_owned(),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::backend::BackendName;

    fn series(
        backend: BackendName,
        threads: u16,
        figures: [(f64, f64); 3],
    ) -> (Contestant, Vec<Figures>) {
        let figures = figures.map(|(throughput, processor)| Figures {
            throughput,
            processor,
            conflicts: 0.0,
        });
        (Contestant { backend, threads }, figures.to_vec())
    }

    #[test]
    fn ratios_are_those_of_the_rounds() {
        let none = series(BackendName::None, 1, [(100.0, 10.0), (10.0, 100.0), (50.0, 20.0)]);
        let one = series(BackendName::Heap, 1, [(50.0, 20.0), (20.0, 50.0), (30.0, 30.0)]);
        let two = series(BackendName::Heap, 2, [(80.0, 25.0), (50.0, 40.0), (60.0, 30.0)]);
        let (plain, single, both) = (none.0, one.0, two.0);
        let compared = Compared { workload: Workload::Rw, series: vec![none, one, two] };
        let ratios = |above, below, value| {
            Ratios::new(&compared, above, below, value).map(|ratios| ratios.cell())
        };
        let cell = |text: &str| Some(text.to_owned());
        assert_eq!(ratios(single, plain, processor), cell("1.50 (0.50 to 2.00)"));
        assert_eq!(ratios(both, single, throughput), cell("2.00 (1.60 to 2.50)"));
        let missing = Contestant { backend: BackendName::None, threads: 2 };
        assert_eq!(ratios(both, missing, throughput), None);
        assert_eq!((fewest(&compared, both), fewest(&compared, plain)), (single, plain));
    }
}
