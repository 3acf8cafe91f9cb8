//! From the name of a back end to its type.

use std::error::Error;

use super::StructureArgs;
use crate::backend::{BackendName, Coarse, Found, Medium, OnHeap, Stm, Unsynchronised};
use crate::build::build;
use crate::schema::{Schema, V1, V2};

/// Something to do with a structure, whatever keeps it.
pub(super) trait Task {
    fn run<S: Schema, B: Found<S>>(self, backend: &mut B) -> Result<(), Box<dyn Error>>;
}

/// Builds the structure in the back end that was asked for, and does the task.
pub(super) fn with_backend(args: &StructureArgs, task: impl Task) -> Result<(), Box<dyn Error>> {
    match args.types {
        1 => with_types::<V1>(args, task),
        _ => with_types::<V2>(args, task),
    }
}

fn with_types<S: Schema>(args: &StructureArgs, task: impl Task) -> Result<(), Box<dyn Error>> {
    match args.backend {
        BackendName::None => with::<S, Unsynchronised<S>>(args, task),
        BackendName::Coarse => with::<S, Coarse<S>>(args, task),
        BackendName::Medium => with::<S, Medium<S>>(args, task),
        BackendName::Stm => with::<S, Stm<S>>(args, task),
        BackendName::Heap => with::<S, OnHeap<S>>(args, task),
    }
}

fn with<S: Schema, B: Found<S> + Default>(
    args: &StructureArgs,
    task: impl Task,
) -> Result<(), Box<dyn Error>> {
    let mut backend = B::default();
    build(&mut backend, args.params(), args.seed)?;
    task.run(&mut backend)
}
