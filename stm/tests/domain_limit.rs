//! How many domains there can be. Alone in its process, since it uses them all up.

use upgradable_stm::{Domain, Handle, TooManyDomains};

#[test]
fn so_many_domains_live_at_once_and_no_more() {
    const MOST: usize = 4_095;
    let mut domains: Vec<Domain> = (0..MOST).map(|_| Domain::new()).collect();
    assert_eq!(Domain::builder().build().unwrap_err(), TooManyDomains);
    assert!(std::panic::catch_unwind(Domain::new).is_err());
    let names: Vec<Handle> =
        domains.iter().map(|domain| domain.atomically(|tx| Ok(tx.create(1_u8)))).collect();
    // All tell each other's names apart.
    for (n, domain) in domains.iter().enumerate().step_by(500) {
        let found = names.iter().map(|&name| domain.snapshot(|s| s.get::<u8>(name).is_ok()));
        assert!(found.enumerate().all(|(of, found)| found == (of == n)));
    }
    domains.swap_remove(7);
    let next = Domain::new();
    assert_eq!(Domain::builder().build().unwrap_err(), TooManyDomains);
    drop(domains);
    next.atomically(|tx| Ok(tx.create(2_u8)));
    assert!((0..MOST - 1).map(|_| Domain::new()).all(|domain| domain.stats().commits == 0));
}
