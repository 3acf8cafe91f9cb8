//! The structure as one number.

use crate::backend::{AtomicById, BaseById, ComplexById, CompositeById, Read, Stop, all};
use crate::hash::Fnv;
use crate::schema::{
    Atomic, Base, Children, Complex, Composite, Design, Document, Module, Schema, Wiring,
};

/// The hash H of the specification.
pub(crate) fn structure_hash<S: Schema, X: Read<S>>(tx: &X) -> Result<u64, X::Error> {
    let mut hash = Fnv::new();
    let hashed = feed(tx, &mut hash);
    match hashed {
        Ok(()) => Ok(hash.finish()),
        Err(Stop::Broken(error)) => Err(error),
        Err(Stop::Failed) => unreachable!("nothing in here fails"),
    }
}

fn common(hash: &mut Fnv, object: &impl Design) {
    hash.feed_id(object.id());
    hash.feed(i32::from(object.kind()));
    hash.feed(object.date());
}

fn feed<S: Schema, X: Read<S>>(tx: &X, hash: &mut Fnv) -> Result<(), Stop<X::Error>> {
    let (from, to) = all();
    tx.scan::<CompositeById, Stop<_>>(from, to, |_, composite| {
        let composite = tx.read(composite)?;
        common(hash, &*composite);
        hash.feed_id(tx.read(composite.document())?.id());
        hash.feed_id(tx.read(composite.root_part())?.id());
        hash.feed_id(composite.used_in().len() as u32);
        for &base in composite.used_in().iter() {
            hash.feed_id(tx.read(base)?.id());
        }
        Ok(())
    })?;
    let (from, to) = all();
    tx.scan::<AtomicById, Stop<_>>(from, to, |_, part| {
        let part = tx.read(part)?;
        common(hash, &*part);
        hash.feed(part.x());
        hash.feed(part.y());
        hash.feed_id(tx.read(part.part_of())?.id());
        for connection in tx.read(part.wiring())?.outgoing() {
            hash.feed_id(tx.read(connection.other)?.id());
            hash.feed(i32::from(connection.kind));
            hash.feed(connection.length);
        }
        Ok(())
    })?;
    let (from, to) = all();
    tx.scan::<BaseById, Stop<_>>(from, to, |_, base| {
        let base = tx.read(base)?;
        common(hash, &*base);
        hash.feed_id(tx.read(base.parent())?.id());
        for &composite in base.components().iter() {
            hash.feed_id(tx.read(composite)?.id());
        }
        Ok(())
    })?;
    let (from, to) = all();
    tx.scan::<ComplexById, Stop<_>>(from, to, |_, complex| {
        let complex = tx.read(complex)?;
        common(hash, &*complex);
        hash.feed(i32::from(complex.level()));
        let parent = complex.parent().map(|parent| tx.read(parent)).transpose()?;
        hash.feed_id(parent.map_or(0, |parent| parent.id()));
        match complex.children() {
            Children::Complex(children) => {
                for &child in children.iter() {
                    hash.feed_id(tx.read(child)?.id());
                }
            }
            Children::Base(children) => {
                for &child in children.iter() {
                    hash.feed_id(tx.read(child)?.id());
                }
            }
        }
        Ok(())
    })?;
    let module = tx.read(tx.roots().module)?;
    common(hash, &*module);
    hash.feed_id(tx.read(module.root())?.id());
    Ok(())
}
