//! The invariants of the specification, and those that the original forgot to check.

use rustc_hash::{FxHashMap, FxHashSet};

use super::graph::check_parts;
use super::violations::Violations;
use crate::backend::{
    AtomicByDate, AtomicById, BaseById, ComplexById, CompositeById, DocumentByTitle, Read, Stop,
    all,
};
use crate::id::Id;
use crate::params::{
    ASSEMBLY_DATES, ATOMIC_DATES, Dates, KINDS, MODULE_DATES, OLD_COMPOSITE_DATES, Params,
    YOUNG_COMPOSITE_DATES, is_reachable,
};
use crate::pool::IdPool;
use crate::schema::{Base, Children, Complex, Composite, Design, Document, Manual, Module, Schema};
use crate::structure::title_of;
use crate::title::title_key;

/// When a structure is checked: before anything was changed, dates must be in narrower bounds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Moment {
    Initial,
    Later,
}

/// Checks everything, and tells what does not hold.
pub(crate) fn check<S: Schema, X: Read<S>>(
    tx: &X,
    params: &Params,
    moment: Moment,
) -> Result<Violations, X::Error> {
    let mut checker = Checker::new(tx, params, moment);
    match checker.run() {
        Ok(()) => Ok(checker.found),
        Err(Stop::Broken(error)) => Err(error),
        Err(Stop::Failed) => unreachable!("checks don't fail, they find"),
    }
}

type Checked<X, S> = Result<(), Stop<<X as Read<S>>::Error>>;

/// What has been met on the way: ids, and the objects that they name.
#[derive(Debug)]
pub(super) struct Checker<'c, S: Schema, X: Read<S>> {
    pub(super) tx: &'c X,
    pub(super) params: &'c Params,
    moment: Moment,
    pub(super) found: Violations,
    complexes: FxHashMap<u32, Id<S::Complex>>,
    bases: FxHashMap<u32, Id<S::Base>>,
    composites: FxHashMap<u32, Id<S::Composite>>,
    documents: FxHashMap<u32, Id<S::Document>>,
    pub(super) atomics: FxHashMap<u32, Id<S::Atomic>>,
    /// Names of assemblies that were reached, to reach none of them again.
    reached: FxHashSet<(bool, u64)>,
}

impl<'c, S: Schema, X: Read<S>> Checker<'c, S, X> {
    fn new(tx: &'c X, params: &'c Params, moment: Moment) -> Self {
        Self {
            tx,
            params,
            moment,
            found: Violations::default(),
            complexes: FxHashMap::default(),
            bases: FxHashMap::default(),
            composites: FxHashMap::default(),
            documents: FxHashMap::default(),
            atomics: FxHashMap::default(),
            reached: FxHashSet::default(),
        }
    }

    fn run(&mut self) -> Checked<X, S> {
        let tx = self.tx;
        let module_id = tx.roots().module;
        let module = tx.read(module_id)?;
        self.check_design("module", &*module, 1, &[MODULE_DATES]);
        self.check_manual(module.manual(), module_id)?;
        self.check_complex(module.root(), None, self.params.levels)?;
        self.check_composite_index()?;
        self.check_other_indexes()?;
        self.check_date_index()?;
        self.check_pools()
    }

    /// Id, type and date of any design object.
    pub(super) fn check_design(
        &mut self,
        what: &str,
        object: &impl Design,
        max: usize,
        dates: &[Dates],
    ) {
        let id = object.id();
        let name = || format!("{what} #{id}");
        self.found.unless((1..=max).contains(&(id as usize)), || {
            format!("{}: its id is not in 1..={max}", name())
        });
        let kind = object.kind();
        self.found.unless(usize::from(kind) < KINDS, || format!("{}: type #{kind}", name()));
        let date = object.date();
        let in_bounds = dates.iter().any(|&(low, high)| match self.moment {
            Moment::Initial => (low..=high).contains(&date),
            Moment::Later => is_reachable(date, (low, high)),
        });
        self.found.unless(in_bounds, || format!("{}: it was built in {date}", name()));
    }

    pub(super) fn check_atomic_design(&mut self, part: &impl Design) {
        self.check_design("atomic part", part, self.params.max_atomics(), &[ATOMIC_DATES]);
    }

    fn check_manual(&mut self, manual: Id<S::Manual>, module: Id<S::Module>) -> Checked<X, S> {
        let manual = self.tx.read(manual)?;
        let text = manual.text();
        let begins_well = match text.first() {
            Some(b'I') => text.count(b'i') == 0,
            Some(b'i') => text.count(b'I') == 0,
            _ => false,
        };
        self.found.unless(begins_well, || "manual: its text mixes I and i, or begins with neither");
        self.found.unless(manual.id() == 1, || "manual: its id is not 1");
        let title = manual.title();
        self.found.unless(title == "Manual for module #1", || format!("manual: title {title:?}"));
        self.found.unless(manual.module() == module, || "manual: it belongs to another module");
        Ok(())
    }

    fn check_complex(
        &mut self,
        id: Id<S::Complex>,
        parent: Option<Id<S::Complex>>,
        level: u8,
    ) -> Checked<X, S> {
        let complex = self.tx.read(id)?;
        let number = complex.id();
        let name = || format!("complex assembly #{number}");
        if !self.reached.insert((true, id.to_bits())) {
            self.found.add(format!("{}: it is reached twice", name()));
            return Ok(());
        }
        self.check_design(
            "complex assembly",
            &*complex,
            self.params.max_complexes(),
            &[ASSEMBLY_DATES],
        );
        let parent_is_right = complex.parent() == parent;
        self.found.unless(parent_is_right, || format!("{}: not its parent's child", name()));
        let module = complex.module();
        self.found.unless(module == self.tx.roots().module, || format!("{}: module", name()));
        let its_level = complex.level();
        self.found.unless(its_level == level && level > 1, || {
            format!("{}: level {its_level} where {level} should be", name())
        });
        if self.complexes.insert(number, id).is_some() {
            self.found.add(format!("{}: two of this id", name()));
        }
        let children = complex.children();
        self.found.unless(children.len() > 0, || format!("{}: no children", name()));
        if its_level != level {
            return Ok(());
        }
        match children {
            Children::Complex(children) => {
                for &child in children.iter() {
                    self.check_complex(child, Some(id), level - 1)?;
                }
            }
            Children::Base(children) => {
                for &child in children.iter() {
                    self.check_base(child, id)?;
                }
            }
        }
        Ok(())
    }

    fn check_base(&mut self, id: Id<S::Base>, parent: Id<S::Complex>) -> Checked<X, S> {
        let base = self.tx.read(id)?;
        let number = base.id();
        let name = || format!("base assembly #{number}");
        if !self.reached.insert((false, id.to_bits())) {
            self.found.add(format!("{}: it is reached twice", name()));
            return Ok(());
        }
        self.check_design("base assembly", &*base, self.params.max_bases(), &[ASSEMBLY_DATES]);
        self.found.unless(base.parent() == parent, || format!("{}: its parent", name()));
        let module = base.module();
        self.found.unless(module == self.tx.roots().module, || format!("{}: module", name()));
        if self.bases.insert(number, id).is_some() {
            self.found.add(format!("{}: two of this id", name()));
        }
        for &composite in base.components().iter() {
            self.check_composite(composite)?;
            let there = self.tx.read(composite)?;
            let here = base.components().iter().filter(|&&other| other == composite).count();
            let back = there.used_in().iter().filter(|&&other| other == id).count();
            self.found.unless(here == back, || {
                let composite = there.id();
                format!("{}: {here} links to composite #{composite}, {back} back", name())
            });
        }
        Ok(())
    }

    fn check_composite(&mut self, id: Id<S::Composite>) -> Checked<X, S> {
        let composite = self.tx.read(id)?;
        let number = composite.id();
        let name = || format!("composite part #{number}");
        match self.composites.insert(number, id) {
            None => {}
            Some(same) if same == id => return Ok(()),
            Some(_) => self.found.add(format!("{}: two of this id", name())),
        }
        self.check_design(
            "composite part",
            &*composite,
            self.params.max_composites(),
            &[OLD_COMPOSITE_DATES, YOUNG_COMPOSITE_DATES],
        );
        for &base in composite.used_in().iter() {
            let base = self.tx.read(base)?;
            self.found.unless(base.components().contains(&id), || {
                format!("{}: not used in base assembly #{}", name(), base.id())
            });
        }
        self.check_document(composite.document(), id, number)?;
        let expected = self.params.atomics_per_composite;
        let count = composite.parts().len();
        self.found.unless(count == expected, || format!("{}: {count} parts", name()));
        let root_is_one = composite.parts().contains(&composite.root_part());
        self.found.unless(root_is_one, || format!("{}: its root part is not its own", name()));
        check_parts(self, id, number, composite.parts())
    }

    fn check_document(
        &mut self,
        id: Id<S::Document>,
        composite: Id<S::Composite>,
        number: u32,
    ) -> Checked<X, S> {
        let document = self.tx.read(id)?;
        let own = document.id();
        let name = || format!("document #{own} of composite part #{number}");
        let max = self.params.max_composites();
        self.found.unless((1..=max).contains(&(own as usize)), || format!("{}: id", name()));
        self.found.unless(document.part() == composite, || format!("{}: its part", name()));
        let title = document.title();
        self.found.unless(title == title_of(number), || format!("{}: title {title:?}", name()));
        let rest = format!(" the documentation for composite part #{number}\n");
        let begins_well = S::read_text(self.tx, id, |text| {
            text.starts_with(&format!("I am{rest}")) || text.starts_with(&format!("This is{rest}"))
        })?;
        self.found.unless(begins_well, || format!("{}: its text", name()));
        if self.documents.insert(own, id).is_some() {
            self.found.add(format!("{}: two of this id", name()));
        }
        let indexed = self.tx.get::<DocumentByTitle>(&title_key(title))?;
        self.found.unless(indexed == Some(id), || format!("{}: not in the index", name()));
        Ok(())
    }

    /// Also meets the composite parts that are used nowhere.
    fn check_composite_index(&mut self) -> Checked<X, S> {
        let mut indexed = Vec::new();
        let (from, to) = all();
        self.tx.scan::<CompositeById, Stop<_>>(from, to, |&key, id| {
            indexed.push((key, id));
            Ok(())
        })?;
        for &(key, id) in &indexed {
            self.check_composite(id)?;
            let same = self.composites.get(&key) == Some(&id);
            self.found.unless(same, || format!("composite index: #{key} is another object"));
        }
        let (walked, held) = (self.composites.len(), indexed.len());
        self.found.unless(walked == held, || {
            format!("composite index: {held} entries for {walked} parts")
        });
        Ok(())
    }

    fn check_other_indexes(&mut self) -> Checked<X, S> {
        let Self { tx, found, .. } = self;
        macro_rules! check_index {
            ($index:ident $walked:ident $name:literal) => {
                let (from, to) = all();
                let mut held = 0;
                tx.scan::<$index, Stop<_>>(from, to, |key, id| {
                    held += 1;
                    let same = self.$walked.get(key) == Some(&id);
                    found.unless(same, || format!(concat!($name, " index: #{}"), key));
                    Ok(())
                })?;
                let walked = self.$walked.len();
                found.unless(walked == held, || {
                    format!(concat!($name, " index: {} entries for {} objects"), held, walked)
                });
            };
        }
        check_index!(ComplexById complexes "complex assembly");
        check_index!(BaseById bases "base assembly");
        check_index!(AtomicById atomics "atomic part");
        // That each document is in it under its title was seen on the way.
        let (from, to) = all();
        let mut held = 0;
        tx.scan::<DocumentByTitle, Stop<_>>(from, to, |_, _| {
            held += 1;
            Ok(())
        })?;
        let walked = self.documents.len();
        found.unless(walked == held, || format!("title index: {held} entries for {walked}"));
        Ok(())
    }

    /// Every part is in it once, under its date.
    fn check_date_index(&mut self) -> Checked<X, S> {
        let Self { tx, found, atomics, .. } = self;
        let (from, to) = all();
        let mut held = 0;
        tx.scan::<AtomicByDate, Stop<_>>(from, to, |&(date, number), id| {
            held += 1;
            if atomics.get(&number) != Some(&id) {
                found.add(format!("date index: #{number} under {date} is no part of anything"));
                return Ok(());
            }
            let built = tx.read(id)?.date();
            found.unless(built == date, || {
                format!("date index: #{number}, built in {built}, is under {date}")
            });
            Ok(())
        })?;
        let walked = atomics.len();
        found.unless(walked == held, || format!("date index: {held} entries for {walked} parts"));
        Ok(())
    }

    /// Free and used ids together are all ids, each once.
    fn check_pools(&mut self) -> Checked<X, S> {
        let pools = self.tx.roots().pools;
        let used: Vec<u32> = self.composites.keys().copied().collect();
        self.check_pool("composite part", pools.composites, used)?;
        let used: Vec<u32> = self.documents.keys().copied().collect();
        self.check_pool("document", pools.documents, used)?;
        let used: Vec<u32> = self.atomics.keys().copied().collect();
        self.check_pool("atomic part", pools.atomics, used)?;
        let used: Vec<u32> = self.bases.keys().copied().collect();
        self.check_pool("base assembly", pools.bases, used)?;
        let used: Vec<u32> = self.complexes.keys().copied().collect();
        self.check_pool("complex assembly", pools.complexes, used)
    }

    fn check_pool(&mut self, name: &str, pool: Id<IdPool>, mut ids: Vec<u32>) -> Checked<X, S> {
        let pool = self.tx.read(pool)?;
        ids.extend(pool.free());
        ids.sort_unstable();
        self.found.unless(ids.iter().copied().eq(1..=pool.max()), || {
            format!("{name} ids: free and used ones are not 1..={} together", pool.max())
        });
        Ok(())
    }
}
