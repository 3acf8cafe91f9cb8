//! The workloads: what is measured, whatever the back end.

pub(crate) mod memory;
pub(crate) mod parallel;
pub(crate) mod scan;
pub(crate) mod single;

use clap::ValueEnum;

use crate::measure::{Plan, Reading};

/// A prepared measurement: each call is one round.
pub(crate) type Task = Box<dyn FnMut() -> Vec<Reading>>;

/// One workload.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Workload {
    /// A read-only transaction of one variable
    Read1,
    /// A read-only transaction of all of 1,000 variables
    Read1000,
    /// A read-modify-write of one variable
    Rmw,
    /// 10 random reads and 2 random writes over 1,000 variables
    #[value(name = "10r2w-1k")]
    Mixed1k,
    /// 10 random reads and 2 random writes over 1,000,000 variables
    #[value(name = "10r2w-1m")]
    Mixed1m,
    /// A read-only transaction of 100,000 variables beside a writer updating one at a time
    Scan,
    /// The same beside a writer transferring between two at a time
    ScanTransfer,
    /// Read-modify-writes of different variables, two threads against one
    ThreadsRmw,
    /// 10 reads and 2 writes over 1,000 shared variables, two threads against one
    #[value(name = "threads-10r2w")]
    ThreadsMixed,
    /// Heap memory of a variable
    Bytes,
}

impl Workload {
    /// The order of running. The largest comes first, while the heap is fresh and the variables
    /// of every back end lie as their author can expect.
    pub(crate) const RUN_ORDER: [Self; 10] = [
        Self::Mixed1m,
        Self::Scan,
        Self::ScanTransfer,
        Self::Read1,
        Self::Read1000,
        Self::Rmw,
        Self::Mixed1k,
        Self::ThreadsRmw,
        Self::ThreadsMixed,
        Self::Bytes,
    ];

    /// The name on the command line and in a CSV file.
    pub(crate) fn name(self) -> String {
        self.to_possible_value().map(|value| value.get_name().to_owned()).unwrap_or_default()
    }

    /// How often to measure. Counting memory gives the same number every time.
    pub(crate) fn rounds(self, plan: &Plan) -> usize {
        match self {
            Self::Bytes => 1,
            _ => plan.rounds,
        }
    }
}
