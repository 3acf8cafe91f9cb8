//! Three lineages of five versions each, whose transformers are the oracle's recipes.

use std::sync::Arc;

use upgradable::{
    AccessError, Cx, Profile, Ref, Shape, TransformError, Tx, Upgradable, Upgrade, UpgradeFrom,
};
use upgradable_tests::oracle::recipe::{self, Step, World};
use upgradable_tests::oracle::{Id, Lineage, Link, Payload, Version};

/// What every type holds.
#[derive(Clone, Debug)]
pub(crate) struct Cargo(pub(crate) Arc<Payload>);

impl Shape for Cargo {
    const NAME: &'static str = "Cargo";
}

/// A type version of the oracle.
pub(crate) trait Stored: Upgradable {
    fn new(cargo: Arc<Payload>) -> Self;
    fn cargo(&self) -> &Arc<Payload>;
    fn cargo_mut(&mut self) -> &mut Arc<Payload>;
}

const fn profile(step: Step) -> Profile {
    let profile = if step.is_one_way() {
        Profile::one_way("this step was made without a way back")
    } else {
        Profile::both_ways()
    };
    if step.reads() { profile.reading_others() } else { profile }
}

macro_rules! stored {
    ($name:ident) => {
        impl Stored for $name {
            fn new(cargo: Arc<Payload>) -> Self {
                Self(Cargo(cargo))
            }

            fn cargo(&self) -> &Arc<Payload> {
                &self.0.0
            }

            fn cargo_mut(&mut self) -> &mut Arc<Payload> {
                &mut self.0.0
            }
        }
    };
}

macro_rules! lineage {
    ($lineage:ident, $name:literal, $first:ident, $($new:ident = $from:literal after $old:ident),*) => {
        #[derive(Upgradable, Clone, Debug)]
        #[upgrade(name = $name)]
        pub(crate) struct $first(Cargo);
        stored!($first);
        $(
            #[derive(Upgradable, Clone, Debug)]
            #[upgrade(from = $old, manual)]
            pub(crate) struct $new(Cargo);
            stored!($new);

            impl UpgradeFrom<$old> for $new {
                const PROFILE: Profile =
                    profile(Step { lineage: Lineage::$lineage, from: $from });

                fn upgrade_from(old: &$old, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
                    let step = Step { lineage: Lineage::$lineage, from: $from };
                    let new = recipe::get(step, old.cargo(), &mut Door(cx));
                    Ok(Self::new(Arc::new(new.map_err(|error| TransformError::from(error))?)))
                }

                fn put(
                    new: &Self,
                    old: Option<&$old>,
                    cx: &mut Cx<'_>,
                ) -> Result<$old, TransformError> {
                    let step = Step { lineage: Lineage::$lineage, from: $from };
                    let old = old.map(|old| &**old.cargo());
                    let back = recipe::put(step, new.cargo(), old, &mut Door(cx));
                    Ok($old::new(Arc::new(back.map_err(|error| TransformError::from(error))?)))
                }
            }
        )*
    };
}

lineage!(Node, "oracle.Node", Node1, Node2 = 1 after Node1, Node3 = 2 after Node2,
    Node4 = 3 after Node3, Node5 = 4 after Node4);
lineage!(Leaf, "oracle.Leaf", Leaf1, Leaf2 = 1 after Leaf1, Leaf3 = 2 after Leaf2,
    Leaf4 = 3 after Leaf3, Leaf5 = 4 after Leaf4);
lineage!(Part, "oracle.Part", Part1, Part2 = 1 after Part1, Part3 = 2 after Part2,
    Part4 = 3 after Part3, Part5 = 4 after Part4);

/// Evaluates the expression with `$T` as the type of the lineage's version.
macro_rules! with_type {
    ($lineage:expr, $version:expr, $T:ident => $body:expr) => {{
        use upgradable_tests::oracle::Lineage::{Leaf, Node, Part};
        match ($lineage, $version) {
            (Node, 1) => {
                type $T = $crate::types::Node1;
                $body
            }
            (Node, 2) => {
                type $T = $crate::types::Node2;
                $body
            }
            (Node, 3) => {
                type $T = $crate::types::Node3;
                $body
            }
            (Node, 4) => {
                type $T = $crate::types::Node4;
                $body
            }
            (Node, _) => {
                type $T = $crate::types::Node5;
                $body
            }
            (Leaf, 1) => {
                type $T = $crate::types::Leaf1;
                $body
            }
            (Leaf, 2) => {
                type $T = $crate::types::Leaf2;
                $body
            }
            (Leaf, 3) => {
                type $T = $crate::types::Leaf3;
                $body
            }
            (Leaf, 4) => {
                type $T = $crate::types::Leaf4;
                $body
            }
            (Leaf, _) => {
                type $T = $crate::types::Leaf5;
                $body
            }
            (Part, 1) => {
                type $T = $crate::types::Part1;
                $body
            }
            (Part, 2) => {
                type $T = $crate::types::Part2;
                $body
            }
            (Part, 3) => {
                type $T = $crate::types::Part3;
                $body
            }
            (Part, 4) => {
                type $T = $crate::types::Part4;
                $body
            }
            (Part, _) => {
                type $T = $crate::types::Part5;
                $body
            }
        }
    }};
}

/// What a transformer sees of the heap.
struct Door<'a, 'h>(&'a mut Cx<'h>);

impl World for Door<'_, '_> {
    fn read(&mut self, link: Link) -> Result<Option<(Version, Payload)>, String> {
        // It doesn't know which version that lineage had at the flip.
        for version in 1..=5 {
            let found = with_type!(link.lineage, version, T => {
                self.0.read(Ref::<T>::from_bits(link.object)).map(|found| (**found.cargo()).clone())
            });
            if let Ok(found) = found {
                return Ok(Some((version, found)));
            }
        }
        Ok(None)
    }

    fn create(&mut self, payload: Payload) -> Result<Id, String> {
        let payload = Arc::new(payload);
        for version in 1..=5 {
            let made = with_type!(Lineage::Part, version, T => {
                self.0.create(T::new(Arc::clone(&payload))).map(Ref::to_bits)
            });
            if let Ok(made) = made {
                return Ok(made);
            }
        }
        Err("no version of parts is current".into())
    }
}

/// The plan with this step added.
pub(crate) fn migrate(plan: Upgrade, lineage: Lineage, from: Version) -> Upgrade {
    macro_rules! steps {
        ($($family:ident: $($at:literal $old:ident $new:ident),*;)*) => {
            match (lineage, from) {
                $($((Lineage::$family, $at) => plan.migrate::<$old, $new>(),)*)*
                _ => unreachable!("a lineage has five versions"),
            }
        };
    }
    steps! {
        Node: 1 Node1 Node2, 2 Node2 Node3, 3 Node3 Node4, 4 Node4 Node5;
        Leaf: 1 Leaf1 Leaf2, 2 Leaf2 Leaf3, 3 Leaf3 Leaf4, 4 Leaf4 Leaf5;
        Part: 1 Part1 Part2, 2 Part2 Part3, 3 Part3 Part4, 4 Part4 Part5;
    }
}

/// The plan with this lineage written anew.
pub(crate) fn refresh(plan: Upgrade, lineage: Lineage, version: Version) -> Upgrade {
    with_type!(lineage, version, T => plan.refresh::<T>())
}

/// Creates an object.
pub(crate) fn create(
    tx: &Tx<'_>,
    lineage: Lineage,
    version: Version,
    payload: &Arc<Payload>,
) -> Result<Id, AccessError> {
    with_type!(lineage, version, T => Ok(tx.create(T::new(Arc::clone(payload)))?.to_bits()))
}

/// Reads an object.
pub(crate) fn read(
    reader: &impl upgradable::Read,
    link: Link,
    version: Version,
) -> Result<Arc<Payload>, AccessError> {
    with_type!(link.lineage, version, T => {
        Ok(Arc::clone(reader.read(Ref::<T>::from_bits(link.object))?.cargo()))
    })
}

/// Changes an object by a function. Gives what it was and what it is.
pub(crate) fn modify(
    tx: &Tx<'_>,
    link: Link,
    version: Version,
    change: impl Fn(&mut Payload),
) -> Result<(Arc<Payload>, Arc<Payload>), AccessError> {
    with_type!(link.lineage, version, T => {
        tx.modify(Ref::<T>::from_bits(link.object), |object| {
            let before = Arc::clone(object.cargo());
            let mut after = (*before).clone();
            change(&mut after);
            *object.cargo_mut() = Arc::new(after);
            (before, Arc::clone(object.cargo()))
        })
    })
}

/// Writes an object blindly.
pub(crate) fn write(
    tx: &Tx<'_>,
    link: Link,
    version: Version,
    payload: &Arc<Payload>,
) -> Result<(), AccessError> {
    with_type!(link.lineage, version, T => {
        tx.write(Ref::<T>::from_bits(link.object), T::new(Arc::clone(payload)))
    })
}

/// Deletes an object.
pub(crate) fn delete(tx: &Tx<'_>, link: Link, version: Version) -> Result<(), AccessError> {
    with_type!(link.lineage, version, T => tx.delete(Ref::<T>::from_bits(link.object)))
}
