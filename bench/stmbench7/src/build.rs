//! Building the initial structure.

use thiserror::Error;

use crate::backend::{Backend, BaseById, CompositeById, Found, Read, Stop, Work, Write, all};
use crate::id::Id;
use crate::ops::{Assembly, Worker};
use crate::params::{MODULE_DATES, Params};
use crate::pool::IdPool;
use crate::schema::{Common, Manual, Module, Pools, Roots, Schema};
use crate::structure::{create_assembly, create_composite, draw_kind, link};
use crate::text::Text;

/// Why nothing could be built.
#[derive(Debug, Error)]
pub(crate) enum BuildError<E> {
    #[error("the pools of ids are too small for the structure")]
    NoRoom,
    #[error(transparent)]
    Broken(#[from] E),
}

/// Builds the structure in an empty back end.
pub(crate) fn build<S: Schema, B: Found<S>>(
    backend: &mut B,
    params: Params,
    seed: u64,
) -> Result<(), BuildError<B::Error>> {
    let mut worker = Worker::new(params, seed);
    let pools = step(backend, &mut worker, |tx, _| create_pools(tx, params))?;
    let mut roots = Roots { module: Id::NOWHERE, pools };
    backend.set_roots(roots);
    for _ in 0..params.composites {
        step(backend, &mut worker, |tx, worker| create_composite(tx, worker))?;
    }
    roots.module = step(backend, &mut worker, |tx, worker| create_module(tx, worker))?;
    backend.set_roots(roots);
    step(backend, &mut worker, |tx, worker| {
        let Some(root) = create_root(tx, worker)? else { return Err(Stop::Failed) };
        Ok(tx.modify(tx.roots().module, |module| module.set_root(root))?)
    })?;
    step(backend, &mut worker, |tx, worker| create_links(tx, worker))
}

/// One transaction of the building. Executed again, it draws the same numbers.
fn step<S: Schema, B: Backend<S>, R>(
    backend: &B,
    worker: &mut Worker,
    mut run: impl FnMut(&B::Writer<'_>, &mut Worker) -> Result<R, Stop<B::Inside>>,
) -> Result<R, BuildError<B::Error>> {
    let before = worker.random;
    let done = backend.write(Work::Whole, |tx| {
        worker.random = before;
        match run(tx, worker) {
            Ok(value) => Ok(Some(value)),
            Err(Stop::Failed) => Ok(None),
            Err(Stop::Broken(error)) => Err(error),
        }
    })?;
    done.value.ok_or(BuildError::NoRoom)
}

fn create_pools<S: Schema, X: Write<S>>(tx: &X, params: Params) -> Result<Pools, Stop<X::Error>> {
    let pool = |max: usize| tx.create(IdPool::new(max as u32));
    Ok(Pools {
        composites: pool(params.max_composites())?,
        documents: pool(params.max_composites())?,
        atomics: pool(params.max_atomics())?,
        bases: pool(params.max_bases())?,
        complexes: pool(params.max_complexes())?,
    })
}

fn create_module<S: Schema, X: Write<S>>(
    tx: &X,
    worker: &mut Worker,
) -> Result<Id<S::Module>, Stop<X::Error>> {
    let kind = draw_kind(&mut worker.random);
    let date = worker.random.between(MODULE_DATES.0, MODULE_DATES.1);
    let module = tx.create(S::Module::new(Common { id: 1, kind, date }))?;
    let text = Text::repeated("I am the manual for module #1\n", worker.params.manual_size);
    let manual = tx.create(S::Manual::new(1, "Manual for module #1", text, module))?;
    tx.modify(module, |module| module.set_manual(manual))?;
    Ok(module)
}

fn create_root<S: Schema, X: Write<S>>(
    tx: &X,
    worker: &mut Worker,
) -> Result<Option<Id<S::Complex>>, Stop<X::Error>> {
    Ok(match create_assembly(tx, worker, None)? {
        Assembly::Complex(root) => Some(root),
        Assembly::Base(_) => None,
    })
}

/// Links composite parts to each base assembly, in ascending order of ids.
fn create_links<S: Schema, X: Write<S>>(tx: &X, worker: &mut Worker) -> Result<(), Stop<X::Error>> {
    let mut library = Vec::new();
    let (from, to) = all();
    tx.scan::<CompositeById, Stop<_>>(from, to, |_, composite| {
        library.push(composite);
        Ok(())
    })?;
    let mut bases = Vec::new();
    let (from, to) = all();
    tx.scan::<BaseById, Stop<_>>(from, to, |_, base| {
        bases.push(base);
        Ok(())
    })?;
    for base in bases {
        for _ in 0..worker.params.components_per_base {
            let composite = library[worker.random.draw(library.len())];
            link(tx, base, composite)?;
        }
    }
    Ok(())
}
