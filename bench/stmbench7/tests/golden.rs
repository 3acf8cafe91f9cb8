//! Every back end, with both versions of the types, gives the results of the original,
//! operation by operation, and leaves the same structure behind.
//!
//! The fixtures are runs of the original with seed 3. What it printed after more operations is
//! known as hashes: O over the results, H over the structure.

//!
//! By default each back end does each run with one version of the types, and with the other
//! one the other run; with `STMBENCH7_ALL=1` all do everything.

mod common;

use common::{combinations, printed};

fn results(file: &str) -> impl Iterator<Item = &str> {
    file.lines().filter(|line| !line.starts_with('#'))
}

/// Whether everything is run, or what takes a few seconds.
fn all() -> bool {
    std::env::var_os("STMBENCH7_ALL").is_some()
}

fn compare(first: u8, args: &str, golden: &str, hashes: Option<&str>) {
    for (backend, types) in combinations(first) {
        let command = format!("trace --seed 3 -g {backend} --types {types} --check {args}");
        let printed = printed(&command);
        for (here, there) in results(&printed).zip(results(golden)) {
            assert_eq!(here, there, "`{command}` differs from the original");
        }
        let end: Vec<_> = printed.lines().rev().take(3).collect();
        let end = [end[2], end[1], end[0]].join(" ");
        assert!(hashes.is_none_or(|hashes| end == hashes), "`{command}` ends with {end}");
    }
}

#[test]
fn everything_on() {
    let golden = include_str!("fixtures/seed3-rw-full.csv");
    assert_eq!(results(golden).count(), 1000);
    let args = "--mix rw --long-traversals on --structure on --ops";
    if all() {
        let hashes = "# failed 23 # O 73be13b0f6e0df1d # H 1fead48456688602";
        compare(1, &format!("{args} 1000"), golden, Some(hashes));
    } else {
        compare(1, &format!("{args} 100"), golden, None);
    }
}

#[test]
fn short_operations_only() {
    let golden = include_str!("fixtures/seed3-rw-nolt-nosm.csv");
    assert_eq!(results(golden).count(), 1000);
    let args = "--mix rw --long-traversals off --structure off --ops";
    let hashes = "# failed 14 # O fef008b524630c10 # H d6a2b7417ec07005";
    compare(2, &format!("{args} 1000"), golden, Some(hashes));
    if all() {
        let hashes = "# failed 139 # O 5aef770eb9715ae0 # H ae48ac9372cac4a3";
        compare(1, &format!("{args} 10000"), golden, Some(hashes));
        let hashes = "# failed 287 # O 25d0a7694403381b # H ec00c62acdcb5249";
        compare(2, &format!("{args} 20000"), golden, Some(hashes));
    }
}

#[test]
fn the_header_is_that_of_the_files() {
    let printed = printed("trace -g none -w rw --ops 1");
    let golden = include_str!("fixtures/seed3-rw-full.csv");
    assert_eq!(printed.lines().next(), golden.lines().next());
}
