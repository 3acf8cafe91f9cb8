//! The derive of the crate `upgradable`.
//!
//! Four steps: `attr` reads the attributes, `ast` says what they make of the type, `valid` finds
//! what they must not say together, `expand` writes the code. Errors are collected and reported
//! at once; with any, `fallback` writes an implementation that satisfies the rest of the program,
//! so that the user sees those errors and no others.

mod ast;
mod attr;
mod ctxt;
mod expand;
mod fallback;
mod symbol;
mod valid;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a type a version of its lineage, with the transformer from its predecessor.
#[doc = include_str!("../grammar.md")]
#[proc_macro_derive(Upgradable, attributes(upgrade))]
pub fn derive_upgradable(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    expand::derive(&input).into()
}
