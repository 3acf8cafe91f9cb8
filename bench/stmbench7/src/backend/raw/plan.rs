//! Which locks the medium-grained back end takes for which operation.

use crate::backend::Work;
use crate::ops::Op;

/// How a lock is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Take {
    No,
    Read,
    Write,
}

/// The locks of an operation, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Plan {
    pub(super) structure: Take,
    pub(super) manual: Take,
    pub(super) bases: Take,
    pub(super) composites: Take,
    pub(super) documents: Take,
    pub(super) atomics: Take,
    /// All levels of complex assemblies, from the root down.
    pub(super) complexes: Take,
    /// One level, at the first use of one of its assemblies.
    pub(super) one_level: Take,
}

impl Plan {
    const READ: Self = Self {
        structure: Take::Read,
        manual: Take::No,
        bases: Take::No,
        composites: Take::No,
        documents: Take::No,
        atomics: Take::No,
        complexes: Take::No,
        one_level: Take::No,
    };

    /// Nothing else is needed where the structure is written.
    const ALL: Self = Self { structure: Take::Write, ..Self::READ };

    pub(super) fn of(work: Work) -> Self {
        use Op::*;
        use Take::{Read, Write};
        let Work::Op(op) = work else { return Self::ALL };
        match op {
            SM1 | SM2 | SM3 | SM4 | SM5 | SM6 | SM7 | SM8 => Self::ALL,
            T1 | T6 | Q7 | ST1 | ST9 | OP1 | OP2 | OP3 => Self { atomics: Read, ..Self::READ },
            T2a | T2b | T2c | T3a | T3b | T3c | ST6 | ST10 | OP9 | OP10 | OP15 => {
                Self { atomics: Write, ..Self::READ }
            }
            T4 | ST2 => Self { documents: Read, ..Self::READ },
            T5 | ST7 => Self { documents: Write, ..Self::READ },
            Q6 => Self { bases: Read, composites: Read, complexes: Read, ..Self::READ },
            ST3 => Self { bases: Read, complexes: Read, ..Self::READ },
            ST4 => Self { bases: Read, documents: Read, ..Self::READ },
            ST5 => Self { bases: Read, composites: Read, ..Self::READ },
            ST8 => Self { bases: Write, complexes: Write, ..Self::READ },
            OP4 | OP5 => Self { manual: Read, ..Self::READ },
            OP11 => Self { manual: Write, ..Self::READ },
            OP6 => Self { one_level: Read, ..Self::READ },
            OP12 => Self { one_level: Write, ..Self::READ },
            OP7 => Self { bases: Read, ..Self::READ },
            OP13 => Self { bases: Write, ..Self::READ },
            OP8 => Self { composites: Read, ..Self::READ },
            OP14 => Self { composites: Write, ..Self::READ },
        }
    }
}
