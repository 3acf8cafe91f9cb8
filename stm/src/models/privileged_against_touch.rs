//! Who is privileged has looked for an object that a touch is about to create, and writes the one
//! that is touched: neither waits for the other for ever.

use std::fmt;
use std::sync::Mutex;

use loom::sync::mpsc::{Receiver, Sender, channel};
use loom::thread;

use super::{expect_orderly, model_within};
use crate::clock::{CommitTs, Era, Seq};
use crate::domain::Domain;
use crate::error::Stop;
use crate::handle::Handle;
use crate::kind::Kind;
use crate::layer::{Layer, Touch, Touched};
use crate::tvar::TVar;

const FLIP: CommitTs = CommitTs::new(Era::FIRST.next().unwrap(), Seq::ZERO);

/// What there is one of before the flip, and what is beside it then.
#[derive(Debug)]
struct Whole;
#[derive(Debug)]
struct Part;

/// The first one who asks tells when it has created the part, and waits for the other.
struct Split(Mutex<Option<(Sender<Handle>, Receiver<()>)>>);

impl fmt::Debug for Split {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Split")
    }
}

impl Layer for Split {
    fn touch(&self, touch: &mut Touch<'_>) -> Touched {
        if touch.value::<Whole>().is_none() || touch.at() < FLIP {
            return Touched::AsIs;
        }
        let part = touch.create(Part);
        let first = self.0.lock().unwrap().take();
        if let Some((created, other)) = first {
            created.send(part).unwrap();
            other.recv().unwrap();
        }
        let _ = touch.install(FLIP, ());
        Touched::Again
    }
}

#[test]
fn privileged_against_touch_that_creates() {
    model_within(2, || {
        let ((created, is_created), (go, is_gone)) = (channel(), channel());
        let layer = Split(Mutex::new(Some((created, is_gone))));
        let domain = Domain::builder().layer(layer).build().unwrap();
        let whole = domain.atomically(|tx| Ok(tx.create(Whole)));
        let (x, y) = (domain.tvar(0_u32), domain.tvar(0_u32));
        drop(domain.advance_era(|_| domain.set_floor(Kind::of::<Whole>(), FLIP)).unwrap());
        let write = |var: &TVar<u32>| {
            let (domain, var) = (domain.clone(), var.clone());
            thread::spawn(move || domain.atomically(|tx| Ok(tx.write(&var, 5)))).join().unwrap();
        };
        let (mut run, mut toucher, mut part) = (0, None, None);
        let committed = domain.transaction().run(|tx| {
            run += 1;
            if run == 1 {
                tx.write(&x, tx.read(&x) + 1);
                // Loses, and is privileged from then on.
                write(&x);
                return Ok(());
            }
            if run == 2 {
                // So that there is something to validate.
                write(&y);
                let domain = domain.clone();
                toucher = Some(thread::spawn(move || domain.touch(whole).unwrap()));
            }
            let part = *part.get_or_insert_with(|| is_created.recv().unwrap());
            assert!(run > 2 || tx.get::<Part>(part).is_err());
            tx.put(whole, ()).map_err(|_| Stop::Cancel(()))?;
            if run == 2 {
                go.send(()).unwrap();
            }
            Ok(())
        });
        assert!(committed.is_ok());
        toucher.unwrap().join().unwrap();
        assert_eq!(domain.snapshot(|s| s.get::<()>(whole).copied()), Ok(()));
        expect_orderly(&domain);
    });
}
