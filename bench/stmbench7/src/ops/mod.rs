//! The 45 operations.

mod operations;
mod queries;
mod short;
mod structural;
mod traversals;
mod walk;

use std::fmt;

use rustc_hash::FxHashSet;

use crate::backend::{Read, Stop, Write};
use crate::params::Params;
use crate::random::Random;
use crate::schema::Schema;

pub(crate) use walk::Assembly;

/// What an operation returns: a number, or that it failed.
pub(crate) type Outcome<E> = Result<i32, Stop<E>>;

/// The four kinds of operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Category {
    LongTraversal,
    ShortTraversal,
    Operation,
    Structural,
}

macro_rules! ops {
    ($($op:ident $category:ident $read_only:literal)*) => {
        /// An operation, by the name that the specification gives it. In the order of the
        /// distribution that they are drawn from.
        #[allow(
            clippy::upper_case_acronyms,
            non_camel_case_types,
            reason = "the specification's names"
        )]
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub(crate) enum Op {
            $($op,)*
        }

        impl Op {
            pub(crate) const ALL: [Self; Self::COUNT] = [$(Self::$op,)*];

            pub(crate) fn name(self) -> &'static str {
                match self {
                    $(Self::$op => stringify!($op),)*
                }
            }

            pub(crate) fn category(self) -> Category {
                match self {
                    $(Self::$op => Category::$category,)*
                }
            }

            /// Whether it is declared read-only: by the operation, not by what it comes to.
            pub(crate) fn is_read_only(self) -> bool {
                match self {
                    $(Self::$op => $read_only,)*
                }
            }
        }
    };
}

ops! {
    T1 LongTraversal true
    T2a LongTraversal false
    T2b LongTraversal false
    T2c LongTraversal false
    T3a LongTraversal false
    T3b LongTraversal false
    T3c LongTraversal false
    T4 LongTraversal true
    T5 LongTraversal false
    T6 LongTraversal true
    Q6 LongTraversal true
    Q7 LongTraversal true
    ST1 ShortTraversal true
    ST2 ShortTraversal true
    ST3 ShortTraversal true
    ST4 ShortTraversal true
    ST5 ShortTraversal true
    ST6 ShortTraversal false
    ST7 ShortTraversal false
    ST8 ShortTraversal false
    ST9 ShortTraversal true
    ST10 ShortTraversal false
    OP1 Operation true
    OP2 Operation true
    OP3 Operation true
    OP4 Operation true
    OP5 Operation true
    OP6 Operation true
    OP7 Operation true
    OP8 Operation true
    OP9 Operation false
    OP10 Operation false
    OP11 Operation false
    OP12 Operation false
    OP13 Operation false
    OP14 Operation false
    OP15 Operation false
    SM1 Structural false
    SM2 Structural false
    SM3 Structural false
    SM4 Structural false
    SM5 Structural false
    SM6 Structural false
    SM7 Structural false
    SM8 Structural false
}

impl Op {
    pub(crate) const COUNT: usize = 45;

    /// Its place in the table, from 0.
    pub(crate) fn number(self) -> usize {
        self as usize
    }
}

impl fmt::Display for Op {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// What a thread brings to its operations.
#[derive(Clone, Debug)]
pub(crate) struct Worker {
    pub(crate) params: Params,
    pub(crate) random: Random,
    pub(crate) scratch: Scratch,
}

/// Room that is used again by every operation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scratch {
    stack: Vec<u64>,
    seen: FxHashSet<u64>,
    title: String,
}

impl Worker {
    pub(crate) fn new(params: Params, seed: u64) -> Self {
        Self { params, random: Random::new(seed), scratch: Scratch::default() }
    }

    fn composite_id(&mut self) -> u32 {
        self.random.draw(self.params.max_composites()) as u32 + 1
    }

    fn atomic_id(&mut self) -> u32 {
        self.random.draw(self.params.max_atomics()) as u32 + 1
    }

    fn base_id(&mut self) -> u32 {
        self.random.draw(self.params.max_bases()) as u32 + 1
    }

    fn complex_id(&mut self) -> u32 {
        self.random.draw(self.params.max_complexes()) as u32 + 1
    }
}

/// Runs an operation that is declared read-only.
pub(crate) fn run_reading<S: Schema, X: Read<S>>(
    op: Op,
    tx: &X,
    worker: &mut Worker,
) -> Outcome<X::Error> {
    match op {
        Op::T1 => traversals::t1(tx, worker),
        Op::T4 => traversals::t4(tx),
        Op::T6 => traversals::t6(tx),
        Op::Q6 => queries::q6(tx),
        Op::Q7 => queries::q7(tx),
        Op::ST1 => short::st1(tx, worker),
        Op::ST2 => short::st2(tx, worker),
        Op::ST3 => short::st3(tx, worker),
        Op::ST4 => short::st4(tx, worker),
        Op::ST5 => queries::st5(tx),
        Op::ST9 => short::st9(tx, worker),
        Op::OP1 => operations::op1(tx, worker),
        Op::OP2 => operations::visit_dates(tx, 1),
        Op::OP3 => operations::visit_dates(tx, 10),
        Op::OP4 => operations::op4(tx),
        Op::OP5 => operations::op5(tx),
        Op::OP6 => operations::op6(tx, worker),
        Op::OP7 => operations::op7(tx, worker),
        Op::OP8 => operations::op8(tx, worker),
        _ => unreachable!("{op} is not declared read-only"),
    }
}

/// Runs an operation that may write.
pub(crate) fn run_writing<S: Schema, X: Write<S>>(
    op: Op,
    tx: &X,
    worker: &mut Worker,
) -> Outcome<X::Error> {
    match op {
        Op::T2a => traversals::swap(tx, worker, traversals::Which::Root, 1),
        Op::T2b => traversals::swap(tx, worker, traversals::Which::All, 1),
        Op::T2c => traversals::swap(tx, worker, traversals::Which::All, 4),
        Op::T3a => traversals::redate(tx, worker, traversals::Which::Root, 1),
        Op::T3b => traversals::redate(tx, worker, traversals::Which::All, 1),
        Op::T3c => traversals::redate(tx, worker, traversals::Which::All, 4),
        Op::T5 => traversals::t5(tx),
        Op::ST6 => short::st6(tx, worker),
        Op::ST7 => short::st7(tx, worker),
        Op::ST8 => short::st8(tx, worker),
        Op::ST10 => short::st10(tx, worker),
        Op::OP9 => operations::op9(tx, worker),
        Op::OP10 => operations::op10(tx, worker),
        Op::OP11 => operations::op11(tx),
        Op::OP12 => operations::op12(tx, worker),
        Op::OP13 => operations::op13(tx, worker),
        Op::OP14 => operations::op14(tx, worker),
        Op::OP15 => operations::op15(tx, worker),
        Op::SM1 => structural::sm1(tx, worker),
        Op::SM2 => structural::sm2(tx, worker),
        Op::SM3 => structural::sm3(tx, worker),
        Op::SM4 => structural::sm4(tx, worker),
        Op::SM5 => structural::sm5(tx, worker),
        Op::SM6 => structural::sm6(tx, worker),
        Op::SM7 => structural::sm7(tx, worker),
        Op::SM8 => structural::sm8(tx, worker),
        _ => unreachable!("{op} is declared read-only"),
    }
}

#[cfg(test)]
mod tests {
    use super::{Category, Op};

    #[test]
    fn as_many_of_each_as_the_specification_says() {
        let count = |category, read_only| {
            let alike = |op: &&Op| op.category() == category && op.is_read_only() == read_only;
            Op::ALL.iter().filter(alike).count()
        };
        assert_eq!(
            [count(Category::LongTraversal, false), count(Category::LongTraversal, true)],
            [7, 5]
        );
        assert_eq!(
            [count(Category::ShortTraversal, false), count(Category::ShortTraversal, true)],
            [4, 6]
        );
        assert_eq!([count(Category::Operation, false), count(Category::Operation, true)], [7, 8]);
        assert_eq!([count(Category::Structural, false), count(Category::Structural, true)], [8, 0]);
    }
}
