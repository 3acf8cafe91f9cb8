//! Numbers that a correct structure of this size and seed has.

use std::fmt;

use crate::backend::{
    AtomicById, Backend, BaseById, ComplexById, CompositeById, DocumentByTitle, Read, Stop, Work,
    all,
};
use crate::execute::execute;
use crate::fingerprint::structure_hash;
use crate::ops::{Op, Worker};
use crate::params::Params;
use crate::schema::{Atomic, Base, Children, Complex, Composite, Design, Module, Schema, Wiring};

/// Facts, each with its name, in the order in which they are printed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Facts(Vec<(String, String)>);

impl Facts {
    fn add(&mut self, name: &str, value: impl fmt::Display) {
        self.0.push((name.to_owned(), value.to_string()));
    }
}

impl fmt::Display for Facts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|(name, value)| writeln!(f, "{name}: {value}"))
    }
}

/// What is done after everything has been looked at, one after the other.
const SEQUENCE: [Op; 18] = [
    Op::T2a,
    Op::T2b,
    Op::T2c,
    Op::T3a,
    Op::T3b,
    Op::T3c,
    Op::T5,
    Op::OP10,
    Op::OP11,
    Op::T1,
    Op::T4,
    Op::OP2,
    Op::OP3,
    Op::OP4,
    Op::T5,
    Op::OP11,
    Op::T4,
    Op::OP4,
];

/// Looks at a structure that was just built, changes it by operations that draw no random
/// numbers, and looks at it again.
pub(crate) fn facts<S: Schema, B: Backend<S>>(
    backend: &B,
    params: Params,
) -> Result<Facts, B::Error> {
    let mut facts = Facts(Vec::new());
    let counts = backend.read(Work::Whole, |tx| match look(tx) {
        Ok(counts) => Ok(counts),
        Err(Stop::Broken(error)) => Err(error),
        Err(Stop::Failed) => unreachable!("looking does not fail"),
    })?;
    facts.0.extend(counts.value.0);
    let mut worker = Worker::new(params, 0);
    let mut run = |op| execute(backend, op, &mut worker).map(|done| shown(done.value));
    for op in [Op::T1, Op::T4, Op::T6, Op::Q6, Op::Q7, Op::ST5] {
        facts.add(op.name(), run(op)?);
    }
    for op in [Op::OP2, Op::OP3, Op::OP4, Op::OP5] {
        facts.add(op.name(), run(op)?);
    }
    facts.add("H", hash(backend)?);
    let results: Result<Vec<_>, _> = SEQUENCE.into_iter().map(run).collect();
    facts.add(&format!("then {}", SEQUENCE.map(Op::name).join(" ")), results?.join(" "));
    facts.add("H afterwards", hash(backend)?);
    Ok(facts)
}

fn shown(result: Option<i32>) -> String {
    result.map_or_else(|| "FAIL".to_owned(), |result| result.to_string())
}

fn hash<S: Schema, B: Backend<S>>(backend: &B) -> Result<String, B::Error> {
    let hash = backend.read(Work::Whole, |tx| structure_hash(tx))?.value;
    Ok(format!("{hash:016x}"))
}

fn look<S: Schema, X: Read<S>>(tx: &X) -> Result<Facts, Stop<X::Error>> {
    let mut facts = Facts(Vec::new());
    look_at_assemblies(tx, &mut facts)?;
    look_at_composites(tx, &mut facts)?;
    look_at_parts(tx, &mut facts)?;
    look_at_first_ones(tx, &mut facts)?;
    Ok(facts)
}

fn look_at_assemblies<S: Schema, X: Read<S>>(
    tx: &X,
    facts: &mut Facts,
) -> Result<(), Stop<X::Error>> {
    let (from, to) = all();
    let mut levels = [0; 8];
    tx.scan::<ComplexById, Stop<_>>(from, to, |_, complex| {
        levels[usize::from(tx.read(complex)?.level())] += 1;
        Ok(())
    })?;
    facts.add("complex assemblies", levels.iter().sum::<i32>());
    let by_level: Vec<_> = levels[2..].iter().rev().filter(|&&count| count > 0).collect();
    facts.add("complex assemblies by level", list(by_level));
    let (from, to) = all();
    let (mut bases, mut links) = (0, 0);
    tx.scan::<BaseById, Stop<_>>(from, to, |_, base| {
        bases += 1;
        links += tx.read(base)?.components().len();
        Ok(())
    })?;
    facts.add("base assemblies", bases);
    facts.add("component links", links);
    Ok(())
}

fn look_at_composites<S: Schema, X: Read<S>>(
    tx: &X,
    facts: &mut Facts,
) -> Result<(), Stop<X::Error>> {
    let (mut composites, mut used, mut young, mut links, mut dates) = (0, 0, 0, 0, 0_i64);
    let (from, to) = all();
    tx.scan::<CompositeById, Stop<_>>(from, to, |_, composite| {
        let composite = tx.read(composite)?;
        composites += 1;
        used += i32::from(!composite.used_in().is_empty());
        young += i32::from(composite.date() >= 1999);
        links += composite.used_in().len();
        dates += i64::from(composite.date());
        Ok(())
    })?;
    facts.add("composite parts", composites);
    facts.add("composite parts in use", used);
    facts.add("young composite parts", young);
    facts.add("links from composite parts", links);
    facts.add("sum of composite dates", dates);
    let (from, to) = all();
    let (mut documents, mut lengths) = (0, Vec::new());
    tx.scan::<DocumentByTitle, Stop<_>>(from, to, |_, document| {
        documents += 1;
        let length = S::read_text(tx, document, |text| text.len())?;
        if !lengths.contains(&length) {
            lengths.push(length);
        }
        Ok(())
    })?;
    lengths.sort_unstable();
    facts.add("documents", documents);
    facts.add("lengths of documents", list(lengths));
    Ok(())
}

fn look_at_parts<S: Schema, X: Read<S>>(tx: &X, facts: &mut Facts) -> Result<(), Stop<X::Error>> {
    let (mut parts, mut outgoing, mut incoming) = (0, 0, 0);
    let (mut x, mut dates) = (0_i64, 0_i64);
    let (from, to) = all();
    tx.scan::<AtomicById, Stop<_>>(from, to, |_, part| {
        let part = tx.read(part)?;
        parts += 1;
        let wiring = tx.read(part.wiring())?;
        outgoing += wiring.outgoing().len();
        incoming += wiring.incoming().len();
        x += i64::from(part.x());
        dates += i64::from(part.date());
        Ok(())
    })?;
    facts.add("atomic parts", parts);
    facts.add("outgoing connections", outgoing);
    facts.add("incoming connections", incoming);
    facts.add("sum of x", x);
    facts.add("sum of atomic dates", dates);
    Ok(())
}

fn look_at_first_ones<S: Schema, X: Read<S>>(
    tx: &X,
    facts: &mut Facts,
) -> Result<(), Stop<X::Error>> {
    let part = tx.get::<AtomicById>(&1)?.ok_or(Stop::Failed)?;
    let part = tx.read(part)?;
    facts.add("atomic #1: type, date, x", list([i32::from(part.kind()), part.date(), part.x()]));
    let wiring = tx.read(part.wiring())?;
    let connections: Result<Vec<_>, X::Error> = wiring
        .outgoing()
        .map(|link| Ok(format!("{}:{}:{}", tx.read(link.other)?.id(), link.kind, link.length)))
        .collect();
    facts.add("its outgoing (target:type:length)", connections?.join(" "));
    let composite = tx.get::<CompositeById>(&1)?.ok_or(Stop::Failed)?;
    let composite = tx.read(composite)?;
    facts.add("composite #1: type, date", list([i32::from(composite.kind()), composite.date()]));
    let base = tx.get::<BaseById>(&1)?.ok_or(Stop::Failed)?;
    let base = tx.read(base)?;
    let parent = tx.read(base.parent())?.id() as i32;
    facts.add("base #1: type, date, parent", list([i32::from(base.kind()), base.date(), parent]));
    let components: Result<Vec<_>, X::Error> =
        base.components().iter().map(|&composite| Ok(tx.read(composite)?.id())).collect();
    facts.add("its components", list(components?));
    let module = tx.read(tx.roots().module)?;
    facts.add("module: type, date", list([i32::from(module.kind()), module.date()]));
    let root = tx.read(module.root())?;
    facts.add("root: type, date", list([i32::from(root.kind()), root.date()]));
    let children = match root.children() {
        Children::Complex(children) => children.len(),
        Children::Base(children) => children.len(),
    };
    facts.add("children of the root", children);
    Ok(())
}

fn list<T: fmt::Display>(items: impl IntoIterator<Item = T>) -> String {
    items.into_iter().map(|item| item.to_string()).collect::<Vec<_>>().join(" ")
}
