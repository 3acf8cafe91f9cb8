//! The plain memory: one state, in which each flip converts everything at once.

use std::collections::HashMap;
use std::sync::Arc;

use super::recipe::{self, Step, World};
use super::{Action, Flip, Id, Lineage, Link, Payload, Version};

/// All objects at one instant.
#[derive(Clone, Debug, Default)]
pub struct Memory {
    versions: [Version; 3],
    objects: HashMap<Id, Object>,
    /// The objects before each flip.
    before: Vec<HashMap<Id, Object>>,
    parts: u64,
}

/// One object.
#[derive(Clone, Debug)]
pub struct Object {
    /// What it is.
    pub lineage: Lineage,
    /// What it holds.
    pub payload: Arc<Payload>,
}

/// Parts of the plain memory have names that no object of a heap has.
const FIRST_PART: Id = u64::MAX - (1 << 40);

/// Whether an object was created by a transformer here.
#[must_use]
pub fn is_part_of_memory(object: Id) -> bool {
    object >= FIRST_PART
}

impl Memory {
    /// An empty memory with these versions.
    #[must_use]
    pub fn new(versions: [Version; 3]) -> Self {
        Self { versions, ..Self::default() }
    }

    /// The version of a lineage.
    #[must_use]
    pub fn version(&self, lineage: Lineage) -> Version {
        self.versions[lineage.index()]
    }

    /// An object, if it is there.
    #[must_use]
    pub fn get(&self, object: Id) -> Option<&Object> {
        self.objects.get(&object)
    }

    /// Creates an object.
    pub fn create(&mut self, link: Link, payload: Arc<Payload>) {
        self.objects.insert(link.object, Object { lineage: link.lineage, payload });
    }

    /// Writes an object. Says whether it is there.
    pub fn write(&mut self, object: Id, payload: Arc<Payload>) -> bool {
        self.objects.get_mut(&object).map(|there| there.payload = payload).is_some()
    }

    /// Deletes an object. Says whether it was there.
    pub fn delete(&mut self, object: Id) -> bool {
        self.objects.remove(&object).is_some()
    }

    /// Converts everything. Returns how many objects that were.
    ///
    /// # Errors
    ///
    /// Those of a transformer.
    pub fn flip(&mut self, flip: &Flip) -> Result<u64, String> {
        let before = self.objects.clone();
        let mut converted = 0;
        let mut parts = Vec::new();
        for (&id, object) in &before {
            let lineage = object.lineage;
            let version = self.version(lineage);
            match flip.actions[lineage.index()] {
                Action::Keep => continue,
                Action::Refresh => {
                    converted += 1;
                    continue;
                }
                Action::Step => converted += 1,
            }
            let mut world = AtFlip {
                objects: &before,
                versions: self.versions,
                made: &mut parts,
                next: &mut self.parts,
            };
            let payload = match flip.undoes {
                None => {
                    let step = Step { lineage, from: version };
                    recipe::get(step, &object.payload, &mut world)?
                }
                Some(undone) => {
                    let step = Step { lineage, from: version - 1 };
                    let old = self.before[undone].get(&id).map(|object| &*object.payload);
                    recipe::put(step, &object.payload, old, &mut world)?
                }
            };
            self.objects.insert(id, Object { lineage, payload: Arc::new(payload) });
        }
        for (id, payload) in parts {
            self.create(Link { lineage: Lineage::Part, object: id }, Arc::new(payload));
        }
        for lineage in Lineage::ALL {
            if flip.actions[lineage.index()] == Action::Step {
                let version = &mut self.versions[lineage.index()];
                *version = if flip.undoes.is_none() { *version + 1 } else { *version - 1 };
            }
        }
        self.before.push(before);
        Ok(converted)
    }
}

/// What transformers see in the plain memory: everything just before the flip.
struct AtFlip<'a> {
    objects: &'a HashMap<Id, Object>,
    versions: [Version; 3],
    made: &'a mut Vec<(Id, Payload)>,
    next: &'a mut u64,
}

impl World for AtFlip<'_> {
    fn read(&mut self, link: Link) -> Result<Option<(Version, Payload)>, String> {
        let found = self.objects.get(&link.object);
        Ok(found.map(|object| (self.versions[object.lineage.index()], (*object.payload).clone())))
    }

    fn create(&mut self, payload: Payload) -> Result<Id, String> {
        let id = FIRST_PART + *self.next;
        *self.next += 1;
        self.made.push((id, payload));
        Ok(id)
    }
}
