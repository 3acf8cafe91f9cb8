//! A handle of a domain that is gone names nothing in any later one, however many there are: more
//! than there are tags to tell the living ones apart. Alone in its process, since it counts on the
//! tags coming round.
//!
//! The story: when all tags had been used once, the next domain got the tag of the first one and
//! began with the same generations, and so the old handles named its objects.

use std::collections::HashSet;

use upgradable_stm::{AccessError, Domain, Handle};

const TAGS: usize = 4_095;

/// A domain, and the handles that it has given out: some of deleted objects.
fn used(deletions: usize) -> (Domain, Vec<Handle>) {
    let domain = Domain::new();
    let create = || domain.atomically(|tx| Ok(tx.create(1_u8)));
    let mut names: Vec<Handle> = (0..3).map(|_| create()).collect();
    for _ in 0..deletions {
        let name = create();
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        domain.reclaim();
        names.push(name);
    }
    (domain, names)
}

#[test]
fn a_name_of_a_domain_that_is_gone_means_nothing_to_any_later_one() {
    let (first, old) = used(20);
    drop(first);
    let mut given: HashSet<Handle> = old.iter().copied().collect();
    let mut came_round = false;
    for n in 0..2 * TAGS + 10 {
        let (domain, names) = used(n % 3);
        for &name in &old {
            let found = domain.snapshot(|s| s.get::<u8>(name).copied());
            assert!(matches!(found, Err(AccessError::Foreign | AccessError::Deleted)), "{found:?}");
            came_round |= found == Err(AccessError::Deleted);
        }
        assert!(names.iter().all(|&name| given.insert(name)), "a name was given out twice");
    }
    assert!(came_round, "no domain had the tag of the first one: the test tests nothing");
}
