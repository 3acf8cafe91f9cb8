//! Creating, removing and linking the parts of the structure, in the order of effects and random
//! draws that the specification lays down.

use std::sync::Arc;

use crate::backend::{
    AtomicByDate, AtomicById, BaseById, ComplexById, CompositeById, DocumentByTitle, Stop, Write,
};
use crate::id::Id;
use crate::ops::{Assembly, Worker};
use crate::params::{
    ASSEMBLY_DATES, ATOMIC_DATES, KINDS, OLD_COMPOSITE_DATES, XY_RANGE, YOUNG_COMPOSITE_DATES,
    YOUNG_COMPOSITES,
};
use crate::pool::IdPool;
use crate::random::Random;
use crate::schema::{
    Atomic, Base, Children, Common, Complex, Composite, Connection, Design, Document, List, Schema,
    Wiring,
};
use crate::text::Text;
use crate::title::title_key;

pub(crate) fn draw_kind(random: &mut Random) -> u8 {
    random.draw(KINDS) as u8
}

fn take<S: Schema, X: Write<S>>(tx: &X, pool: Id<IdPool>) -> Result<u32, Stop<X::Error>> {
    tx.modify(pool, IdPool::take)?.ok_or(Stop::Failed)
}

fn give_back<S: Schema, X: Write<S>>(tx: &X, pool: Id<IdPool>, id: u32) -> Result<(), X::Error> {
    tx.modify(pool, |pool| pool.give_back(id))
}

pub(crate) fn title_of(composite: u32) -> String {
    format!("Composite Part #{composite}")
}

/// What is drawn of an atomic part.
struct PartPlan {
    common: Common,
    x: i32,
    outgoing: Vec<LinkPlan>,
}

struct LinkPlan {
    target: usize,
    kind: u8,
    length: i32,
}

impl LinkPlan {
    fn draw(random: &mut Random, target: usize) -> Self {
        let kind = draw_kind(random);
        Self { target, kind, length: random.draw(XY_RANGE) as i32 + 1 }
    }
}

/// Creates a composite part with its document and atomic parts, linked to nothing.
pub(crate) fn create_composite<S: Schema, X: Write<S>>(
    tx: &X,
    worker: &mut Worker,
) -> Result<Id<S::Composite>, Stop<X::Error>> {
    let pools = tx.roots().pools;
    let id = take(tx, pools.composites)?;
    let random = &mut worker.random;
    let kind = draw_kind(random);
    let young = random.draw(100) < YOUNG_COMPOSITES;
    let (low, high) = if young { YOUNG_COMPOSITE_DATES } else { OLD_COMPOSITE_DATES };
    let common = Common { id, kind, date: random.between(low, high) };

    // Ids are taken before anything is made of them, so that there is little to undo.
    let document = match take(tx, pools.documents) {
        Err(Stop::Failed) => {
            give_back(tx, pools.composites, id)?;
            return Err(Stop::Failed);
        }
        other => other?,
    };
    let mut plans = Vec::with_capacity(worker.params.atomics_per_composite);
    for _ in 0..worker.params.atomics_per_composite {
        match draw_part(tx, random) {
            Err(Stop::Failed) => {
                give_back(tx, pools.documents, document)?;
                for plan in &plans {
                    let PartPlan { common, .. } = plan;
                    give_back(tx, pools.atomics, common.id)?;
                }
                give_back(tx, pools.composites, id)?;
                return Err(Stop::Failed);
            }
            other => plans.push(other?),
        }
    }
    draw_links(random, &mut plans, worker.params.connections_per_atomic);

    let composite = tx.create(S::Composite::new(common))?;
    let text = format!("I am the documentation for composite part #{id}\n");
    let text = Text::repeated(&text, worker.params.document_size);
    let title = title_of(id);
    let document = S::create_document(tx, document, &title, text, composite)?;
    tx.insert::<DocumentByTitle>(title_key(&title), document)?;
    let mut parts = create_parts(tx, composite, &plans)?;
    let (root, root_date) = (parts[0].1, plans[0].common.date);
    parts.sort_by_key(|&(id, _)| id);
    let parts: Arc<[_]> = parts.into_iter().map(|(_, part)| part).collect();
    tx.modify(composite, |composite| {
        composite.set_document(document);
        composite.set_parts(parts, root, root_date);
    })?;
    tx.insert::<CompositeById>(id, composite)?;
    Ok(composite)
}

fn draw_part<S: Schema, X: Write<S>>(
    tx: &X,
    random: &mut Random,
) -> Result<PartPlan, Stop<X::Error>> {
    let id = take(tx, tx.roots().pools.atomics)?;
    let kind = draw_kind(random);
    let date = random.between(ATOMIC_DATES.0, ATOMIC_DATES.1);
    let x = random.draw(XY_RANGE) as i32;
    Ok(PartPlan { common: Common { id, kind, date }, x, outgoing: Vec::new() })
}

/// First a ring of all parts, then random connections until each part has enough.
fn draw_links(random: &mut Random, plans: &mut [PartPlan], each: usize) {
    let count = plans.len();
    for (at, plan) in plans.iter_mut().enumerate() {
        plan.outgoing.push(LinkPlan::draw(random, (at + 1) % count));
    }
    for plan in plans {
        while plan.outgoing.len() < each {
            let target = random.draw(count);
            plan.outgoing.push(LinkPlan::draw(random, target));
        }
    }
}

type NumberedPart<S> = (u32, Id<<S as Schema>::Atomic>);

fn create_parts<S: Schema, X: Write<S>>(
    tx: &X,
    composite: Id<S::Composite>,
    plans: &[PartPlan],
) -> Result<Vec<NumberedPart<S>>, X::Error> {
    let mut parts = Vec::with_capacity(plans.len());
    for &PartPlan { common, x, .. } in plans {
        let part = tx.create(S::Atomic::new(common, x, x + 1, composite))?;
        tx.insert::<AtomicById>(common.id, part)?;
        tx.insert::<AtomicByDate>((common.date, common.id), part)?;
        parts.push((common.id, part));
    }
    let mut incoming: Vec<Vec<Connection<S>>> = plans.iter().map(|_| Vec::new()).collect();
    // The ring comes before all others, as it was made before them.
    let ring = plans.iter().enumerate().map(|(from, plan)| (from, &plan.outgoing[..1]));
    let others = plans.iter().enumerate().map(|(from, plan)| (from, &plan.outgoing[1..]));
    for (from, links) in ring.chain(others) {
        for &LinkPlan { target, kind, length } in links {
            incoming[target].push(Connection { other: parts[from].1, kind, length });
        }
    }
    for ((plan, &(_, part)), incoming) in plans.iter().zip(&parts).zip(&incoming) {
        let connection = |&LinkPlan { target, kind, length }: &LinkPlan| Connection {
            other: parts[target].1,
            kind,
            length,
        };
        let outgoing: Vec<_> = plan.outgoing.iter().map(connection).collect();
        let wiring = tx.create(S::Wiring::new(&outgoing, incoming))?;
        tx.modify(part, |part| part.connect(&outgoing, wiring))?;
    }
    Ok(parts)
}

/// Removes a composite part with its document and atomic parts, and all links to it.
pub(crate) fn remove_composite<S: Schema, X: Write<S>>(
    tx: &X,
    composite: Id<S::Composite>,
) -> Result<(), X::Error> {
    let pools = tx.roots().pools;
    let (id, document, parts, used_in) = {
        let composite = tx.read(composite)?;
        let (parts, used_in) = (composite.parts().clone(), composite.used_in().clone());
        (composite.id(), composite.document(), parts, used_in)
    };
    tx.remove::<CompositeById>(&id)?;
    let (document_id, title) = {
        let document = tx.read(document)?;
        (document.id(), title_key(document.title()))
    };
    tx.remove::<DocumentByTitle>(&title)?;
    S::delete_document(tx, document)?;
    give_back(tx, pools.documents, document_id)?;
    for &part in parts.iter() {
        let (id, date, wiring) = {
            let part = tx.read(part)?;
            (part.id(), part.date(), part.wiring())
        };
        tx.remove::<AtomicByDate>(&(date, id))?;
        tx.remove::<AtomicById>(&id)?;
        tx.delete(wiring)?;
        tx.delete(part)?;
        give_back(tx, pools.atomics, id)?;
    }
    for &base in used_in.iter() {
        let components = tx.read(base)?.components().clone();
        if components.contains(&composite) {
            let left = components.iter().copied().filter(|&other| other != composite).collect();
            tx.modify(base, |base| base.set_components(left))?;
        }
    }
    tx.delete(composite)?;
    give_back(tx, pools.composites, id)
}

/// Adds a component to a base assembly.
pub(crate) fn link<S: Schema, X: Write<S>>(
    tx: &X,
    base: Id<S::Base>,
    composite: Id<S::Composite>,
) -> Result<(), X::Error> {
    let components = with(tx.read(base)?.components(), composite);
    tx.modify(base, |base| base.set_components(components))?;
    let used_in = with(tx.read(composite)?.used_in(), base);
    tx.modify(composite, |composite| composite.set_used_in(used_in))
}

/// Takes one link out: the first, at both ends.
pub(crate) fn unlink<S: Schema, X: Write<S>>(
    tx: &X,
    base: Id<S::Base>,
    composite: Id<S::Composite>,
) -> Result<(), X::Error> {
    let components = without_first(tx.read(base)?.components(), composite);
    tx.modify(base, |base| base.set_components(components))?;
    let used_in = without_first(tx.read(composite)?.used_in(), base);
    tx.modify(composite, |composite| composite.set_used_in(used_in))
}

fn with<T>(list: &[Id<T>], new: Id<T>) -> List<T> {
    list.iter().copied().chain([new]).collect()
}

fn without_first<T>(list: &[Id<T>], old: Id<T>) -> List<T> {
    let mut list = list.to_vec();
    if let Some(at) = list.iter().position(|&entry| entry == old) {
        list.remove(at);
    }
    list.into()
}

/// Creates an assembly below a parent, or the root: a base assembly below level 2, else a complex
/// one with everything below it.
pub(crate) fn create_assembly<S: Schema, X: Write<S>>(
    tx: &X,
    worker: &mut Worker,
    parent: Option<Id<S::Complex>>,
) -> Result<Assembly<S>, Stop<X::Error>> {
    match parent {
        None => create_complex(tx, worker, None, worker.params.levels).map(Assembly::Complex),
        Some(parent) => {
            let level = tx.read(parent)?.level();
            if level > 2 {
                create_complex(tx, worker, Some(parent), level - 1).map(Assembly::Complex)
            } else {
                create_base(tx, worker, parent).map(Assembly::Base)
            }
        }
    }
}

fn create_base<S: Schema, X: Write<S>>(
    tx: &X,
    worker: &mut Worker,
    parent: Id<S::Complex>,
) -> Result<Id<S::Base>, Stop<X::Error>> {
    let random = &mut worker.random;
    let date = random.between(ASSEMBLY_DATES.0, ASSEMBLY_DATES.1);
    let id = take(tx, tx.roots().pools.bases)?;
    let common = Common { id, kind: draw_kind(random), date };
    let base = tx.create(S::Base::new(common, parent, tx.roots().module))?;
    tx.insert::<BaseById>(id, base)?;
    adopt(tx, parent, Assembly::Base(base))?;
    Ok(base)
}

fn create_complex<S: Schema, X: Write<S>>(
    tx: &X,
    worker: &mut Worker,
    parent: Option<Id<S::Complex>>,
    level: u8,
) -> Result<Id<S::Complex>, Stop<X::Error>> {
    let pool = tx.roots().pools.complexes;
    let id = take(tx, pool)?;
    let date = worker.random.between(ASSEMBLY_DATES.0, ASSEMBLY_DATES.1);
    let common = Common { id, kind: draw_kind(&mut worker.random), date };
    let complex = tx.create(S::Complex::new(common, level, parent, tx.roots().module))?;
    for _ in 0..worker.params.children_per_assembly {
        match create_assembly(tx, worker, Some(complex)) {
            Ok(_) => {}
            Err(Stop::Failed) => {
                remove_children(tx, complex)?;
                tx.delete(complex)?;
                give_back(tx, pool, id)?;
                return Err(Stop::Failed);
            }
            Err(broken) => return Err(broken),
        }
    }
    tx.insert::<ComplexById>(id, complex)?;
    if let Some(parent) = parent {
        adopt(tx, parent, Assembly::Complex(complex))?;
    }
    Ok(complex)
}

/// Adds a child to its parent's list.
fn adopt<S: Schema, X: Write<S>>(
    tx: &X,
    parent: Id<S::Complex>,
    child: Assembly<S>,
) -> Result<(), X::Error> {
    let children = tx.read(parent)?.children();
    let children = match (children, child) {
        (Children::Complex(list), Assembly::Complex(new)) => Children::Complex(with(&list, new)),
        (Children::Base(list), Assembly::Base(new)) => Children::Base(with(&list, new)),
        _ => unreachable!("the parent's level says of which class its children are"),
    };
    tx.modify(parent, |parent| parent.set_children(children))
}

/// Takes a child out of its parent's list.
fn disown<S: Schema, X: Write<S>>(
    tx: &X,
    parent: Id<S::Complex>,
    child: &Assembly<S>,
) -> Result<(), X::Error> {
    let children = tx.read(parent)?.children();
    let children = match (children, child) {
        (Children::Complex(list), Assembly::Complex(old)) => {
            Children::Complex(without_first(&list, *old))
        }
        (Children::Base(list), Assembly::Base(old)) => Children::Base(without_first(&list, *old)),
        _ => unreachable!("the parent's level says of which class its children are"),
    };
    tx.modify(parent, |parent| parent.set_children(children))
}

/// Removes an assembly with everything below it; never the root.
pub(crate) fn remove_assembly<S: Schema, X: Write<S>>(
    tx: &X,
    assembly: Assembly<S>,
) -> Result<(), X::Error> {
    match assembly {
        Assembly::Base(base) => remove_base(tx, base),
        Assembly::Complex(complex) => {
            let (id, parent) = {
                let complex = tx.read(complex)?;
                (complex.id(), complex.parent())
            };
            if let Some(parent) = parent {
                disown(tx, parent, &assembly)?;
            }
            remove_children(tx, complex)?;
            tx.remove::<ComplexById>(&id)?;
            tx.delete(complex)?;
            give_back(tx, tx.roots().pools.complexes, id)
        }
    }
}

fn remove_children<S: Schema, X: Write<S>>(
    tx: &X,
    complex: Id<S::Complex>,
) -> Result<(), X::Error> {
    let children = tx.read(complex)?.children();
    match children {
        Children::Complex(children) => {
            children.iter().try_for_each(|&child| remove_assembly(tx, Assembly::Complex(child)))
        }
        Children::Base(children) => {
            children.iter().try_for_each(|&child| remove_assembly(tx, Assembly::Base(child)))
        }
    }
}

fn remove_base<S: Schema, X: Write<S>>(tx: &X, base: Id<S::Base>) -> Result<(), X::Error> {
    let (id, parent, components) = {
        let base = tx.read(base)?;
        (base.id(), base.parent(), base.components().clone())
    };
    tx.remove::<BaseById>(&id)?;
    disown(tx, parent, &Assembly::Base(base))?;
    for &composite in components.iter() {
        let used_in = without_first(tx.read(composite)?.used_in(), base);
        tx.modify(composite, |composite| composite.set_used_in(used_in))?;
    }
    tx.delete(base)?;
    give_back(tx, tx.roots().pools.bases, id)
}
