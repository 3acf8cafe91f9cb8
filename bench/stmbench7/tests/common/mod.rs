//! Running the program and looking at what it prints.

use std::process::{Command, Output};

/// All back ends.
pub(crate) const BACKENDS: [&str; 5] = ["none", "coarse", "medium", "stm", "heap"];

/// Back ends with versions of the types: by default each with one, in turns, beginning with
/// `first`; with `STMBENCH7_ALL=1` each with both.
#[allow(dead_code, reason = "not every test file needs it")]
pub(crate) fn combinations(first: u8) -> Vec<(&'static str, u8)> {
    if std::env::var_os("STMBENCH7_ALL").is_some() {
        return BACKENDS.into_iter().flat_map(|name| [(name, 1), (name, 2)]).collect();
    }
    let other = 3 - first;
    BACKENDS.into_iter().zip([first, other].into_iter().cycle()).collect()
}

/// Runs the program with arguments separated by spaces.
pub(crate) fn run(args: &str) -> Output {
    Command::new(env!("CARGO_BIN_EXE_stmbench7"))
        .args(args.split_whitespace())
        .output()
        .expect("the program can be started")
}

/// What the program prints when it succeeds.
pub(crate) fn printed(args: &str) -> String {
    let output = run(args);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "`{args}` failed:\n{errors}");
    String::from_utf8(output.stdout).expect("it prints text")
}
