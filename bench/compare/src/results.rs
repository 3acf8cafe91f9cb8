//! Everything measured, by cell.

use crate::measure::{Metric, Reading, Samples};
use crate::registry::Entry;
use crate::workload::Workload;

/// The rounds of one metric of one workload on one back end.
#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) backend: &'static str,
    pub(crate) workload: Workload,
    pub(crate) metric: Metric,
    pub(crate) samples: Samples,
}

/// All cells, in the order of measuring.
#[derive(Debug)]
pub(crate) struct Results {
    /// The back ends asked for, in the order of the tables.
    pub(crate) entries: Vec<&'static Entry>,
    pub(crate) cells: Vec<Cell>,
}

impl Results {
    /// No results yet.
    pub(crate) fn new(entries: Vec<&'static Entry>) -> Self {
        Self { entries, cells: Vec::new() }
    }

    /// Adds the readings of one round.
    pub(crate) fn add(&mut self, backend: &'static str, workload: Workload, readings: &[Reading]) {
        for &(metric, value) in readings {
            let known = self.cells.iter().position(|cell| {
                (cell.backend, cell.workload, cell.metric) == (backend, workload, metric)
            });
            let at = known.unwrap_or_else(|| {
                let samples = Samples::default();
                self.cells.push(Cell { backend, workload, metric, samples });
                self.cells.len() - 1
            });
            self.cells[at].samples.add(value);
        }
    }

    /// The rounds of one cell, if it was measured.
    pub(crate) fn get(
        &self,
        backend: &str,
        workload: Workload,
        metric: Metric,
    ) -> Option<&Samples> {
        self.cells
            .iter()
            .find(|cell| (cell.backend, cell.workload, cell.metric) == (backend, workload, metric))
            .map(|cell| &cell.samples)
    }

    /// The median of one cell, if it was measured and happened.
    pub(crate) fn median(&self, backend: &str, workload: Workload, metric: Metric) -> Option<f64> {
        self.get(backend, workload, metric)?.median()
    }

    /// Whether anything of a workload was measured.
    pub(crate) fn has(&self, workload: Workload) -> bool {
        self.cells.iter().any(|cell| cell.workload == workload)
    }
}
