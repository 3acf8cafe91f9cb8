//! Measured runs: what they print, that invariants are checked and runs replayed, and what the
//! program says to arguments that make no sense.

mod common;

use common::{BACKENDS, printed, run};

#[test]
fn a_run_of_two_threads_could_have_happened_one_after_the_other() {
    for backend in BACKENDS.into_iter().filter(|&backend| backend != "none") {
        for types in [1, 2] {
            let printed = printed(&format!(
                "run -g {backend} --types {types} -w w --size tiny -t 2 --ops 6000 --check --replay"
            ));
            assert!(printed.contains("Invariants: all hold"), "{printed}");
            assert!(printed.contains("Replay: 6000 operations"), "{printed}");
        }
    }
}

/// A short form of `ci/stmbench7-upgrades.sh`.
#[test]
fn runs_with_an_upgrade_could_have_happened_without_it() {
    let folder = std::env::temp_dir().join(format!("stmbench7-replay-{}", std::process::id()));
    for change in ["types", "null"] {
        let printed = printed(&format!(
            "upgrade --strategies lazy,background,eager,parallel-eager --change {change} --mix rw \
             --long-traversals on --structure on --size tiny --threads 2 --seconds 0.3 --rounds 1 \
             --check --replay --out {}",
            folder.display()
        ));
        assert!(printed.contains("Invariants: all hold after each of 4 runs"), "{printed}");
        assert!(printed.contains("operations of 4 runs, in commit order"), "{printed}");
    }
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

#[test]
fn all_fields_of_the_original_are_printed() {
    let printed = printed("run -g none --size tiny --ops 2000 -w rw --ttc-histograms");
    for field in [
        "Threads: 1",
        "Expected shares",
        "TTC histogram for ST1: 0,",
        "Detailed results",
        "Sample errors",
        "Total sample error:",
        "Summary",
        "structural modifications",
        "Throughput:",
        "Elapsed time:",
        "Processor time:",
    ] {
        assert!(printed.contains(field), "{field} is missing in\n{printed}");
    }
}

#[test]
fn threads_without_synchronisation_are_refused() {
    let output = run("run -g none -t 2 --size tiny --ops 10");
    assert!(!output.status.success());
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors, "error: back end `none` does not synchronise: it is for `--threads 1`\n");
}

#[test]
fn senseless_arguments_are_explained() {
    for (args, part) in [
        ("run --seconds 0", "it is no length of time"),
        ("run --seconds soon", "it is not a number"),
        ("run --mix x", "[possible values: r, rw, w]"),
        ("run --threads 0", "0 is not in 1..=1024"),
        ("run --ops 5 --seconds 3", "cannot be used with"),
        ("run --brief --check", "cannot be used with"),
        ("compare --of stm --backends none,heap", "`--of stm` is not among `--backends`"),
        ("compare --of none --backends none --threads 2", "back end `none` does not synchronise"),
        ("compare --out /dev/null/report", "the report can't be written into"),
        ("upgrade --pace 0", "it is no share"),
        ("upgrade --out /dev/null/report", "the report can't be written into"),
        ("trace --backend fine", "[possible values: none, coarse, medium, stm"),
    ] {
        let output = run(args);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && errors.contains(part), "`{args}`:\n{errors}");
    }
}

#[test]
fn the_experiment_leaves_a_report() {
    let folder = std::env::temp_dir().join(format!("stmbench7-{}", std::process::id()));
    let args = "upgrade --size tiny --seconds 0.6 --rounds 1 --threads 1 --check --out";
    let printed = printed(&format!("{args} {}", folder.display()));
    for strategy in ["no upgrade", "lazy", "lazy + background", "eager", "parallel eager"] {
        assert!(printed.lines().any(|line| line.starts_with(strategy)), "{printed}");
    }
    assert!(printed.contains("rw, 1 thread, scale 1\n"), "{printed}");
    assert!(printed.contains("Verdict: with a lazy upgrade the slowest operation"), "{printed}");
    let page = std::fs::read_to_string(folder.join("report.html")).expect("there is a page");
    assert!(page.matches("<svg").count() == 5 && page.contains("upgrade</text>"));
    for file in ["upgrades.csv", "latencies.csv", "throughput-rw-1-thread-scale-1.svg"] {
        assert!(folder.join(file).exists(), "{file}");
    }
    std::fs::remove_dir_all(folder).expect("it can be removed");
}

#[test]
fn a_comparison_leaves_a_report() {
    let folder = std::env::temp_dir().join(format!("stmbench7-compare-{}", std::process::id()));
    let printed = printed(&format!(
        "compare --backends none,stm,heap --mix rw --threads 1,2 --ops 300 --size tiny --rounds 2 \
         --fresh-memory --out {}",
        folder.display()
    ));
    for part in [
        "rw, 300 operations, scale 1: medians of 2 rounds",
        "none, 1 thread ",
        "stm, 2 threads ",
        "rw: heap, 1 thread, needs ",
        "rw: heap, 2 threads, reaches ",
    ] {
        assert!(printed.contains(part), "{part} is missing in\n{printed}");
    }
    let page = std::fs::read_to_string(folder.join("report.html")).expect("there is a page");
    assert_eq!(page.matches("<svg").count(), 2);
    let rounds = std::fs::read_to_string(folder.join("rounds.csv")).expect("there are figures");
    assert_eq!(rounds.lines().count(), 1 + 2 * 5, "{rounds}");
    assert!(folder.join("processor-rw.svg").exists());
    std::fs::remove_dir_all(folder).expect("it can be removed");
}
