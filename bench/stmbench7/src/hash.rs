//! FNV-1a with 64 bits, over 32-bit numbers: what results and structures are compared by.

/// A hash under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Fnv(u64);

impl Fnv {
    pub(crate) fn new() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }

    /// Feeds a number, low byte first.
    #[inline]
    pub(crate) fn feed(&mut self, number: i32) {
        for byte in number.to_le_bytes() {
            self.0 = (self.0 ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
        }
    }

    /// Feeds an id or a count.
    #[inline]
    pub(crate) fn feed_id(&mut self, id: u32) {
        self.feed(id as i32);
    }

    pub(crate) fn finish(self) -> u64 {
        self.0
    }
}
