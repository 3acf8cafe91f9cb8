//! How a command ends without a result.

use std::borrow::Cow;

use upgradable::AccessError;

use crate::resp::Reply;

/// Why a command was not carried out. It has changed nothing.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The client has asked for something that does not go.
    Refused(Cow<'static, [u8]>),
    /// The heap does not give an object.
    Access(AccessError),
}

/// What a command answers.
pub(crate) type Outcome = Result<Reply, Fault>;

impl From<AccessError> for Fault {
    fn from(error: AccessError) -> Self {
        Self::Access(error)
    }
}

impl From<&'static str> for Fault {
    fn from(text: &'static str) -> Self {
        Self::Refused(text.as_bytes().into())
    }
}

impl From<Vec<u8>> for Fault {
    fn from(text: Vec<u8>) -> Self {
        Self::Refused(text.into())
    }
}

impl From<String> for Fault {
    fn from(text: String) -> Self {
        text.into_bytes().into()
    }
}

/// A refusal is an answer like any other.
pub(crate) fn answer(outcome: Outcome) -> Result<Reply, AccessError> {
    match outcome {
        Ok(reply) => Ok(reply),
        Err(Fault::Refused(text)) => Ok(Reply::Error(text)),
        Err(Fault::Access(error)) => Err(error),
    }
}

pub(crate) const WRONG_TYPE: &str =
    "WRONGTYPE Operation against a key holding the wrong kind of value";
pub(crate) const NOT_AN_INTEGER: &str = "ERR value is not an integer or out of range";
pub(crate) const OVERFLOW: &str = "ERR increment or decrement would overflow";
pub(crate) const SYNTAX: &str = "ERR syntax error";

/// The number of words does not go with the command.
pub(crate) fn wrong_arity(command: &str) -> String {
    format!("ERR wrong number of arguments for '{command}' command")
}

/// A time that can't be.
pub(crate) fn bad_expire(command: &str) -> String {
    format!("ERR invalid expire time in '{command}' command")
}
