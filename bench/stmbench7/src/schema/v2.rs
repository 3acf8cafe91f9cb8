//! The second version: other types for the same objects.
//!
//! - Dates are a century and a year.
//! - The position of an atomic part is a point.
//! - Where connections lead is kept apart from what they are.
//! - The text of a document is an object of its own.
//! - A composite part remembers the build date that its root part had when this version came.

use std::sync::Arc;

use upgradable::{Cx, Profile, Ref, TransformError, Upgradable, UpgradeFrom};

use super::{
    Atomic, Base, Children, Common, Complex, Composite, Connection, Document, Manual, Module,
    Schema, Wiring, design, fill, objects, v1,
};
use crate::backend::local::Arena;
use crate::backend::{Read, Write};
use crate::id::Id;
use crate::params::MAX_OUTGOING;
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
        wirings: PartWiring => Atomic,
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
#[upgrade(name = "stmbench7.Module", version = 2, from = v1::DesignModule)]
pub(crate) struct DesignModule {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    #[upgrade(from = "date", with = Date::new, back = |date: &Date| date.number())]
    pub(crate) built: Date,
    pub(crate) manual: Id<UserManual>,
    pub(crate) root: Id<ComplexAssembly>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.Manual", version = 2, from = v1::UserManual)]
pub(crate) struct UserManual {
    pub(crate) id: u32,
    pub(crate) title: Arc<str>,
    pub(crate) text: Text,
    pub(crate) module: Id<DesignModule>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.ComplexAssembly", version = 2, from = v1::ComplexAssembly)]
pub(crate) struct ComplexAssembly {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    pub(crate) level: u8,
    #[upgrade(from = "date", with = Date::new, back = |date: &Date| date.number())]
    pub(crate) built: Date,
    pub(crate) parent: Option<Id<ComplexAssembly>>,
    pub(crate) module: Id<DesignModule>,
    pub(crate) complexes: Arc<[Id<ComplexAssembly>]>,
    pub(crate) bases: Arc<[Id<BaseAssembly>]>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.BaseAssembly", version = 2, from = v1::BaseAssembly)]
pub(crate) struct BaseAssembly {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    #[upgrade(from = "date", with = Date::new, back = |date: &Date| date.number())]
    pub(crate) built: Date,
    pub(crate) parent: Id<ComplexAssembly>,
    pub(crate) module: Id<DesignModule>,
    pub(crate) components: Arc<[Id<CompositePart>]>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.CompositePart", version = 2, from = v1::CompositePart)]
pub(crate) struct CompositePart {
    pub(crate) id: u32,
    pub(crate) kind: u8,
    #[upgrade(from = "date", with = Date::new, back = |date: &Date| date.number())]
    pub(crate) built: Date,
    /// The build date of the root part when this version came, or when the part was created.
    #[upgrade(compute = survey)]
    pub(crate) surveyed: Date,
    pub(crate) document: Id<PartDocument>,
    pub(crate) parts: Arc<[Id<AtomicPart>]>,
    pub(crate) used_in: Arc<[Id<BaseAssembly>]>,
    pub(crate) root_part: Id<AtomicPart>,
}

#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.Document", version = 2, from = v1::PartDocument, manual)]
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

#[derive(Upgradable, Clone, Copy, Debug)]
#[upgrade(name = "stmbench7.AtomicPart", version = 2, from = v1::AtomicPart, manual)]
#[repr(align(16))]
pub(crate) struct AtomicPart {
    pub(crate) id: u32,
    pub(crate) built: Date,
    pub(crate) position: Point,
    pub(crate) kind: u8,
    /// How many of the targets there are.
    pub(crate) outgoing: u8,
    pub(crate) part_of: Id<CompositePart>,
    pub(crate) targets: [Id<AtomicPart>; MAX_OUTGOING],
    pub(crate) wiring: Id<PartWiring>,
}

/// The connections of an atomic part: those that begin at it, then those that end at it.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "stmbench7.PartWiring", version = 2, from = v1::PartWiring, manual)]
pub(crate) struct PartWiring {
    /// How many begin at it.
    pub(crate) outgoing: u32,
    pub(crate) others: Box<[Id<AtomicPart>]>,
    /// One for each of the others.
    pub(crate) labels: Box<[Label]>,
}

/// What a composite part remembers of its root part: its date at the instant of the upgrade.
fn survey(old: &v1::CompositePart, cx: &mut Cx<'_>) -> Result<Date, TransformError> {
    let root = cx.read(Ref::<v1::AtomicPart>::from_bits(old.root_part.to_bits()))?;
    Ok(Date::new(root.date))
}

/// The text becomes an object of its own, and goes back into the document.
impl UpgradeFrom<v1::PartDocument> for PartDocument {
    const PROFILE: Profile = Profile::both_ways().reading_others();

    fn upgrade_from(old: &v1::PartDocument, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        let body = cx.create(DocumentBody { text: old.text.clone() })?;
        Ok(Self {
            id: old.id,
            title: Arc::clone(&old.title),
            part: old.part.cast(),
            body: Id::from_bits(body.to_bits()),
        })
    }

    fn put(
        new: &Self,
        _: Option<&v1::PartDocument>,
        cx: &mut Cx<'_>,
    ) -> Result<v1::PartDocument, TransformError> {
        let body = cx.read(Ref::<DocumentBody>::from_bits(new.body.to_bits()))?;
        Ok(v1::PartDocument {
            id: new.id,
            title: Arc::clone(&new.title),
            text: body.text.clone(),
            part: new.part.cast(),
        })
    }
}

/// Two numbers become a point.
impl UpgradeFrom<v1::AtomicPart> for AtomicPart {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &v1::AtomicPart, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        Ok(Self {
            id: old.id,
            built: Date::new(old.date),
            position: Point { x: old.x, y: old.y },
            kind: old.kind,
            outgoing: old.outgoing,
            part_of: old.part_of.cast(),
            targets: old.targets.map(Id::cast),
            wiring: old.wiring.cast(),
        })
    }

    fn put(
        new: &Self,
        _: Option<&v1::AtomicPart>,
        _: &mut Cx<'_>,
    ) -> Result<v1::AtomicPart, TransformError> {
        Ok(v1::AtomicPart {
            id: new.id,
            date: new.built.number(),
            x: new.position.x,
            y: new.position.y,
            kind: new.kind,
            outgoing: new.outgoing,
            part_of: new.part_of.cast(),
            targets: new.targets.map(Id::cast),
            wiring: new.wiring.cast(),
        })
    }
}

/// Where connections lead, and apart from that what they are.
impl UpgradeFrom<v1::PartWiring> for PartWiring {
    const PROFILE: Profile = Profile::both_ways();

    fn upgrade_from(old: &v1::PartWiring, _: &mut Cx<'_>) -> Result<Self, TransformError> {
        let all = || old.outgoing.iter().chain(&old.incoming);
        Ok(Self {
            outgoing: old.outgoing.len() as u32,
            others: all().map(|link| link.other.cast()).collect(),
            labels: all().map(|link| Label { length: link.length, kind: link.kind }).collect(),
        })
    }

    fn put(
        new: &Self,
        _: Option<&v1::PartWiring>,
        _: &mut Cx<'_>,
    ) -> Result<v1::PartWiring, TransformError> {
        let link = |Connection { other, kind, length }: Connection<V2>| v1::Link {
            other: other.cast(),
            length,
            kind,
        };
        let (outgoing, incoming) = (new.outgoing().map(link), new.incoming().map(link));
        Ok(v1::PartWiring { outgoing: outgoing.collect(), incoming: incoming.collect() })
    }
}

design! {
    DesignModule, ComplexAssembly, BaseAssembly, CompositePart, AtomicPart => |this| this.kind;
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

fn connection((&other, label): (&Id<AtomicPart>, &Label)) -> Connection<V2> {
    Connection { other, kind: label.kind, length: label.length }
}

impl Atomic<V2> for AtomicPart {
    fn new(Common { id, kind, date }: Common, x: i32, y: i32, part_of: Id<CompositePart>) -> Self {
        let (targets, wiring) = ([Id::NOWHERE; MAX_OUTGOING], Id::NOWHERE);
        let (built, position) = (Date::new(date), Point { x, y });
        Self { id, built, position, kind, outgoing: 0, part_of, targets, wiring }
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
    fn targets(&self) -> &[Id<Self>] {
        &self.targets[..usize::from(self.outgoing)]
    }

    fn wiring(&self) -> Id<PartWiring> {
        self.wiring
    }

    fn connect(&mut self, outgoing: &[Connection<V2>], wiring: Id<PartWiring>) {
        (self.targets, self.outgoing) = fill(outgoing.iter().map(|link| link.other));
        self.wiring = wiring;
    }
}

impl Wiring<V2> for PartWiring {
    fn new(outgoing: &[Connection<V2>], incoming: &[Connection<V2>]) -> Self {
        let all = || outgoing.iter().chain(incoming);
        let label = |&Connection { kind, length, .. }: &Connection<V2>| Label { length, kind };
        Self {
            outgoing: outgoing.len() as u32,
            others: all().map(|link| link.other).collect(),
            labels: all().map(label).collect(),
        }
    }

    fn outgoing(&self) -> impl ExactSizeIterator<Item = Connection<V2>> {
        let count = self.outgoing as usize;
        self.others[..count].iter().zip(&self.labels[..count]).map(connection)
    }

    fn incoming(&self) -> impl ExactSizeIterator<Item = Connection<V2>> {
        let count = self.outgoing as usize;
        self.others[count..].iter().zip(&self.labels[count..]).map(connection)
    }
}
