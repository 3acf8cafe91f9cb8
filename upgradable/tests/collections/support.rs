//! Values, and interleavings that come out the same every time.

use std::thread;

use upgradable::{Abort, Heap, Stm, Tx, Upgradable};

#[derive(Upgradable, Clone, Debug, PartialEq)]
#[upgrade(name = "test.Tag")]
pub(crate) struct Tag(pub(crate) u64);

/// Runs one transaction, and in the middle of its first execution, on another thread, a second
/// one. Says how many executions the first one lost to conflicts.
pub(crate) fn conflicts<R: Send>(
    heap: &Heap,
    first: impl Fn(&Tx<'_>) -> Stm<R>,
    second: impl Fn(&Tx<'_>) -> Stm<R> + Sync,
) -> u32 {
    let mut executions = 0;
    let outcome = heap.transaction().run(|tx| {
        first(tx).map_err(Abort::<()>::from)?;
        executions += 1;
        if executions == 1 {
            thread::scope(|scope| {
                scope.spawn(|| heap.atomically(&second).expect("nobody is in its way"));
            });
        }
        Ok(())
    });
    outcome.expect("it commits in the end").conflicts
}
