//! The code.
//!
//! Rules for all of it, since it stands in the user's module among the user's names:
//!
//! - every path begins at the library's hidden module, which re-exports also what is otherwise
//!   in the prelude: a user may have a type called `Result` or `u32`;
//! - trait methods are called by path, or have names that nobody else would give: a user's trait
//!   may have a method `get` for all types;
//! - local names are hygienic (`mixed_site`), so that the user's expressions cannot see them;
//! - the user's tokens keep their spans, and code that fails because of a token has its span.

mod carry;
mod generics;
mod transformer;
mod unchanged;
mod upgradable;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::ext::IdentExt;
use syn::{DeriveInput, Member, Path};

pub(crate) use self::generics::bounded;
use crate::ast::Input;
use crate::ctxt::Ctxt;
use crate::{fallback, valid};

/// Everything.
pub(crate) fn derive(original: &DeriveInput) -> TokenStream {
    let cx = Ctxt::new();
    let input = Input::read(&cx, original);
    if let Some(input) = &input
        && cx.is_clean()
    {
        valid::check(&cx, input);
    }
    match (&input, cx.check()) {
        (Some(input), Ok(())) => expand(input),
        (_, errors) => {
            let errors = errors.err().map(syn::Error::into_compile_error);
            let fallback = fallback::expand(original, input.as_ref().map(|input| &input.attrs));
            quote!(#errors #fallback)
        }
    }
}

fn expand(input: &Input<'_>) -> TokenStream {
    let names = Names::new(input.attrs.krate.as_ref().map(|krate| &krate.value));
    let private = &names.private;
    let description = upgradable::expand(&names, input);
    let unchanged = unchanged::expand(&names, input);
    let transformer = transformer::expand(&names, input);
    // Old types and fields may well be deprecated; whoever derives the next version knows.
    quote! {
        #[allow(deprecated)]
        const _: () = {
            use #private::{
                BackByRef as _, BackByTarget as _, BackByValue as _, BackOnto as _,
                ComputeOfOld as _, ComputeWithCx as _, NoEquality as _, NoVersion as _,
                OpaqueShape as _, PairBothWays as _, PairByFrom as _, PairOfOne as _,
                PairOfUpgrade as _, WithByRef as _, WithByTarget as _, WithByValue as _,
            };
            #description
            #unchanged
            #transformer
        };
    }
}

/// Names in generated code.
pub(crate) struct Names {
    /// The library's hidden module.
    pub(crate) private: TokenStream,
    pub(crate) old: Ident,
    pub(crate) new: Ident,
    pub(crate) cx: Ident,
    pub(crate) flip: Ident,
    pub(crate) partner: Ident,
}

impl Names {
    pub(crate) fn new(krate: Option<&Path>) -> Self {
        let private = concat!("__private", env!("CARGO_PKG_VERSION_PATCH"));
        let private = Ident::new(private, Span::call_site());
        let krate = krate.map_or_else(|| quote!(::upgradable), ToTokens::to_token_stream);
        Self {
            private: quote!(#krate::#private),
            old: local("old"),
            new: local("new"),
            cx: local("cx"),
            flip: local("flip"),
            partner: local("partner"),
        }
    }
}

impl Names {
    /// The library's hidden module, for code that is to blame on the tokens at `span`.
    pub(crate) fn private_at(&self, span: Span) -> TokenStream {
        let tokens = self.private.clone().into_iter().map(|mut token| {
            token.set_span(span);
            token
        });
        tokens.collect()
    }
}

/// A local variable that only generated code sees.
pub(crate) fn local(name: &str) -> Ident {
    Ident::new(&format!("__upgradable_{name}"), Span::mixed_site())
}

/// A local variable, as it is named in code that is to blame on the tokens at `span`.
pub(crate) fn at(local: &Ident, span: Span) -> Ident {
    Ident::new(&local.to_string(), local.span().located_at(span))
}

/// The local variable of a field.
pub(crate) fn binding(member: &Member) -> Ident {
    local(&format!("field_{}", plain(member)))
}

/// A member's name for people.
pub(crate) fn plain(member: &Member) -> String {
    match member {
        Member::Named(ident) => ident.unraw().to_string(),
        Member::Unnamed(index) => index.index.to_string(),
    }
}
