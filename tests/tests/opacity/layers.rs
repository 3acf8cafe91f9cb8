//! Layers above the memory: one that refuses late commits, and one that admits some.

use upgradable_stm::layer::{Layer, Written};
use upgradable_stm::{Era, Kind};

use super::world::Value;

/// Has no opinion: late commits are refused.
#[derive(Debug)]
pub(crate) struct Refusing;

impl Layer for Refusing {}

/// Admits late commits to what nobody of a later era has touched.
///
/// A late commit changes the past, so nobody may have looked at that past already. Whoever reads an
/// object in a later era first puts a version at the flip over it ([`World::touch`]), as a layer
/// that transforms objects lazily would; an object whose newest version is of the old era was not
/// looked at. That cannot be done to variables, so they are not written late.
///
/// [`World::touch`]: super::world::World::touch
#[derive(Debug)]
pub(crate) struct AdmitUntouched {
    variable: Kind,
}

impl AdmitUntouched {
    pub(crate) fn new() -> Self {
        Self { variable: Kind::of::<Value>() }
    }
}

impl Layer for AdmitUntouched {
    fn admits_late(&self, era: Era, written: &[Written]) -> bool {
        written.iter().all(|object| {
            let untouched = object.newest.is_none_or(|(_, stamp)| stamp.era() <= era);
            untouched && object.kind != self.variable
        })
    }
}
