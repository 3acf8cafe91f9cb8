//! What is answered.

use std::borrow::Cow;
use std::sync::Arc;

/// An answer, before anything is known of the version of the protocol.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Reply {
    /// A short text of the program's own, like `OK`.
    Status(&'static str),
    /// An error: its code, and what is wrong. It may have words of the client in it.
    Error(Cow<'static, [u8]>),
    Integer(i64),
    /// A bulk of the digits of a number.
    Digits(i64),
    Double(f64),
    Bulk(Arc<[u8]>),
    Text(Cow<'static, str>),
    /// A text for people.
    Verbatim(String),
    Null,
    /// What stands where an array might.
    NullArray,
    Array(Vec<Self>),
    Set(Vec<Self>),
    Map(Vec<(Self, Self)>),
    /// Pairs in an order: one array in the second version, an array of arrays in the third.
    Pairs(Vec<(Self, Self)>),
}

impl Reply {
    pub(crate) const OK: Self = Self::Status("OK");

    pub(crate) fn bulk(bytes: &[u8]) -> Self {
        Self::Bulk(bytes.into())
    }

    pub(crate) fn text(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Text(text.into())
    }

    pub(crate) fn error(text: impl Into<Cow<'static, str>>) -> Self {
        Self::Error(match text.into() {
            Cow::Borrowed(text) => Cow::Borrowed(text.as_bytes()),
            Cow::Owned(text) => Cow::Owned(text.into_bytes()),
        })
    }

    /// How many there are.
    pub(crate) fn count(count: usize) -> Self {
        Self::Integer(i64::try_from(count).unwrap_or(i64::MAX))
    }

    /// One for yes, zero for no.
    pub(crate) fn yes(yes: bool) -> Self {
        Self::Integer(yes.into())
    }

    pub(crate) fn is_error(&self) -> bool {
        matches!(self, Self::Error(_))
    }
}
