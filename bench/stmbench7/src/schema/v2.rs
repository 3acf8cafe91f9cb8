//! The second version: other types for the same objects.
//!
//! - Dates are a century and a year.
//! - The position of an atomic part is a point; where its connections lead is kept apart from
//!   what they are, as traversals only follow them.
//! - The text of a document is an object of its own.
//! - A composite part remembers the build date that its root part had when this version came.

use std::sync::Arc;

use upgradable::Upgradable;

use super::{
    Atomic, Base, Children, Common, Complex, Composite, Connection, Document, Manual, Module,
    Schema, design, objects,
};
use crate::backend::local::Arena;
use crate::backend::{Read, Write};
use crate::id::Id;
use crate::pool::IdPool;
use crate::text::Text;

/// The types of the second version.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct V2;

impl Schema for V2 {
    const NAME: &'static str = "version 2";

    type Module = DesignModule;
    type Manual = UserManual;
    type Complex = ComplexAssembly;
    type Base = BaseAssembly;
    type Composite = CompositePart;
    type Document = PartDocument;
    type Atomic = AtomicPart;
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
        let body = tx.create(DocumentBody { text })?;
        tx.create(PartDocument { id, title: title.into(), part, body })
    }

    fn delete_document<X: Write<Self>>(tx: &X, document: Id<PartDocument>) -> Result<(), X::Error> {
        let body = tx.read(document)?.body;
        tx.delete(body)?;
        tx.delete(document)
    }

    fn read_text<X: Read<Self>, R>(
        tx: &X,
        document: Id<PartDocument>,
        read: impl FnOnce(&Text) -> R,
    ) -> Result<R, X::Error> {
        let body = tx.read(document)?.body;
        Ok(read(&tx.read(body)?.text))
    }

    fn modify_text<X: Write<Self>, R>(
        tx: &X,
        document: Id<PartDocument>,
        change: impl FnOnce(&mut Text) -> R,
    ) -> Result<R, X::Error> {
        let body = tx.read(document)?.body;
        tx.modify(body, |body| change(&mut body.text))
    }

    fn survey<X: Read<Self>>(tx: &X, composite: Id<CompositePart>) -> Result<i32, X::Error> {
        Ok(tx.read(composite)?.surveyed.number())
    }
}

objects! {
    V2 {
        modules: DesignModule => Structure,
        manuals: UserManual => Manual,
        complexes: ComplexAssembly => Complex,
        bases: BaseAssembly => Base,
        composites: CompositePart => Composite,
        documents: PartDocument => Document,
        bodies: DocumentBody => Document,
        atomics: AtomicPart => Atomic,
    }
}

/// A build date.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Date {
    pub(crate) century: i16,
    pub(crate) year: u8,
}

impl Date {
    pub(crate) fn new(number: i32) -> Self {
        Self { century: number.div_euclid(100) as i16, year: number.rem_euclid(100) as u8 }
    }

    #[inline]
    pub(crate) fn number(self) -> i32 {
        i32::from(self.century) * 100 + i32::from(self.year)
    }
}

/// A position in the plane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Point {
    pub(crate) x: i32,
    pub(crate) y: i32,
}

/// What a connection is, apart from where it leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Label {
    pub(crate) length: i32,
    pub(crate) kind: u8,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.Module", version = 2, origin)]
pub(crate) struct DesignModule {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) built: Date,
    pub(crate) manual: Id<UserManual>,
    pub(crate) root: Id<ComplexAssembly>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.Manual", version = 2, origin)]
pub(crate) struct UserManual {
    pub(crate) id: u32,
    pub(crate) title: Arc<str>,
    pub(crate) text: Text,
    pub(crate) module: Id<DesignModule>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.ComplexAssembly", version = 2, origin)]
pub(crate) struct ComplexAssembly {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) level: u8,
    pub(crate) built: Date,
    pub(crate) parent: Option<Id<ComplexAssembly>>,
    pub(crate) module: Id<DesignModule>,
    pub(crate) complexes: Arc<[Id<ComplexAssembly>]>,
    pub(crate) bases: Arc<[Id<BaseAssembly>]>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.BaseAssembly", version = 2, origin)]
pub(crate) struct BaseAssembly {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) built: Date,
    pub(crate) parent: Id<ComplexAssembly>,
    pub(crate) module: Id<DesignModule>,
    pub(crate) components: Arc<[Id<CompositePart>]>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.CompositePart", version = 2, origin)]
pub(crate) struct CompositePart {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) built: Date,
    /// The build date of the root part when this version came, or when the part was created.
    pub(crate) surveyed: Date,
    pub(crate) document: Id<PartDocument>,
    pub(crate) parts: Arc<[Id<AtomicPart>]>,
    pub(crate) used_in: Arc<[Id<BaseAssembly>]>,
    pub(crate) root_part: Id<AtomicPart>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.Document", version = 2, origin)]
pub(crate) struct PartDocument {
    pub(crate) id: u32,
    pub(crate) title: Arc<str>,
    pub(crate) part: Id<CompositePart>,
    pub(crate) body: Id<DocumentBody>,
}

/// The text of a document.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.DocumentBody", version = 1)]
pub(crate) struct DocumentBody {
    pub(crate) text: Text,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.AtomicPart", version = 2, origin)]
pub(crate) struct AtomicPart {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) outgoing: u8,
    pub(crate) built: Date,
    pub(crate) position: Point,
    pub(crate) part_of: Id<CompositePart>,
    /// First the targets, then the sources.
    pub(crate) others: Arc<[Id<AtomicPart>]>,
    /// One for each of the others.
    pub(crate) labels: Arc<[Label]>,
}

design! {
    DesignModule, ComplexAssembly, BaseAssembly, CompositePart, AtomicPart;
    |this| this.built.number(), |this, date| this.built = Date::new(date)
}

impl Module<V2> for DesignModule {
    fn new(Common { id, kind, date }: Common) -> Self {
        Self { id, kind, built: Date::new(date), manual: Id::NOWHERE, root: Id::NOWHERE }
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

impl Manual<V2> for UserManual {
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

impl Complex<V2> for ComplexAssembly {
    fn new(
        Common { id, kind, date }: Common,
        level: u8,
        parent: Option<Id<Self>>,
        module: Id<DesignModule>,
    ) -> Self {
        let (complexes, bases) = (Arc::default(), Arc::default());
        Self { id, kind, level, built: Date::new(date), parent, module, complexes, bases }
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

    fn children(&self) -> Children<V2> {
        if self.level > 2 {
            Children::Complex(Arc::clone(&self.complexes))
        } else {
            Children::Base(Arc::clone(&self.bases))
        }
    }

    fn set_children(&mut self, children: Children<V2>) {
        match children {
            Children::Complex(complexes) => self.complexes = complexes,
            Children::Base(bases) => self.bases = bases,
        }
    }
}

impl Base<V2> for BaseAssembly {
    fn new(
        Common { id, kind, date }: Common,
        parent: Id<ComplexAssembly>,
        module: Id<DesignModule>,
    ) -> Self {
        Self { id, kind, built: Date::new(date), parent, module, components: Arc::default() }
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

impl Composite<V2> for CompositePart {
    fn new(Common { id, kind, date }: Common) -> Self {
        Self {
            id,
            kind,
            built: Date::new(date),
            surveyed: Date::new(0),
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

    fn set_parts(&mut self, parts: Arc<[Id<AtomicPart>]>, root: Id<AtomicPart>, root_date: i32) {
        self.root_part = root;
        self.parts = parts;
        self.surveyed = Date::new(root_date);
    }

    fn set_used_in(&mut self, used_in: Arc<[Id<BaseAssembly>]>) {
        self.used_in = used_in;
    }
}

impl Document<V2> for PartDocument {
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

impl AtomicPart {
    fn connections(
        &self,
        range: std::ops::Range<usize>,
    ) -> impl ExactSizeIterator<Item = Connection<V2>> {
        let others = self.others[range.clone()].iter();
        others.zip(&self.labels[range]).map(|(&other, &Label { length, kind })| Connection {
            other,
            kind,
            length,
        })
    }
}

impl Atomic<V2> for AtomicPart {
    fn new(Common { id, kind, date }: Common, x: i32, y: i32, part_of: Id<CompositePart>) -> Self {
        let (built, position) = (Date::new(date), Point { x, y });
        let (others, labels) = (Arc::default(), Arc::default());
        Self { id, kind, outgoing: 0, built, position, part_of, others, labels }
    }

    #[inline]
    fn x(&self) -> i32 {
        self.position.x
    }

    #[inline]
    fn y(&self) -> i32 {
        self.position.y
    }

    #[inline]
    fn swap_x_y(&mut self) {
        let Point { x, y } = self.position;
        self.position = Point { x: y, y: x };
    }

    fn part_of(&self) -> Id<CompositePart> {
        self.part_of
    }

    #[inline]
    fn targets(&self) -> impl DoubleEndedIterator<Item = Id<Self>> + ExactSizeIterator {
        self.others[..usize::from(self.outgoing)].iter().copied()
    }

    fn outgoing(&self) -> impl ExactSizeIterator<Item = Connection<V2>> {
        self.connections(0..usize::from(self.outgoing))
    }

    fn incoming(&self) -> impl ExactSizeIterator<Item = Connection<V2>> {
        self.connections(usize::from(self.outgoing)..self.others.len())
    }

    fn connect(&mut self, outgoing: &[Connection<V2>], incoming: &[Connection<V2>]) {
        let all = || outgoing.iter().chain(incoming);
        self.outgoing = u8::try_from(outgoing.len()).expect("a handful of connections");
        self.others = all().map(|connection| connection.other).collect();
        self.labels =
            all().map(|&Connection { kind, length, .. }| Label { length, kind }).collect();
    }
}
