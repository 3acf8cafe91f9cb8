//! A transformer that reads another object sees it as of the flip, while others change that
//! object, and tidy.

use loom::thread;

use super::{Seen, create, expect_orderly, model, old};
use crate::error::TransformError;
use crate::heap::Heap;
use crate::lineage::{Fingerprint, FingerprintBuilder, Origin, Upgradable};
use crate::object::Ref;
use crate::transformer::{Cx, Profile, UpgradeFrom};
use crate::upgrade::Upgrade;

#[derive(Clone, Debug)]
struct Name(Ref<old::Cell>);

impl Upgradable for Name {
    const LINEAGE: &'static str = "model.Name";
    const VERSION: u32 = 1;
    const FINGERPRINT: Fingerprint = FingerprintBuilder::named::<Self>("model.Name").finish();
    type Prev = Origin;
}

#[derive(Clone, Debug)]
struct Copy(u32);

impl Upgradable for Copy {
    const LINEAGE: &'static str = "model.Name";
    const VERSION: u32 = 2;
    const FINGERPRINT: Fingerprint = FingerprintBuilder::named::<Self>("model.Name 2").finish();
    type Prev = Name;
}

impl UpgradeFrom<Name> for Copy {
    const PROFILE: Profile = Profile::one_way("for a model").reading_others();

    fn upgrade_from(old: &Name, cx: &mut Cx<'_>) -> Result<Self, TransformError> {
        let other = cx.read(old.0)?;
        let number = other.0.get();
        thread::yield_now();
        Ok(Self(number.max(other.0.get())))
    }
}

#[test]
fn flip_instant_against_trim() {
    model(|| {
        let heap = Heap::new();
        let other = super::cell(&heap, 1);
        let name = create(&heap, Name(other));
        let plan = Upgrade::to("2").migrate::<Name, Copy>();
        let migration = heap.inner.begin(plan).unwrap();
        let writer = thread::spawn({
            let heap = heap.clone();
            move || {
                let write = |tx: &crate::Tx<'_>| Ok(tx.write(other, old::Cell(Seen::new(2)))?);
                heap.atomically(write).unwrap();
                heap.reclaim();
            }
        });
        let copy = heap.snapshot(|s| s.read(name.cast::<Copy>()).map(|copy| copy.0));
        assert_eq!(copy, Ok(1), "not as of the flip");
        writer.join().unwrap();
        assert!(migration.failures.all().is_empty());
        expect_orderly(&heap);
    });
}
