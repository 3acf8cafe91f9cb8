//! A heap does what a plain model of it does, whatever the operations: four bytes each. The model
//! and the operations are those of `tests/tests/model_heap.rs`.
//!
//! `cargo +nightly fuzz run heap` looks for inputs by coverage. As a plain program, on any toolchain:
//!
//! ```text
//! heap FILE...              runs inputs; `-` is the standard input
//! heap --random SEED TIMES  runs made up inputs; one that fails is made small and printed
//! heap --shrink FILE        makes an input that fails small, and prints its operations
//! ```

#![cfg_attr(fuzzing, no_main)]

#[path = "../../tests/tests/model_heap/draft.rs"]
mod draft;
#[path = "../../tests/tests/model_heap/item.rs"]
mod item;
#[path = "../../tests/tests/model_heap/rig.rs"]
mod rig;
#[path = "../../tests/tests/model_heap/show.rs"]
mod show;
#[path = "../../tests/tests/model_heap/state.rs"]
mod state;
#[path = "../../tests/tests/model_heap/types.rs"]
mod types;

use rig::Op;

/// The operations in some bytes; what is left over is none.
fn operations(bytes: &[u8]) -> Vec<Op> {
    bytes.chunks_exact(4).map(|op| [op[0], op[1], op[2], op[3]]).collect()
}

#[cfg(fuzzing)]
libfuzzer_sys::fuzz_target!(|bytes: &[u8]| rig::run(&operations(bytes)));

#[cfg(not(fuzzing))]
fn main() -> std::process::ExitCode {
    plain::main()
}

#[cfg(not(fuzzing))]
mod plain {
    use std::io::Read;
    use std::panic::{self, catch_unwind};
    use std::process::ExitCode;
    use std::{env, fs, io};

    use super::rig::{self, Op};
    use super::operations;

    pub(crate) fn main() -> ExitCode {
        let arguments: Vec<String> = env::args().skip(1).collect();
        let done = match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["--random", seed, times] => random(seed, times),
            ["--shrink", file] => read(file).map(|bytes| shrink(operations(&bytes))),
            [] => Err("which inputs? `-` is the standard input".to_owned()),
            ref files => files.iter().try_for_each(|file| {
                rig::run(&operations(&read(file)?));
                Ok(())
            }),
        };
        match done {
            Ok(()) => ExitCode::SUCCESS,
            Err(why) => {
                eprintln!("{why}");
                ExitCode::FAILURE
            }
        }
    }

    fn read(file: &str) -> Result<Vec<u8>, String> {
        let mut bytes = Vec::new();
        let read = match file {
            "-" => io::stdin().read_to_end(&mut bytes).map(drop),
            file => fs::read(file).map(|read| bytes = read),
        };
        read.map(|()| bytes).map_err(|error| format!("{file}: {error}"))
    }

    /// Inputs of up to 160 operations, from one seed each.
    fn random(seed: &str, times: &str) -> Result<(), String> {
        let number = |text: &str| text.parse::<u64>().map_err(|error| format!("{text}: {error}"));
        let (first, times) = (number(seed)?, number(times)?);
        for seed in first..first + times {
            let ops = made_up(seed);
            if fails(&ops) {
                println!("seed {seed} fails");
                shrink(ops);
                return Err(format!("again: --random {seed} 1"));
            }
        }
        println!("{times} inputs from seed {first} on: no difference");
        Ok(())
    }

    fn made_up(seed: u64) -> Vec<Op> {
        let mut state = seed;
        let mut next = || {
            state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
            let mixed = (state ^ state >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            let mixed = (mixed ^ mixed >> 27).wrapping_mul(0x94D0_49BB_1331_11EB);
            mixed ^ mixed >> 31
        };
        let count = 1 + next() % 160;
        (0..count).map(|_| (next() as u32).to_le_bytes()).collect()
    }

    /// Leaves operations out as long as it fails, prints what is left, and runs it.
    fn shrink(mut ops: Vec<Op>) {
        if fails(&ops) {
            let mut size = ops.len() / 2;
            while size > 0 {
                let mut at = 0;
                while at < ops.len() {
                    let mut fewer = ops.clone();
                    fewer.drain(at..(at + size).min(fewer.len()));
                    if fails(&fewer) { ops = fewer } else { at += size }
                }
                size /= 2;
            }
        }
        for [what, a, b, c] in &ops {
            println!("{} {a} {b} {c}", what % 32);
        }
        let _ = catch_unwind(|| rig::run(&ops));
    }

    fn fails(ops: &[Op]) -> bool {
        let hook = panic::take_hook();
        panic::set_hook(Box::new(|_| {}));
        let failed = catch_unwind(|| rig::run(ops)).is_err();
        panic::set_hook(hook);
        failed
    }
}
