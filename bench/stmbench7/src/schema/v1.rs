//! The first version: the fields of the original.

use std::sync::Arc;

use upgradable::Upgradable;

use super::{
    Atomic, Base, Children, Common, Complex, Composite, Connection, Document, Manual, Module,
    Schema, Wiring, design, fill, objects,
};
use crate::backend::local::Arena;
use crate::backend::{Read, Write};
use crate::id::Id;
use crate::params::MAX_OUTGOING;
use crate::pool::IdPool;
use crate::text::Text;

/// The types of the first version.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct V1;

impl Schema for V1 {
    const NAME: &'static str = "version 1";

    type Module = DesignModule;
    type Manual = UserManual;
    type Complex = ComplexAssembly;
    type Base = BaseAssembly;
    type Composite = CompositePart;
    type Document = PartDocument;
    type Atomic = AtomicPart;
    type Wiring = PartWiring;
    type Arenas = Arenas;

    fn pools(arenas: &Arenas) -> &Arena<IdPool> {
        &arenas.pools
    }

    fn create_document<X: Write<Self>>(
        tx: &X,
        id: u32,
        title: &str,
        text: Text,
        part: Id<CompositePart>,
    ) -> Result<Id<PartDocument>, X::Error> {
        tx.create(PartDocument { id, title: title.into(), text, part })
    }

    fn delete_document<X: Write<Self>>(tx: &X, document: Id<PartDocument>) -> Result<(), X::Error> {
        tx.delete(document)
    }

    fn read_text<X: Read<Self>, R>(
        tx: &X,
        document: Id<PartDocument>,
        read: impl FnOnce(&Text) -> R,
    ) -> Result<R, X::Error> {
        Ok(read(&tx.read(document)?.text))
    }

    fn modify_text<X: Write<Self>, R>(
        tx: &X,
        document: Id<PartDocument>,
        change: impl FnOnce(&mut Text) -> R,
    ) -> Result<R, X::Error> {
        tx.modify(document, |document| change(&mut document.text))
    }
}

objects! {
    V1 {
        modules: DesignModule => Structure,
        manuals: UserManual => Manual,
        complexes: ComplexAssembly => Complex,
        bases: BaseAssembly => Base,
        composites: CompositePart => Composite,
        documents: PartDocument => Document,
        atomics: AtomicPart => Atomic,
        wirings: PartWiring => Atomic,
    }
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.Module", version = 1)]
pub(crate) struct DesignModule {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) date: i32,
    pub(crate) manual: Id<UserManual>,
    pub(crate) root: Id<ComplexAssembly>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.Manual", version = 1)]
pub(crate) struct UserManual {
    pub(crate) id: u32,
    pub(crate) title: Arc<str>,
    pub(crate) text: Text,
    pub(crate) module: Id<DesignModule>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.ComplexAssembly", version = 1)]
pub(crate) struct ComplexAssembly {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) level: u8,
    pub(crate) date: i32,
    pub(crate) parent: Option<Id<ComplexAssembly>>,
    pub(crate) module: Id<DesignModule>,
    /// Children above level 2.
    pub(crate) complexes: Arc<[Id<ComplexAssembly>]>,
    /// Children on level 2.
    pub(crate) bases: Arc<[Id<BaseAssembly>]>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.BaseAssembly", version = 1)]
pub(crate) struct BaseAssembly {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) date: i32,
    pub(crate) parent: Id<ComplexAssembly>,
    pub(crate) module: Id<DesignModule>,
    pub(crate) components: Arc<[Id<CompositePart>]>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.CompositePart", version = 1)]
pub(crate) struct CompositePart {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) date: i32,
    pub(crate) document: Id<PartDocument>,
    pub(crate) parts: Arc<[Id<AtomicPart>]>,
    pub(crate) used_in: Arc<[Id<BaseAssembly>]>,
    pub(crate) root_part: Id<AtomicPart>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.Document", version = 1)]
pub(crate) struct PartDocument {
    pub(crate) id: u32,
    pub(crate) title: Arc<str>,
    pub(crate) text: Text,
    pub(crate) part: Id<CompositePart>,
}

/// Plain data, as most operations change or pass through these. Two cache lines with what the heap
/// adds to it, which is what the alignment is for.
#[derive(Upgradable, Clone, Copy, Debug)]
#[upgrade(name = "stmbench7.AtomicPart", version = 1)]
#[repr(align(16))]
pub(crate) struct AtomicPart {
    pub(crate) id: u32,
    pub(crate) date: i32,
    pub(crate) x: i32,
    pub(crate) y: i32,
    pub(crate) kind: u8,
    /// How many of the targets there are.
    pub(crate) outgoing: u8,
    pub(crate) part_of: Id<CompositePart>,
    pub(crate) targets: [Id<AtomicPart>; MAX_OUTGOING],
    pub(crate) wiring: Id<PartWiring>,
}

/// The connections of an atomic part. They never change.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.PartWiring", version = 1)]
pub(crate) struct PartWiring {
    pub(crate) outgoing: Box<[Link]>,
    pub(crate) incoming: Box<[Link]>,
}

/// A connection, as one end of it keeps it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) other: Id<AtomicPart>,
    pub(crate) length: i32,
    pub(crate) kind: u8,
}

design! {
    DesignModule, ComplexAssembly, BaseAssembly, CompositePart, AtomicPart => |this| this.kind;
    |this| this.date, |this, date| this.date = date
}

impl Module<V1> for DesignModule {
    fn new(Common { id, kind, date }: Common) -> Self {
        Self { id, kind, date, manual: Id::NOWHERE, root: Id::NOWHERE }
    }

    fn manual(&self) -> Id<UserManual> {
        self.manual
    }

    fn root(&self) -> Id<ComplexAssembly> {
        self.root
    }

    fn set_manual(&mut self, manual: Id<UserManual>) {
        self.manual = manual;
    }

    fn set_root(&mut self, root: Id<ComplexAssembly>) {
        self.root = root;
    }
}

impl Manual<V1> for UserManual {
    fn new(id: u32, title: &str, text: Text, module: Id<DesignModule>) -> Self {
        Self { id, title: title.into(), text, module }
    }

    fn id(&self) -> u32 {
        self.id
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn module(&self) -> Id<DesignModule> {
        self.module
    }

    fn text(&self) -> &Text {
        &self.text
    }

    fn text_mut(&mut self) -> &mut Text {
        &mut self.text
    }
}

impl Complex<V1> for ComplexAssembly {
    fn new(
        Common { id, kind, date }: Common,
        level: u8,
        parent: Option<Id<Self>>,
        module: Id<DesignModule>,
    ) -> Self {
        let (complexes, bases) = (Arc::default(), Arc::default());
        Self { id, kind, level, date, parent, module, complexes, bases }
    }

    fn level(&self) -> u8 {
        self.level
    }

    fn parent(&self) -> Option<Id<Self>> {
        self.parent
    }

    fn module(&self) -> Id<DesignModule> {
        self.module
    }

    fn children(&self) -> Children<V1> {
        if self.level > 2 {
            Children::Complex(Arc::clone(&self.complexes))
        } else {
            Children::Base(Arc::clone(&self.bases))
        }
    }

    fn set_children(&mut self, children: Children<V1>) {
        match children {
            Children::Complex(complexes) => self.complexes = complexes,
            Children::Base(bases) => self.bases = bases,
        }
    }
}

impl Base<V1> for BaseAssembly {
    fn new(
        Common { id, kind, date }: Common,
        parent: Id<ComplexAssembly>,
        module: Id<DesignModule>,
    ) -> Self {
        Self { id, kind, date, parent, module, components: Arc::default() }
    }

    fn parent(&self) -> Id<ComplexAssembly> {
        self.parent
    }

    fn module(&self) -> Id<DesignModule> {
        self.module
    }

    fn components(&self) -> &Arc<[Id<CompositePart>]> {
        &self.components
    }

    fn set_components(&mut self, components: Arc<[Id<CompositePart>]>) {
        self.components = components;
    }
}

impl Composite<V1> for CompositePart {
    fn new(Common { id, kind, date }: Common) -> Self {
        Self {
            id,
            kind,
            date,
            document: Id::NOWHERE,
            root_part: Id::NOWHERE,
            parts: Arc::default(),
            used_in: Arc::default(),
        }
    }

    fn document(&self) -> Id<PartDocument> {
        self.document
    }

    fn root_part(&self) -> Id<AtomicPart> {
        self.root_part
    }

    fn parts(&self) -> &Arc<[Id<AtomicPart>]> {
        &self.parts
    }

    fn used_in(&self) -> &Arc<[Id<BaseAssembly>]> {
        &self.used_in
    }

    fn set_document(&mut self, document: Id<PartDocument>) {
        self.document = document;
    }

    fn set_parts(&mut self, parts: Arc<[Id<AtomicPart>]>, root: Id<AtomicPart>, _: i32) {
        self.root_part = root;
        self.parts = parts;
    }

    fn set_used_in(&mut self, used_in: Arc<[Id<BaseAssembly>]>) {
        self.used_in = used_in;
    }
}

impl Document<V1> for PartDocument {
    fn id(&self) -> u32 {
        self.id
    }

    fn title(&self) -> &str {
        &self.title
    }

    fn part(&self) -> Id<CompositePart> {
        self.part
    }
}

fn connection(link: &Link) -> Connection<V1> {
    Connection { other: link.other, kind: link.kind, length: link.length }
}

impl Atomic<V1> for AtomicPart {
    fn new(Common { id, kind, date }: Common, x: i32, y: i32, part_of: Id<CompositePart>) -> Self {
        let (targets, wiring) = ([Id::NOWHERE; MAX_OUTGOING], Id::NOWHERE);
        Self { id, date, x, y, kind, outgoing: 0, part_of, targets, wiring }
    }

    #[inline]
    fn x(&self) -> i32 {
        self.x
    }

    #[inline]
    fn y(&self) -> i32 {
        self.y
    }

    #[inline]
    fn swap_x_y(&mut self) {
        std::mem::swap(&mut self.x, &mut self.y);
    }

    fn part_of(&self) -> Id<CompositePart> {
        self.part_of
    }

    #[inline]
    fn targets(&self) -> &[Id<Self>] {
        &self.targets[..usize::from(self.outgoing)]
    }

    fn wiring(&self) -> Id<PartWiring> {
        self.wiring
    }

    fn connect(&mut self, outgoing: &[Connection<V1>], wiring: Id<PartWiring>) {
        (self.targets, self.outgoing) = fill(outgoing.iter().map(|link| link.other));
        self.wiring = wiring;
    }
}

impl Wiring<V1> for PartWiring {
    fn new(outgoing: &[Connection<V1>], incoming: &[Connection<V1>]) -> Self {
        let link =
            |&Connection { other, kind, length }: &Connection<V1>| Link { other, length, kind };
        Self {
            outgoing: outgoing.iter().map(link).collect(),
            incoming: incoming.iter().map(link).collect(),
        }
    }

    fn outgoing(&self) -> impl ExactSizeIterator<Item = Connection<V1>> {
        self.outgoing.iter().map(connection)
    }

    fn incoming(&self) -> impl ExactSizeIterator<Item = Connection<V1>> {
        self.incoming.iter().map(connection)
    }
}
