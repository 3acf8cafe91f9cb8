//! What only this module can do to a queue: take its chunks away, and put them in disorder. And a
//! comparison with the standard library's queue, with small chunks.

use std::collections::VecDeque;

use proptest::prelude::*;
use upgradable_derive::Upgradable;

use super::node::{CHUNK, Chunk, Head, Root, Tail};
use super::{CheckError, Queue};
use crate::access::AccessError;
use crate::object::Ref;
use crate::{Heap, Tx};

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Job", crate = crate)]
struct Job(u64);

fn filled(heap: &Heap) -> Queue<Job> {
    heap.atomically(|tx| {
        let jobs = Queue::create(tx)?;
        jobs.extend(tx, (0..CHUNK as u64 * 5).map(Job))?;
        jobs.pop(tx)?;
        Ok(jobs)
    })
    .unwrap()
}

/// The chunk with this number.
fn chunk(tx: &Tx<'_>, jobs: Queue<Job>, number: usize) -> Ref<Chunk> {
    let head = Ref::<Head>::new(tx.read(jobs.root).unwrap().head);
    let mut chunk = Ref::<Chunk>::new(tx.read(head).unwrap().chunk);
    for _ in 0..number {
        chunk = Ref::new(tx.read(chunk).unwrap().next.expect("there is another one"));
    }
    chunk
}

#[test]
fn a_queue_without_one_of_its_chunks_gives_errors() {
    let heap = Heap::new();
    let jobs = filled(&heap);
    heap.atomically(|tx| Ok(tx.delete(chunk(tx, jobs, 2))?)).unwrap();
    let gone = AccessError::Deleted;
    heap.snapshot(|s| {
        let all: Vec<_> = jobs.iter(s).map(|job| job.map(drop)).collect();
        assert_eq!(all.len(), 2 * CHUNK - 1 + 1);
        assert_eq!(all.last(), Some(&Err(gone.clone())));
        assert_eq!(jobs.check(s), Err(CheckError::Access(gone.clone())));
    });
    let ended = heap.atomically(|tx| {
        while jobs.pop_ref(tx)?.is_some() {}
        Ok(())
    });
    assert_eq!(ended.unwrap_err().access(), Some(&gone));
    let ended = heap.atomically(|tx| Ok(jobs.clear_refs(tx)?));
    assert_eq!(ended.unwrap_err().access(), Some(&gone));
}

#[test]
fn planted_faults_are_found() {
    type Plant = fn(&mut Chunk);
    let plants: [(usize, Plant, &str); 5] = [
        (0, |chunk| chunk.values.clear(), "more values are gone than there were"),
        (1, |chunk| chunk.values.truncate(1), "a chunk has one behind it and is not full"),
        (2, |chunk| chunk.before += 1, "a chunk does not begin where the one before it ends"),
        (4, |chunk| chunk.values.clear(), "a chunk does not begin where the one before it ends"),
        (3, |chunk| chunk.next = None, "pushes do not go into the last chunk"),
    ];
    for (number, plant, what) in plants {
        let heap = Heap::new();
        let jobs = filled(&heap);
        assert_eq!(heap.snapshot(|s| jobs.check(s)), Ok(()));
        heap.atomically(|tx| Ok(tx.modify(chunk(tx, jobs, number), plant)?)).unwrap();
        assert_eq!(heap.snapshot(|s| jobs.check(s)), Err(CheckError::Broken(what)));
    }
    // A ring is no way to make anybody go round for ever.
    let heap = Heap::new();
    let jobs = filled(&heap);
    heap.atomically(|tx| {
        let first = chunk(tx, jobs, 0).handle();
        Ok(tx.modify(chunk(tx, jobs, 3), |chunk| chunk.next = Some(first))?)
    })
    .unwrap();
    let what = "a chunk does not begin where the one before it ends";
    heap.snapshot(|s| {
        assert_eq!(jobs.check(s), Err(CheckError::Broken(what)));
        assert_eq!(jobs.iter_refs(s).last(), Some(Err(AccessError::Foreign)));
    });
    let ended = heap.atomically(|tx| Ok(jobs.clear_refs(tx)?));
    assert_eq!(ended.unwrap_err().access(), Some(&AccessError::Deleted));
}

#[derive(Clone, Debug)]
enum Op {
    Push(u64),
    PushMany(u64),
    Pop,
    PopMany(u64),
    /// Pops while an iterator goes over the queue.
    PopWhileIterating(u64),
    Clear,
}

fn op() -> impl Strategy<Value = Op> {
    prop_oneof![
        6 => any::<u64>().prop_map(Op::Push),
        2 => (0..20_u64).prop_map(Op::PushMany),
        6 => Just(Op::Pop),
        2 => (0..20_u64).prop_map(Op::PopMany),
        2 => (0..9_u64).prop_map(Op::PopWhileIterating),
        1 => Just(Op::Clear),
    ]
}

fn apply(tx: &Tx<'_>, queue: Queue<Job>, model: &mut VecDeque<u64>, op: &Op) {
    let pop = || queue.pop(tx).unwrap().map(|job| job.0);
    match *op {
        Op::Push(value) => {
            queue.push(tx, Job(value)).unwrap();
            model.push_back(value);
        }
        Op::PushMany(count) => {
            queue.extend(tx, (0..count).map(Job)).unwrap();
            model.extend(0..count);
        }
        Op::Pop => assert_eq!(pop(), model.pop_front()),
        Op::PopMany(count) => (0..count).for_each(|_| assert_eq!(pop(), model.pop_front())),
        Op::PopWhileIterating(each) => {
            // What comes is what is left when it comes, or was left in its chunk.
            for job in queue.iter_refs(tx) {
                job.unwrap();
                for _ in 0..each {
                    assert_eq!(pop(), model.pop_front());
                }
            }
        }
        Op::Clear => {
            queue.clear(tx).unwrap();
            model.clear();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn it_is_what_the_standard_queue_is(
        transactions in prop::collection::vec(prop::collection::vec(op(), 1..12), 1..20),
    ) {
        let heap = Heap::new();
        let queue = heap.atomically(|tx| Ok(Queue::create(tx)?)).unwrap();
        let mut model = VecDeque::new();
        for ops in &transactions {
            heap.atomically(|tx| {
                ops.iter().for_each(|op| apply(tx, queue, &mut model, op));
                Ok(())
            }).unwrap();
            heap.snapshot(|s| {
                assert_eq!(queue.check(s), Ok(()));
                assert_eq!(queue.len(s), Ok(model.len()));
                assert_eq!(queue.is_empty(s), Ok(model.is_empty()));
                assert_eq!(queue.peek(s).unwrap().map(|job| job.0), model.front().copied());
                assert!(queue.iter(s).map(|job| job.unwrap().0).eq(model.iter().copied()));
                assert!(s.objects::<Chunk>().count() <= model.len() / CHUNK + 3);
            });
        }
        heap.atomically(|tx| Ok(queue.delete(tx)?)).unwrap();
        heap.snapshot(|s| {
            assert_eq!(s.objects::<Job>().count(), 0);
            assert_eq!(s.objects::<Chunk>().count(), 0);
            assert_eq!(s.objects::<Head>().count() + s.objects::<Tail>().count(), 0);
            assert_eq!(s.objects::<Root>().count(), 0);
        });
    }
}
