//! Write skew: two transactions read the same and write different things; each alone keeps the
//! rule, together they break it. Snapshot isolation lets it pass.

use std::sync::Barrier;
use std::thread;

use upgradable_stm::{Domain, Handle, TVar, Tx};

use super::watched;

/// Both doctors look who is on call, and then, if both are, each goes off call.
fn doctors(
    is_on_call: impl Fn(&Tx<'_>, usize) -> bool + Sync,
    leave: impl Fn(&Tx<'_>, usize) + Sync,
    domain: &Domain,
) {
    let looked = Barrier::new(2);
    let runs = thread::scope(|scope| {
        let (is_on_call, leave, looked) = (&is_on_call, &leave, &looked);
        let doctor = |me| {
            move || {
                let mut runs = 0;
                domain.atomically(|tx| {
                    runs += 1;
                    let on_call = [0, 1].map(|who| is_on_call(tx, who));
                    if runs == 1 {
                        looked.wait();
                        assert_eq!(on_call, [true; 2]);
                    }
                    if on_call == [true; 2] {
                        leave(tx, me);
                    }
                    Ok(())
                });
                runs
            }
        };
        let doctors = [0, 1].map(|me| scope.spawn(doctor(me)));
        doctors.map(|doctor| doctor.join().unwrap()).iter().sum::<u32>()
    });
    assert!(runs >= 3, "one of the two had to look again");
}

#[test]
fn one_doctor_stays_on_call() {
    watched(|| {
        for _ in 0..200 {
            let domain = Domain::new();
            let on_call: [TVar<bool>; 2] = [(); 2].map(|()| domain.tvar(true));
            doctors(
                |tx, who| *tx.read(&on_call[who]),
                |tx, me| tx.write(&on_call[me], false),
                &domain,
            );
            let left = domain.snapshot(|s| on_call.iter().filter(|var| *s.read(var)).count());
            assert_eq!(left, 1);
        }
    });
}

#[test]
fn one_doctor_stays_on_call_who_is_named_by_a_handle() {
    watched(|| {
        for _ in 0..200 {
            let domain = Domain::new();
            let on_call: [Handle; 2] =
                domain.atomically(|tx| Ok([(); 2].map(|()| tx.create(true))));
            doctors(
                |tx, who| *tx.get::<bool>(on_call[who]).unwrap(),
                |tx, me| tx.put(on_call[me], false).unwrap(),
                &domain,
            );
            let is_on_call = |name: &Handle| domain.snapshot(|s| *s.get::<bool>(*name).unwrap());
            assert_eq!(on_call.iter().filter(|name| is_on_call(name)).count(), 1);
        }
    });
}

/// To be on call is to be there at all.
#[test]
fn one_doctor_is_left_who_is_not_deleted() {
    watched(|| {
        for _ in 0..200 {
            let domain = Domain::new();
            let names: [Handle; 2] =
                domain.atomically(|tx| Ok([tx.create("Ada"), tx.create("Bob")]));
            doctors(
                |tx, who| tx.get::<&str>(names[who]).is_ok(),
                |tx, me| tx.delete(names[me]).unwrap(),
                &domain,
            );
            assert_eq!(domain.snapshot(|s| s.handles().count()), 1);
        }
    });
}

/// Three rules in a circle: each one reads its neighbour's and writes its own.
#[test]
fn a_circle_of_three_has_no_skew_either() {
    watched(|| {
        for _ in 0..200 {
            let domain = Domain::new();
            let vars: [TVar<u32>; 3] = [(); 3].map(|()| domain.tvar(0));
            let looked = Barrier::new(3);
            thread::scope(|scope| {
                for me in 0..3 {
                    let (domain, vars, looked) = (&domain, &vars, &looked);
                    scope.spawn(move || {
                        let mut run = 0;
                        domain.atomically(|tx| {
                            run += 1;
                            let neighbour = *tx.read(&vars[(me + 1) % 3]);
                            if run == 1 {
                                looked.wait();
                            }
                            Ok(tx.write(&vars[me], neighbour + 1))
                        });
                    });
                }
            });
            // In whichever order: the first sees 0, and the last one its neighbour's, or not.
            let mut seen = domain.snapshot(|s| [0, 1, 2].map(|n| *s.read(&vars[n])));
            seen.sort_unstable();
            assert!(matches!(seen, [1, 1, 2] | [1, 2, 3]), "{seen:?} is no serial outcome");
        }
    });
}
