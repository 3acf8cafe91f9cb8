//! What each command does.

use std::error::Error;
use std::io::{self, BufWriter, Write, stdout};
use std::path::Path;
use std::time::Duration;

use clap::Parser;
use indicatif::{ProgressBar, ProgressStyle};

use super::choose::{Task, with_backend};
use super::{Cli, Command, CompareArgs, FactsArgs, RunArgs, SoakArgs, TraceArgs, UpgradeArgs};
use crate::backend::{Backend, BackendName, Found, Work};
use crate::check::{End, Moment, check, digest, replay};
use crate::compare::{self, Figures};
use crate::facts::facts;
use crate::measure::{Limit, RunPlan, measure};
use crate::memory::{have_at_hand, resident};
use crate::output::Output;
use crate::params::Params;
use crate::schema::Schema;
use crate::trace::{TracePlan, trace};
use crate::upgrade::{Outcome, Stage, experiment, soak, write_report};

const ONE_THREAD_ONLY: &str = "back end `none` does not synchronise: it is for `--threads 1`";

/// Does what the command line says.
pub(crate) fn run(cli: Cli) -> Result<(), Box<dyn Error>> {
    match cli.command {
        Some(Command::Run(args)) => with_backend(&args.structure, RunTask(&args)),
        Some(Command::Compare(args)) => compare(&args),
        Some(Command::Trace(args)) => with_backend(&args.structure, TraceTask(&args)),
        Some(Command::Facts(args)) => with_backend(&args.structure, FactsTask(&args)),
        Some(Command::Upgrade(args)) => upgrade(&args),
        Some(Command::Soak(args)) => long_run(&args),
        None => match Cli::parse_from(["stmbench7", "upgrade"]).command {
            Some(Command::Upgrade(args)) => upgrade(&args),
            _ => Err("the default command is `upgrade`".into()),
        },
    }
}

/// The experiment, with a bar that shows how far it is.
fn upgrade(args: &UpgradeArgs) -> Result<(), Box<dyn Error>> {
    let settings = args.settings();
    let refused = |error| refused(&args.out, &error);
    // Now rather than when everything has been measured.
    std::fs::create_dir_all(&args.out).map_err(refused)?;
    let rounds = usize::from(args.rounds);
    let runs = settings.len() * args.strategies.len() * rounds;
    let bar = bar_of_runs(runs)?;
    let outcomes = experiment(&settings, &args.strategies, rounds, |begun, what| {
        bar.set_position(begun);
        bar.set_message(what.to_owned());
    })?;
    bar.finish_and_clear();
    let (printed, page) = write_report(&outcomes, &args.out).map_err(refused)?;
    print!("{printed}");
    if args.check {
        println!("Invariants: all hold after each of {runs} runs");
    }
    if args.replay {
        let ops = outcomes.iter().map(Outcome::ops).sum::<u64>();
        println!(
            "Replay: {ops} operations of {runs} runs, in commit order and without upgrades, give \
             the same results and structures"
        );
    }
    println!("Report: {}", page.canonicalize().unwrap_or(page).display());
    Ok(())
}

/// Back ends in turns, with a bar that shows how far it is.
fn compare(args: &CompareArgs) -> Result<(), Box<dyn Error>> {
    let comparison = args.comparison();
    if !comparison.backends.contains(&comparison.subject) {
        return Err(format!("`--of {}` is not among `--backends`", comparison.subject).into());
    }
    let contestants = comparison.contestants().len();
    if contestants == 0 {
        return Err(ONE_THREAD_ONLY.into());
    }
    let refused = |error| refused(&args.out, &error);
    std::fs::create_dir_all(&args.out).map_err(refused)?;
    let runs = contestants * comparison.workloads.len() * usize::from(comparison.rounds);
    let bar = bar_of_runs(runs)?;
    let compared = comparison.compare(|begun, what| {
        bar.set_position(begun);
        bar.set_message(what.to_owned());
    })?;
    bar.finish_and_clear();
    let (printed, page) =
        compare::write_report(&comparison, &compared, &args.out).map_err(refused)?;
    print!("{printed}");
    println!("Report: {}", page.canonicalize().unwrap_or(page).display());
    Ok(())
}

fn refused(folder: &Path, error: &io::Error) -> String {
    format!("the report can't be written into {folder:?}: {error}")
}

fn bar_of_runs(runs: usize) -> Result<ProgressBar, Box<dyn Error>> {
    let bar = ProgressBar::new(runs as u64);
    let style = "[{elapsed_precise}] {wide_bar} {pos}/{len} {msg}";
    bar.set_style(ProgressStyle::with_template(style)?);
    bar.enable_steady_tick(Duration::from_millis(200));
    Ok(bar)
}

/// A long run with many upgrades, with a bar for the time and then one for the replay.
fn long_run(args: &SoakArgs) -> Result<(), Box<dyn Error>> {
    let setting = args.setting();
    let every = Duration::from_secs_f64(args.every);
    let upgrades = (args.seconds / args.every).ceil() as u64 - 1;
    println!("{}: an upgrade every {} s for {} s", setting.name(), args.every, args.seconds);
    let bar = ProgressBar::new(1000);
    bar.set_style(ProgressStyle::with_template("[{elapsed_precise}] {wide_bar} {msg}")?);
    let soaked = soak(&setting, every, |stage| match stage {
        Stage::Working { part, upgrades: done, bytes } => {
            bar.set_position((part * 1000.0) as u64);
            bar.set_message(format!("upgrade {done} of {upgrades}, {:.0} MB", bytes as f64 / 1e6));
        }
        Stage::Replaying { done, of } => {
            bar.set_length(of);
            bar.set_position(done);
            bar.set_message(format!("replaying {of} operations"));
        }
    });
    bar.finish_and_clear();
    print!("{}", soaked?);
    Ok(())
}

struct FactsTask<'a>(&'a FactsArgs);

impl Task for FactsTask<'_> {
    fn run<S: Schema, B: Found<S>>(self, backend: &mut B) -> Result<(), Box<dyn Error>> {
        print!("{}", facts(backend, self.0.structure.params())?);
        Ok(())
    }
}

struct TraceTask<'a>(&'a TraceArgs);

impl Task for TraceTask<'_> {
    fn run<S: Schema, B: Found<S>>(self, backend: &mut B) -> Result<(), Box<dyn Error>> {
        let TraceArgs { structure, operations, ops, thread_seed, quiet, check } = *self.0;
        let plan = TracePlan {
            params: structure.params(),
            build_seed: structure.seed,
            worker_seed: thread_seed.unwrap_or(structure.seed),
            workload: operations.mix,
            long_traversals: operations.long_traversals.is_on(),
            structure: operations.structure.is_on(),
            ops,
            quiet,
        };
        let mut out = BufWriter::new(stdout().lock());
        trace(backend, &plan, &mut out)?;
        out.flush()?;
        if check { check_now(backend, &plan.params, Moment::Later) } else { Ok(()) }
    }
}

/// An error if an invariant does not hold.
fn check_now<S: Schema, B: Backend<S>>(
    backend: &B,
    params: &Params,
    moment: Moment,
) -> Result<(), Box<dyn Error>> {
    let found = backend.read(Work::Whole, |tx| check(tx, params, moment))?.value;
    if found.is_empty() {
        return Ok(());
    }
    Err(format!("invariants do not hold:\n{found}").into())
}

struct RunTask<'a>(&'a RunArgs);

impl Task for RunTask<'_> {
    fn run<S: Schema, B: Found<S>>(self, backend: &mut B) -> Result<(), Box<dyn Error>> {
        let args = self.0;
        let threads = usize::from(args.threads);
        if args.structure.backend == BackendName::None && threads > 1 {
            return Err(ONE_THREAD_ONLY.into());
        }
        let params = args.structure.params();
        let seed = |thread: usize| {
            if args.same_seed { args.structure.seed } else { args.structure.seed + thread as u64 }
        };
        let plan = RunPlan {
            params,
            mix: args.operations.mix(),
            threads,
            limit: match args.ops {
                Some(ops) => Limit::Ops(ops),
                None => Limit::Time(Duration::from_secs_f64(args.seconds)),
            },
            seeds: (0..threads).map(seed).collect(),
            log: args.replay,
        };
        if args.check {
            check_now(backend, &params, Moment::Initial)?;
        }
        if !args.fresh_memory {
            // As much again as the structure takes.
            have_at_hand(resident());
        }
        if args.brief {
            let measured = measure::<S, B>(backend, &plan, |_| ())?;
            println!("{}", Figures::of(&measured));
            return Ok(());
        }
        println!("{}", describe::<S>(args));
        let bar = ProgressBar::new(1000);
        let style = "[{elapsed_precise}] {wide_bar} {percent} %";
        bar.set_style(ProgressStyle::with_template(style)?);
        let measured =
            measure::<S, B>(backend, &plan, |part| bar.set_position((part * 1000.0) as u64))?;
        bar.finish_and_clear();
        let histograms = args.ttc_histograms;
        print!("{}", Output { measured: &measured, mix: &plan.mix, histograms });
        if args.check {
            check_now(backend, &params, Moment::Later)?;
            println!("Invariants: all hold");
        }
        if args.replay {
            let digest = backend.read(Work::Whole, |tx| digest(tx))?.value;
            let end = End { digest, upgraded: None };
            let seed = args.structure.seed;
            let found = replay::<S>(params, seed, &plan.mix, &measured.logs, &end, |_| ())?;
            if !found.is_empty() {
                return Err(format!("the run is not what its replay is:\n{found}").into());
            }
            let ops = measured.succeeded() + measured.failed();
            println!(
                "Replay: {ops} operations in commit order give the same results and structure"
            );
        }
        Ok(())
    }
}

fn describe<S: Schema>(args: &RunArgs) -> String {
    let RunArgs { structure, operations, threads, .. } = args;
    let on = |switch: super::Switch| if switch.is_on() { "on" } else { "off" };
    let Params { composites, atomics_per_composite, levels, .. } = structure.params();
    format!(
        "STMBench7\n\
         Back end: {:?}, {}\n\
         Threads: {threads}\n\
         Workload: {} ({} % read-only), long traversals {}, structural modifications {}\n\
         Structure: {composites} composite parts of {atomics_per_composite} atomic parts, \
         {levels} levels, seed {}",
        structure.backend,
        S::NAME,
        operations.mix.name(),
        operations.mix.read_only_percent(),
        on(operations.long_traversals),
        on(operations.structure),
        structure.seed,
    )
}
