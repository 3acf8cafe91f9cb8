//! Heap memory of a variable, its handle in the back end's array included.

use super::Task;
use crate::backend::Backend;
use crate::measure::Metric;
use crate::raw;

/// Variables counted over, enough to make the fixed parts of a back end vanish.
const VARS: usize = 100_000;

/// Counts the memory of new variables, and again when each was updated once.
pub(crate) fn bytes<B: Backend + 'static>() -> Task {
    Box::new(|| {
        let values = vec![1; VARS];
        let (backend, new) = raw::count(|| B::new(&values));
        let ((), update) = raw::count(|| {
            let mut local = backend.local();
            (0..VARS).for_each(|index| backend.add(&mut local, index, 1));
            // Some more work on one variable, for those who collect garbage as they go.
            (0..VARS / 100).for_each(|_| backend.add(&mut local, 0, 1));
        });
        let per_var = |count: i64| Some(count as f64 / VARS as f64);
        vec![
            (Metric::Bytes, per_var(new.bytes)),
            (Metric::Blocks, per_var(new.blocks)),
            (Metric::BytesUpdated, per_var(new.bytes + update.bytes)),
        ]
    })
}

#[cfg(test)]
mod tests {
    use super::bytes;
    use crate::backend::plain::Plain;
    use crate::measure::Metric;

    #[test]
    fn a_plain_variable_is_eight_bytes() {
        let readings = bytes::<Plain>()();
        assert_eq!(readings[0], (Metric::Bytes, Some(8.0)));
        assert_eq!(readings[2], (Metric::BytesUpdated, Some(8.0)));
    }
}
