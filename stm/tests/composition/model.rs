//! Random transactions, of parts in parts, against a model: two plain maps that are copied at each
//! savepoint.

use std::cell::RefCell;
use std::collections::{HashMap, HashSet};
use std::rc::Rc;

use upgradable_stm::{Domain, Handle, Retry, Stop, TVar, Tx};

use super::census::Counted;
use super::{Census, Dice, panic_of};

type Value = Counted<u64>;

/// What the transaction should see.
#[derive(Clone, Default)]
struct Model {
    vars: Vec<u64>,
    objects: HashMap<Handle, u64>,
    /// Numbers of the handlers to run after the commit, in order.
    handlers: Vec<u64>,
}

/// A transaction under way.
struct Play<'t, 'w> {
    tx: &'t Tx<'t>,
    world: &'w World,
    model: Model,
    dice: Dice,
    /// Everything that was read, and what it said then.
    shown: Vec<(&'t Value, u64)>,
    /// Every handle ever seen.
    names: Vec<Handle>,
    ran: Rc<RefCell<Vec<u64>>>,
}

struct World {
    domain: Domain,
    vars: Vec<TVar<Value>>,
    census: Census,
}

impl<'t> Play<'t, '_> {
    fn show(&mut self, value: &'t Value, expected: u64) {
        assert_eq!(value.value, expected);
        self.shown.push((value, expected));
    }

    fn act(&mut self, depth: usize) {
        let (tx, number) = (self.tx, self.dice.throw(1_000_000) as u64);
        let var = self.dice.throw(self.world.vars.len());
        let (x, expected) = (&self.world.vars[var], self.model.vars[var]);
        match self.dice.throw(if depth < 4 { 14 } else { 11 }) {
            0..2 => self.show(tx.read(x), expected),
            2..4 => {
                tx.write(x, self.world.census.count(number));
                self.model.vars[var] = number;
            }
            4..6 => {
                assert_eq!(tx.modify(x, |v| std::mem::replace(&mut v.value, number)), expected);
                self.model.vars[var] = number;
            }
            6 => {
                let name = tx.create(self.world.census.count(number));
                assert!(!self.names.contains(&name), "a name is used twice");
                self.names.push(name);
                self.model.objects.insert(name, number);
            }
            7..10 => self.act_on_object(number),
            10 => {
                let ran = Rc::clone(&self.ran);
                tx.after_commit(move || ran.borrow_mut().push(number));
                self.model.handlers.push(number);
            }
            11 => self.nest(depth),
            _ => self.choose(depth),
        }
    }

    fn act_on_object(&mut self, number: u64) {
        let Some(&name) = self.names.get(self.dice.throw(self.names.len().max(1))) else { return };
        let (tx, model) = (self.tx, self.model.objects.get(&name).copied());
        let done = match self.dice.throw(4) {
            0 => tx.get::<Value>(name).map(|value| self.show(value, model.unwrap())),
            1 => tx.put(name, self.world.census.count(number)).map(|()| {
                self.model.objects.insert(name, number);
            }),
            2 => tx.update(name, |v: &mut Value| v.value = number).map(|()| {
                self.model.objects.insert(name, number);
            }),
            _ => tx.delete(name).map(|()| {
                self.model.objects.remove(&name);
            }),
        };
        assert_eq!(done.is_ok(), model.is_some(), "{name:?}: {done:?}");
    }

    fn nest(&mut self, depth: usize) {
        let before = self.model.clone();
        let fails = self.dice.throw(2) == 0;
        let part = self.tx.nested(|_| {
            self.part(depth + 1);
            if fails { Err("undone") } else { Ok(()) }
        });
        if part.is_err() {
            self.model = before;
        }
    }

    fn choose(&mut self, depth: usize) {
        let before = self.model.clone();
        let fails = self.dice.throw(3) > 0;
        let tx = self.tx;
        let this = RefCell::new(self);
        let chosen = tx.or_else(
            |tx| {
                this.borrow_mut().part(depth + 1);
                if fails { Err(tx.retry()) } else { Ok::<_, Retry>(()) }
            },
            |_| {
                let mut this = this.borrow_mut();
                this.model = before.clone();
                this.part(depth + 1);
                Ok(())
            },
        );
        assert!(chosen.is_ok());
    }

    fn part(&mut self, depth: usize) {
        for _ in 0..self.dice.throw(if depth == 0 { 60 } else { 12 }) {
            self.act(depth);
        }
    }

    /// Checks what was shown, and everything there is.
    fn review(&mut self) {
        for (value, expected) in &self.shown {
            assert!(value.is_alive(), "a value was dropped that was shown");
            assert_eq!(value.value, *expected, "a value has changed that was shown");
        }
        for (var, expected) in self.world.vars.iter().zip(&self.model.vars) {
            assert_eq!(self.tx.read(var).value, *expected);
        }
        for name in &self.names {
            let found = self.tx.get::<Value>(*name).ok().map(|value| value.value);
            assert_eq!(found, self.model.objects.get(name).copied());
        }
    }
}

impl World {
    /// Checks what is committed, and that nothing else is alive.
    fn review(&self, model: &Model) {
        self.domain.snapshot(|s| {
            let vars: Vec<u64> = self.vars.iter().map(|var| s.read(var).value).collect();
            assert_eq!(vars, model.vars);
            let listed: HashSet<Handle> = s.handles().collect();
            assert_eq!(listed, model.objects.keys().copied().collect());
            for (&name, &value) in &model.objects {
                assert_eq!(s.get::<Value>(name).unwrap().value, value);
            }
        });
        self.domain.reclaim();
        assert_eq!(self.census.alive(), self.vars.len() + model.objects.len());
    }
}

/// How a transaction ends.
enum End {
    Commit,
    Cancel,
    Panic,
}

#[test]
fn random_transactions_agree_with_the_model() {
    for seed in 0..20 {
        let (domain, census) = (Domain::new(), Census::default());
        let vars = (0..25).map(|_| domain.tvar(census.count(0))).collect();
        let world = World { domain, vars, census };
        let mut committed = Model { vars: vec![0; 25], ..Model::default() };
        let mut names = Vec::new();
        for round in 0..20 {
            let mut dice = Dice::new(seed * 100 + round);
            let end = match dice.throw(4) {
                0 => End::Panic,
                1 => End::Cancel,
                _ => End::Commit,
            };
            let ran = Rc::<RefCell<Vec<u64>>>::default();
            let mut after = None;
            let mut run = || {
                world.domain.try_atomically(|tx| {
                    let mut play = Play {
                        tx,
                        world: &world,
                        model: Model { handlers: vec![], ..committed.clone() },
                        dice: Dice::new(seed * 1_000_003 + round),
                        shown: vec![],
                        names: names.clone(),
                        ran: Rc::clone(&ran),
                    };
                    play.part(0);
                    play.review();
                    after = Some((play.model, play.names));
                    match end {
                        End::Commit => Ok(()),
                        End::Cancel => Err(Stop::Cancel("cancelled")),
                        End::Panic => panic!("on purpose"),
                    }
                })
            };
            match end {
                End::Panic => assert_eq!(panic_of(&mut run), "on purpose"),
                End::Cancel => assert!(run().is_err()),
                End::Commit => assert!(run().is_ok()),
            }
            let (model, seen) = after.unwrap();
            names = seen;
            let handlers = if matches!(end, End::Commit) {
                committed = model;
                std::mem::take(&mut committed.handlers)
            } else {
                vec![]
            };
            assert_eq!(ran.take(), handlers);
            world.review(&committed);
        }
    }
}
