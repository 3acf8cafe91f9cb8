//! The last name of a domain goes while somebody tidies it: what ends there ends once.

use loom::thread;

use super::{Seen, model_within};
use crate::domain::Domain;
use crate::raw::retire::BATCH;

#[test]
fn close_against_tidy() {
    model_within(3, || {
        let domain = Domain::new();
        let vars: Vec<_> = (0..BATCH).map(|_| domain.tvar(0)).collect();
        let witness = domain.tvar(0);
        let name = domain.atomically(|tx| Ok(tx.create(Seen::new(0))));
        // In company, so that what is superseded stays until somebody looks.
        let company = domain.hold();
        domain.atomically(|tx| Ok(tx.put(name, Seen::new(1)))).unwrap();
        drop(company);
        // A batch of dropped variables: it is time to tidy, also for what others have left behind.
        let other = thread::spawn(move || drop(vars));
        let inner = domain.inner.clone();
        drop(domain);
        other.join().unwrap();
        drop(witness);
        assert_eq!(
            inner.drop_panics.load(crate::sync::Ordering::Relaxed),
            0,
            "a value was dropped out of order"
        );
    });
}
