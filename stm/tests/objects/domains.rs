//! Domains that go while something of theirs is still there.

use std::thread;

use upgradable_stm::{AccessError, Domain, Handle, TVar};

use super::Census;
use super::census::Counted;

#[test]
fn the_last_of_its_names_ends_the_objects() {
    let census = Census::default();
    let domain = Domain::new();
    domain.atomically(|tx| Ok(tx.create(census.count(0))));
    let clones = vec![domain.clone(); 3];
    drop(domain);
    assert_eq!(census.alive(), 1);
    drop(clones);
    assert_eq!(census.alive(), 0);
}

#[test]
fn variables_live_on_without_their_domain() {
    let census = Census::default();
    let domain = Domain::new();
    let x = domain.tvar(census.count(0));
    for n in 0..300 {
        domain.atomically(|tx| Ok(tx.write(&x, census.count(n))));
    }
    domain.atomically(|tx| Ok(tx.create(census.count(0))));
    drop(domain);
    assert_eq!(census.alive(), 1, "the variable's newest version");
    let y = x.clone();
    assert!(x.is_same(&y));
    assert_eq!(format!("{x:?}"), format!("{y:?}"));
    drop(x);
    assert_eq!(census.alive(), 1);
    thread::spawn(move || drop(y)).join().unwrap();
    assert_eq!(census.alive(), 0);
}

#[test]
fn many_variables_live_on_and_go_one_by_one() {
    let census = Census::default();
    let domain = Domain::new();
    let vars: Vec<_> = (0..500).map(|n| domain.tvar(census.count(n))).collect();
    drop(domain);
    for (gone, var) in vars.into_iter().enumerate() {
        assert_eq!(census.alive(), 500 - gone);
        drop(var);
    }
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_held_snapshot_keeps_its_domain() {
    let census = Census::default();
    let domain = Domain::new();
    let x = domain.tvar(census.count(1));
    let name = domain.atomically(|tx| Ok(tx.create(census.count(2))));
    let held = domain.hold();
    drop(domain);
    held.read(|s| {
        assert_eq!(s.read(&x).value, 1);
        assert_eq!(s.get::<Counted<i32>>(name).unwrap().value, 2);
    });
    drop(x);
    drop(held);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_domain_may_be_dropped_on_another_thread() {
    let census = Census::default();
    let domain = Domain::new();
    let x = domain.tvar(census.count(0));
    let other = domain.clone();
    thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..100 {
                domain.atomically(|tx| {
                    tx.create(census.count(n));
                    Ok(tx.write(&x, census.count(n)))
                });
            }
        });
    });
    drop(domain);
    thread::spawn(move || drop(other)).join().unwrap();
    assert_eq!(census.alive(), 1);
    drop(x);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_value_may_hold_the_last_name_of_another_domain() {
    let census = Census::default();
    let outer = Domain::new();
    let inner = Domain::new();
    let object = inner.atomically(|tx| Ok(tx.create(census.count(0))));
    let x = outer.tvar((inner, object, census.count(1)));
    outer.snapshot(|s| {
        let (inner, object, _) = s.read(&x);
        assert!(inner.snapshot(|s| s.get::<Counted<i32>>(*object).is_ok()));
    });
    drop(x);
    outer.reclaim();
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_value_may_hold_variables_of_its_own_domain() {
    let census = Census::default();
    let domain = Domain::new();
    let shared = domain.tvar(census.count(0));
    for n in 0..100 {
        let own = domain.tvar(census.count(n));
        let shared = shared.clone();
        domain.atomically(|tx| Ok(tx.create((own.clone(), shared.clone()))));
    }
    assert_eq!(census.alive(), 101);
    drop(domain);
    assert_eq!(census.alive(), 1);
    drop(shared);
    assert_eq!(census.alive(), 0);
}

#[test]
fn a_name_of_a_domain_that_is_gone_means_nothing_to_the_next() {
    let old: Vec<Handle> = {
        let domain = Domain::new();
        (0..40).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect()
    };
    for _ in 0..10 {
        let domain = Domain::new();
        let new: Vec<Handle> = (0..40).map(|n| domain.atomically(|tx| Ok(tx.create(n)))).collect();
        domain.snapshot(|s| {
            assert!(old.iter().all(|&name| s.get::<i32>(name) == Err(AccessError::Foreign)));
            assert!(new.iter().all(|&name| s.get::<i32>(name).is_ok()));
        });
    }
}

#[test]
fn threads_use_many_domains_by_turns() {
    let domains: Vec<Domain> = (0..20).map(|_| Domain::new()).collect();
    let vars: Vec<TVar<u32>> = domains.iter().map(|domain| domain.tvar(0)).collect();
    thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                for round in 0..1000 {
                    let at = round * 7 % 20;
                    domains[at].atomically(|tx| Ok(tx.modify(&vars[at], |n| *n += 1)));
                }
            });
        }
    });
    for (domain, var) in domains.iter().zip(&vars) {
        assert_eq!(domain.snapshot(|s| *s.read(var)), 150);
    }
}

/// A thread that has used a domain goes on when that is gone, with others.
#[test]
fn domains_come_and_go() {
    let census = Census::default();
    for round in 0..200 {
        let domain = Domain::new();
        let x = domain.tvar(census.count(round));
        domain.atomically(|tx| Ok(tx.modify(&x, |it| it.value += 1)));
        assert_eq!(domain.snapshot(|s| s.read(&x).value), round + 1);
    }
    assert_eq!(census.alive(), 0);
}
