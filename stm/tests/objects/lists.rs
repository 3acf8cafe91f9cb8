//! Variables in values of variables: long chains that go all at once, on a small stack.

use std::thread;

use upgradable_stm::{Domain, Handle, TVar};

use super::census::Counted;
use super::{Census, watched};

const LEN: usize = 100_000;

/// A cell of a list.
struct Cell {
    next: Option<TVar<Cell>>,
    _counted: Counted<()>,
}

fn list(domain: &Domain, census: &Census, len: usize) -> TVar<Cell> {
    let cell = |next| domain.tvar(Cell { next, _counted: census.count(()) });
    (1..len).fold(cell(None), |next, _| cell(Some(next)))
}

/// Runs `body` with too little stack for a frame for each cell.
fn on_a_small_stack(body: impl FnOnce() + Send + 'static) {
    watched(|| {
        let small = thread::Builder::new().stack_size(256 << 10);
        small.spawn(body).unwrap().join().unwrap();
    });
}

#[test]
fn a_long_list_goes_with_its_head() {
    on_a_small_stack(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let head = list(&domain, &census, LEN);
        assert_eq!(census.alive(), LEN);
        drop(head);
        domain.reclaim();
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn a_long_list_goes_after_its_domain() {
    on_a_small_stack(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let head = list(&domain, &census, LEN);
        drop(domain);
        assert_eq!(census.alive(), LEN);
        drop(head);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn a_long_list_goes_with_the_object_that_holds_it() {
    on_a_small_stack(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let head = list(&domain, &census, LEN);
        let name: Handle = domain.atomically(|tx| Ok(tx.create(head.clone())));
        drop(head);
        domain.reclaim();
        assert_eq!(census.alive(), LEN);
        domain.atomically(|tx| Ok(tx.delete(name))).unwrap();
        domain.reclaim();
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn a_long_list_goes_with_the_domain_that_holds_it() {
    on_a_small_stack(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let head = list(&domain, &census, LEN);
        domain.atomically(|tx| Ok(tx.create(head.clone())));
        drop(head);
        drop(domain);
        assert_eq!(census.alive(), 0);
    });
}

#[test]
fn a_long_list_goes_when_a_transaction_cuts_it() {
    on_a_small_stack(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let root = domain.tvar(Some(list(&domain, &census, LEN)));
        domain.snapshot(|s| {
            domain.atomically(|tx| Ok(tx.write(&root, None)));
            domain.reclaim();
            let walk =
                std::iter::successors(s.read(&root).as_ref(), |cell| s.read(cell).next.as_ref());
            assert_eq!(walk.count(), LEN, "this snapshot sees it all");
        });
        domain.reclaim();
        assert_eq!(census.alive(), 0);
    });
}

/// A tree: each cell lets two others go.
#[test]
fn a_wide_tree_goes_with_its_root() {
    struct Node {
        _children: Vec<TVar<Node>>,
        _counted: Counted<()>,
    }
    fn tree(domain: &Domain, census: &Census, depth: u32) -> TVar<Node> {
        let children = (0..if depth == 0 { 0 } else { 8 }).map(|_| tree(domain, census, depth - 1));
        domain.tvar(Node { _children: children.collect(), _counted: census.count(()) })
    }
    on_a_small_stack(|| {
        let (domain, census) = (Domain::new(), Census::default());
        let root = tree(&domain, &census, 4);
        assert_eq!(census.alive(), 1 + 8 + 64 + 512 + 4096);
        drop(root);
        domain.reclaim();
        assert_eq!(census.alive(), 0);
    });
}
