//! The flip is one instant: a commit is wholly before it or wholly in the new era.

use loom::thread;

use super::{Seen, expect_orderly, model};
use crate::domain::Domain;
use crate::error::Stop;

#[test]
fn era_advance_against_commit() {
    model(|| {
        let domain = Domain::new();
        let (x, y) = (domain.tvar(Seen::new(0)), domain.tvar(Seen::new(0)));
        let writer = thread::spawn({
            let (domain, x, y) = (domain.clone(), x.clone(), y.clone());
            move || {
                let committed = domain.transaction().run(|tx| {
                    let next = tx.read(&x).get() + 1;
                    tx.write(&x, Seen::new(next));
                    tx.write(&y, Seen::new(next));
                    Ok::<_, Stop<()>>(tx.at().era())
                });
                let committed = committed.unwrap();
                assert_eq!(committed.ts.era(), committed.value, "it committed in another era");
                committed.ts
            }
        });
        let advance = domain.advance_era(|_| {}).unwrap();
        let pair = |s: &crate::Snapshot<'_>| (s.read(&x).get(), s.read(&y).get());
        let before = advance.before.read(pair);
        let ts = writer.join().unwrap();
        assert_ne!(ts, advance.flip, "nothing commits at the flip");
        let expected = u32::from(ts < advance.flip);
        assert_eq!(before, (expected, expected), "not the end of the era");
        assert_eq!(advance.before.read(pair), before, "the end of the era has changed");
        drop(advance);
        assert_eq!(domain.snapshot(pair), (1, 1));
        domain.reclaim();
        expect_orderly(&domain);
    });
}
