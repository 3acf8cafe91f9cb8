//! An unbounded channel of linked variables, as in *Composable Memory Transactions*.

use std::thread;

use upgradable_stm::{Domain, Stm, TVar, Tx};

use super::watched;

/// What follows, once somebody has written it.
type Stream<T> = TVar<Item<T>>;

#[derive(Clone)]
enum Item<T: Clone + Send + Sync + 'static> {
    Empty,
    Full(T, Stream<T>),
}

struct Channel<T: Clone + Send + Sync + 'static> {
    read: TVar<Stream<T>>,
    write: TVar<Stream<T>>,
}

impl<T: Clone + Send + Sync + 'static> Channel<T> {
    fn new(domain: &Domain) -> Self {
        let hole = domain.tvar(Item::Empty);
        Self { read: domain.tvar(hole.clone()), write: domain.tvar(hole) }
    }

    fn send(&self, tx: &Tx<'_>, domain: &Domain, value: T) {
        let hole = domain.tvar(Item::Empty);
        tx.write(tx.read(&self.write), Item::Full(value, hole.clone()));
        tx.write(&self.write, hole);
    }

    fn receive(&self, tx: &Tx<'_>) -> Stm<T> {
        let Item::Full(value, next) = tx.read(tx.read(&self.read)) else {
            return Err(tx.retry());
        };
        tx.write(&self.read, next.clone());
        Ok(value.clone())
    }

    /// Another reader of everything that is sent from now on.
    fn duplicate(&self, tx: &Tx<'_>, domain: &Domain) -> Self {
        Self { read: domain.tvar(tx.read(&self.write).clone()), write: self.write.clone() }
    }
}

#[test]
fn items_come_in_order() {
    watched(|| {
        let domain = Domain::new();
        let channel = Channel::new(&domain);
        thread::scope(|scope| {
            scope.spawn(|| {
                for n in 0..5_000 {
                    domain.atomically(|tx| Ok(channel.send(tx, &domain, n)));
                }
            });
            for n in 0..5_000 {
                assert_eq!(domain.atomically(|tx| channel.receive(tx)), n);
            }
        });
    });
}

#[test]
fn many_send_and_many_receive() {
    const EACH: u64 = 1_000;
    watched(|| {
        let domain = Domain::new();
        let channel = Channel::new(&domain);
        let received = thread::scope(|scope| {
            for sender in 0..3 {
                let (domain, channel) = (&domain, &channel);
                scope.spawn(move || {
                    for n in 0..EACH {
                        domain.atomically(|tx| Ok(channel.send(tx, domain, sender * EACH + n)));
                    }
                });
            }
            let receive = || {
                (0..EACH).map(|_| domain.atomically(|tx| channel.receive(tx))).collect::<Vec<_>>()
            };
            let receivers: Vec<_> = (0..3).map(|_| scope.spawn(receive)).collect();
            receivers.into_iter().flat_map(|r| r.join().unwrap()).collect::<Vec<_>>()
        });
        let mut received = received;
        received.sort_unstable();
        assert!(received.into_iter().eq(0..3 * EACH));
    });
}

#[test]
fn a_duplicate_gets_everything_from_there_on() {
    watched(|| {
        let domain = Domain::new();
        let channel = Channel::new(&domain);
        domain.atomically(|tx| Ok(channel.send(tx, &domain, 0)));
        let other = domain.atomically(|tx| Ok(channel.duplicate(tx, &domain)));
        thread::scope(|scope| {
            scope.spawn(|| {
                for n in 1..1_000 {
                    domain.atomically(|tx| Ok(channel.send(tx, &domain, n)));
                }
            });
            scope.spawn(|| {
                for n in 1..1_000 {
                    assert_eq!(domain.atomically(|tx| other.receive(tx)), n);
                }
            });
            for n in 0..1_000 {
                assert_eq!(domain.atomically(|tx| channel.receive(tx)), n);
            }
        });
    });
}
