//! How many keys there are.
//!
//! # Protocol
//!
//! The number is kept in parts, each an object of its own. A key belongs to one of them by its
//! bytes, and whoever enters or removes the key changes that part in the same transaction. So the
//! sum of the parts in one snapshot is the number of keys in it, two that enter different keys
//! seldom meet at one part, and who only changes what a key leads to writes none.

use std::hash::{DefaultHasher, Hasher};

use upgradable::{AccessError, Read, Ref, Tx, Upgradable};

/// As many as keep a handful of threads apart, and are quickly summed up.
const PARTS: usize = 64;

/// The keys that belong to one part.
#[derive(Upgradable, Clone, Debug, Default)]
#[upgrade(name = "kv.Size")]
pub(crate) struct Part {
    keys: u64,
}

/// All parts. Written once.
#[derive(Upgradable, Clone, Debug)]
#[upgrade(name = "kv.Sizes")]
pub(crate) struct Parts {
    parts: Vec<Ref<Part>>,
}

/// The number of keys.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Size(Ref<Parts>);

impl Size {
    pub(crate) fn create(tx: &Tx<'_>) -> Result<Self, AccessError> {
        let parts = (0..PARTS).map(|_| tx.create(Part::default())).collect::<Result<_, _>>()?;
        Ok(Self(tx.create(Parts { parts })?))
    }

    /// A key has been entered that was not there.
    pub(crate) fn add(self, tx: &Tx<'_>, key: &[u8]) -> Result<(), AccessError> {
        self.change(tx, key, |part| part.keys += 1)
    }

    /// A key has been removed.
    pub(crate) fn remove(self, tx: &Tx<'_>, key: &[u8]) -> Result<(), AccessError> {
        self.change(tx, key, |part| part.keys = part.keys.saturating_sub(1))
    }

    fn change(
        self,
        tx: &Tx<'_>,
        key: &[u8],
        change: impl FnOnce(&mut Part),
    ) -> Result<(), AccessError> {
        let mut hasher = DefaultHasher::new();
        hasher.write(key);
        match tx.read(self.0)?.parts.get(hasher.finish() as usize % PARTS) {
            Some(&part) => tx.modify(part, change),
            None => Ok(()),
        }
    }

    /// All keys have been removed.
    pub(crate) fn clear(self, tx: &Tx<'_>) -> Result<(), AccessError> {
        let parts = &tx.read(self.0)?.parts;
        parts.iter().try_for_each(|&part| tx.write(part, Part::default()))
    }

    pub(crate) fn get(self, reader: &impl Read) -> Result<usize, AccessError> {
        let mut keys = 0;
        for &part in &reader.read(self.0)?.parts {
            keys += reader.read(part)?.keys;
        }
        Ok(usize::try_from(keys).unwrap_or(usize::MAX))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};
    use std::thread;

    use upgradable::AccessError;

    use crate::store::command::tests::{Talk, show, words};
    use crate::store::{Answer, Job, Request};

    const ROUNDS: usize = 1500;

    /// Changes keys in all the ways there are.
    fn work(talk: &Talk, seed: usize) {
        let mut expired = 0;
        for n in 0..ROUNDS {
            let key = (n * 7 + seed * 31) % 97;
            let line = match (n + seed) % 5 {
                0 => format!("SET k{key} 1"),
                1 => format!("MSET k{key} 2 k{} 2 x{key} 2", key + 1),
                2 => format!("DEL k{key} x{}", key / 2),
                3 => format!("SET k{key} 3 PX 500"),
                _ if n % 50 == 9 => "FLUSHDB".to_owned(),
                _ => {
                    let job = Job::Expire { from: 0, most: 50 };
                    let answer = talk.service.call(&Request { now: talk.now + 500, job });
                    if let Ok(Answer::Expired { removed, .. }) = answer {
                        expired += removed;
                    }
                    continue;
                }
            };
            talk.ask(Job::Command(words(&line)));
        }
        assert!(expired > 0);
    }

    /// While others change keys, every snapshot has as many as it says.
    fn look(talk: &Talk, stop: &AtomicBool) -> usize {
        let mut most = 0;
        while !stop.load(Ordering::Relaxed) {
            let count = talk
                .service
                .heap()
                .snapshot(|s| Ok::<_, AccessError>((talk.keys.len(s)?, talk.keys.entries.len(s)?)));
            let (said, counted) = count.expect("they can be counted");
            assert_eq!(said, counted);
            most = most.max(said);
        }
        most
    }

    #[test]
    fn the_number_is_exact_in_every_snapshot() {
        let (talk, stop) = (&Talk::new(), &AtomicBool::new(false));
        thread::scope(|scope| {
            let looking = scope.spawn(|| look(talk, stop));
            let workers: Vec<_> =
                (0..3).map(|seed| scope.spawn(move || work(talk, seed))).collect();
            let ends: Vec<_> = workers.into_iter().map(|worker| worker.join()).collect();
            stop.store(true, Ordering::Relaxed);
            assert!(ends.iter().all(Result::is_ok));
            assert!(looking.join().expect("the numbers are the same") > 10);
        });
    }

    #[test]
    fn a_block_counts_what_it_has_done() {
        let talk = Talk::new();
        talk.hold(&[("SET a 1", "+OK"), ("SET b 1 PX 100", "+OK"), ("DBSIZE", "2")]);
        let lines = ["SET c 1", "DBSIZE", "SET c 2", "DEL a b", "DBSIZE", "FLUSHDB", "DBSIZE"];
        let commands = lines.map(words).into();
        let Answer::Block(Some(replies)) = talk.ask(Job::Block { commands, watched: Vec::new() })
        else {
            panic!("a block")
        };
        let counts: Vec<_> = [1, 4, 6].iter().map(|&at| show(&replies[at])).collect();
        assert_eq!(counts, ["3", "1", "0"]);
    }
}
