//! The types of the structure, in versions, and what operations know of them.
//!
//! Operations are written once, against the traits of this module. [`V1`] and [`V2`] are two
//! versions of a program: the same operations over different types.

pub(crate) mod v1;
pub(crate) mod v2;

use std::fmt::Debug;
use std::sync::Arc;

use upgradable::Upgradable;

use crate::backend::local::Arena;
use crate::backend::{Class, Read, Write};
use crate::id::Id;
use crate::pool::IdPool;
use crate::text::Text;

pub(crate) use v1::V1;
pub(crate) use v2::V2;

/// One version of all types.
pub(crate) trait Schema: Copy + Debug + Default + Send + Sync + Sized + 'static {
    const NAME: &'static str;

    type Module: Module<Self>;
    type Manual: Manual<Self>;
    type Complex: Complex<Self>;
    type Base: Base<Self>;
    type Composite: Composite<Self>;
    type Document: Document<Self>;
    type Atomic: Atomic<Self>;
    type Wiring: Wiring<Self>;

    /// Room for the objects of each type, for back ends that keep them in arenas.
    type Arenas: Default + Debug + Send + Sync;

    fn pools(arenas: &Self::Arenas) -> &Arena<IdPool>;

    /// Creates a document with its text.
    fn create_document<X: Write<Self>>(
        tx: &X,
        id: u32,
        title: &str,
        text: Text,
        part: Id<Self::Composite>,
    ) -> Result<Id<Self::Document>, X::Error>;

    /// Deletes a document with its text.
    fn delete_document<X: Write<Self>>(
        tx: &X,
        document: Id<Self::Document>,
    ) -> Result<(), X::Error>;

    fn read_text<X: Read<Self>, R>(
        tx: &X,
        document: Id<Self::Document>,
        read: impl FnOnce(&Text) -> R,
    ) -> Result<R, X::Error>;

    fn modify_text<X: Write<Self>, R>(
        tx: &X,
        document: Id<Self::Document>,
        change: impl FnOnce(&mut Text) -> R,
    ) -> Result<R, X::Error>;

    /// What only this version keeps of a composite part, as a number for comparisons.
    fn survey<X: Read<Self>>(_: &X, _: Id<Self::Composite>) -> Result<i32, X::Error> {
        Ok(0)
    }
}

/// A type whose values are objects of a back end.
pub(crate) trait Object<S: Schema>: Upgradable + Debug {
    /// The lock that guards its attributes.
    const CLASS: Class;

    fn arena(arenas: &S::Arenas) -> &Arena<Self>;
}

impl<S: Schema> Object<S> for IdPool {
    const CLASS: Class = Class::Structure;

    fn arena(arenas: &S::Arenas) -> &Arena<Self> {
        S::pools(arenas)
    }
}

/// What all design objects have.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Common {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) date: i32,
}

/// An object that was designed on a date.
pub(crate) trait Design {
    fn id(&self) -> u32;
    /// The digit of "type #0" to "type #9".
    fn kind(&self) -> u8;
    fn date(&self) -> i32;
    fn set_date(&mut self, date: i32);
}

/// One of the two places a child of a complex assembly can be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Children<S: Schema> {
    Complex(List<S::Complex>),
    Base(List<S::Base>),
}

impl<S: Schema> Children<S> {
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Complex(children) => children.len(),
            Self::Base(children) => children.len(),
        }
    }
}

/// References to many objects, shared by the versions of the object that holds them.
pub(crate) type List<T> = Arc<[Id<T>]>;

pub(crate) trait Module<S: Schema>: Object<S> + Design {
    fn new(common: Common) -> Self;
    fn manual(&self) -> Id<S::Manual>;
    fn root(&self) -> Id<S::Complex>;
    fn set_manual(&mut self, manual: Id<S::Manual>);
    fn set_root(&mut self, root: Id<S::Complex>);
}

pub(crate) trait Manual<S: Schema>: Object<S> {
    fn new(id: u32, title: &str, text: Text, module: Id<S::Module>) -> Self;
    fn id(&self) -> u32;
    fn title(&self) -> &str;
    fn module(&self) -> Id<S::Module>;
    fn text(&self) -> &Text;
    fn text_mut(&mut self) -> &mut Text;
}

pub(crate) trait Complex<S: Schema>: Object<S> + Design {
    fn new(
        common: Common,
        level: u8,
        parent: Option<Id<S::Complex>>,
        module: Id<S::Module>,
    ) -> Self;
    fn level(&self) -> u8;
    fn parent(&self) -> Option<Id<S::Complex>>;
    fn module(&self) -> Id<S::Module>;
    fn children(&self) -> Children<S>;
    fn set_children(&mut self, children: Children<S>);
}

pub(crate) trait Base<S: Schema>: Object<S> + Design {
    fn new(common: Common, parent: Id<S::Complex>, module: Id<S::Module>) -> Self;
    fn parent(&self) -> Id<S::Complex>;
    fn module(&self) -> Id<S::Module>;
    /// In the order of linking, with duplicates.
    fn components(&self) -> &List<S::Composite>;
    fn set_components(&mut self, components: List<S::Composite>);
}

pub(crate) trait Composite<S: Schema>: Object<S> + Design {
    fn new(common: Common) -> Self;
    fn document(&self) -> Id<S::Document>;
    fn root_part(&self) -> Id<S::Atomic>;
    /// In ascending order of ids.
    fn parts(&self) -> &List<S::Atomic>;
    /// In the order of linking, with duplicates.
    fn used_in(&self) -> &List<S::Base>;
    fn set_document(&mut self, document: Id<S::Document>);
    /// The parts in ascending order of ids, the one that was made first, and its build date.
    fn set_parts(&mut self, parts: List<S::Atomic>, root: Id<S::Atomic>, root_date: i32);
    fn set_used_in(&mut self, used_in: List<S::Base>);
}

pub(crate) trait Document<S: Schema>: Object<S> {
    fn id(&self) -> u32;
    fn title(&self) -> &str;
    fn part(&self) -> Id<S::Composite>;
}

/// A connection as one of its ends keeps it.
#[derive(Debug)]
pub(crate) struct Connection<S: Schema> {
    pub(crate) other: Id<S::Atomic>,
    pub(crate) kind: u8,
    pub(crate) length: i32,
}

impl<S: Schema> Clone for Connection<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Schema> Copy for Connection<S> {}

pub(crate) trait Atomic<S: Schema>: Object<S> + Design {
    fn new(common: Common, x: i32, y: i32, part_of: Id<S::Composite>) -> Self;
    fn x(&self) -> i32;
    fn y(&self) -> i32;
    fn swap_x_y(&mut self);
    fn part_of(&self) -> Id<S::Composite>;
    /// Where outgoing connections lead, in their order.
    fn targets(&self) -> &[Id<S::Atomic>];
    /// All that there is to know of its connections.
    fn wiring(&self) -> Id<S::Wiring>;
    fn connect(&mut self, outgoing: &[Connection<S>], wiring: Id<S::Wiring>);
}

/// The connections of one atomic part.
pub(crate) trait Wiring<S: Schema>: Object<S> {
    fn new(outgoing: &[Connection<S>], incoming: &[Connection<S>]) -> Self;
    fn outgoing(&self) -> impl ExactSizeIterator<Item = Connection<S>>;
    /// Each as the other end of it would be outgoing here.
    fn incoming(&self) -> impl ExactSizeIterator<Item = Connection<S>>;
}

/// The first of `room` for ids, from a list that fits.
fn fill<T, const ROOM: usize>(ids: impl ExactSizeIterator<Item = Id<T>>) -> ([Id<T>; ROOM], u8) {
    let mut room = [Id::NOWHERE; ROOM];
    let count = ids.len();
    assert!(count <= ROOM, "no size has more connections");
    room.iter_mut().zip(ids).for_each(|(room, id)| *room = id);
    (room, count as u8)
}

/// Where everything begins.
#[derive(Debug)]
pub(crate) struct Roots<S: Schema> {
    pub(crate) module: Id<S::Module>,
    pub(crate) pools: Pools,
}

/// The pools of ids.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Pools {
    pub(crate) composites: Id<IdPool>,
    pub(crate) documents: Id<IdPool>,
    pub(crate) atomics: Id<IdPool>,
    pub(crate) bases: Id<IdPool>,
    pub(crate) complexes: Id<IdPool>,
}

impl<S: Schema> Clone for Roots<S> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<S: Schema> Copy for Roots<S> {}

impl<S: Schema> Roots<S> {
    /// Before there is anything.
    pub(crate) const NOWHERE: Self = Self {
        module: Id::NOWHERE,
        pools: Pools {
            composites: Id::NOWHERE,
            documents: Id::NOWHERE,
            atomics: Id::NOWHERE,
            bases: Id::NOWHERE,
            complexes: Id::NOWHERE,
        },
    };

    /// The same objects, as another version's types.
    pub(crate) fn cast<N: Schema>(self) -> Roots<N> {
        Roots { module: self.module.cast(), pools: self.pools }
    }
}

/// Arenas for the types of a version, and what goes with them.
macro_rules! objects {
    ($schema:ty { $($field:ident: $type:ty => $class:ident,)* }) => {
        #[derive(Debug, Default)]
        pub(crate) struct Arenas {
            $($field: $crate::backend::local::Arena<$type>,)*
            pools: $crate::backend::local::Arena<$crate::pool::IdPool>,
        }

        $(impl $crate::schema::Object<$schema> for $type {
            const CLASS: $crate::backend::Class = $crate::backend::Class::$class;

            fn arena(arenas: &Arenas) -> &$crate::backend::local::Arena<Self> {
                &arenas.$field
            }
        })*
    };
}

/// `Design` for types with an `id`, a kind, and a date that is read and written somehow.
macro_rules! design {
    ($($type:ty),* => |$this:ident| $kind:expr; |$get:ident| $date:expr, |$set:ident, $new:ident| $change:expr) => {$(
        impl $crate::schema::Design for $type {
            #[inline]
            fn id(&self) -> u32 {
                self.id
            }

            #[inline]
            fn kind(&self) -> u8 {
                let $this = self;
                $kind
            }

            #[inline]
            fn date(&self) -> i32 {
                let $get = self;
                $date
            }

            #[inline]
            fn set_date(&mut self, $new: i32) {
                let $set = self;
                $change;
            }
        }
    )*};
}

use {design, objects};
