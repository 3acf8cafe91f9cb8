//! `impl Upgradable` and `impl Shape`: what the type is.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::{self, Visit};
use syn::{GenericParam, Type};

use super::generics::bounds;
use super::{Names, plain};
use crate::ast::{Data, Field, Input};
use crate::attr::Set;

pub(crate) fn expand(names: &Names, input: &Input<'_>) -> TokenStream {
    let private = &names.private;
    let ident = input.ident;
    let generics = bounds(private, input);
    let (impl_generics, ty_generics, where_clause) = generics.split_for_impl();
    let lineage = lineage(names, input);
    let version = version(names, input);
    let fingerprint = fingerprint(names, input);
    let checks = checks(names, input);
    let previous = match &input.attrs.from {
        Some(Set { value: from, .. }) => quote_spanned!(from.span()=> type Prev = #from;),
        None => quote!(type Prev = #private::Origin;),
    };
    // Constants of generic types are not computed before somebody asks; others are at once.
    let (inside, outside) = if input.generics.params.is_empty() {
        (None, Some(quote!(#private::submit!(#ident);)))
    } else {
        (Some(quote!(#(#checks)*)), None)
    };
    let checks = outside.is_some().then(|| quote!(#(const _: () = { #checks };)*));
    quote! {
        #[automatically_derived]
        impl #impl_generics #private::Upgradable for #ident #ty_generics #where_clause {
            const LINEAGE: &'static #private::str = #lineage;
            const VERSION: #private::u32 = #version;
            const FINGERPRINT: #private::Fingerprint = { #inside #fingerprint };
            #previous
        }
        #[automatically_derived]
        impl #impl_generics #private::Shape for #ident #ty_generics #where_clause {
            const NAME: &'static #private::str = #private::name_of_version::<Self>();
            const OUTLINE: #private::Fingerprint = #private::outline_of_version::<Self>();
            const SHAPE: #private::Fingerprint = #private::shape_of_version::<Self>();
        }
        #checks
        #outside
    }
}

/// The name: as written, or the predecessor's, or the type's; with its arguments.
fn lineage(names: &Names, input: &Input<'_>) -> TokenStream {
    let private = &names.private;
    if let (None, Some(from)) = (&input.attrs.name, &input.attrs.from) {
        let from = &from.value;
        return quote!(#private::lineage_of(<#private::Probe<#from>>::__UPGRADABLE_LINEAGE));
    }
    let base = match &input.attrs.name {
        Some(name) => name.value.to_token_stream(),
        None => input.ident.unraw().to_string().to_token_stream(),
    };
    let arguments = input.generics.params.iter().filter_map(|param| match param {
        GenericParam::Lifetime(_) => None,
        GenericParam::Type(param) => {
            let ident = &param.ident;
            Some(quote!(.text(<#ident as #private::Shape>::NAME)))
        }
        GenericParam::Const(param) => {
            let ident = &param.ident;
            Some(quote!(.number(#ident as #private::i128)))
        }
    });
    let mut arguments = arguments.peekable();
    if arguments.peek().is_none() {
        return base;
    }
    let separators = std::iter::once("<").chain(std::iter::repeat(", "));
    let arguments = arguments.zip(separators).map(|(name, comma)| quote!(.text(#comma)#name));
    quote!(const { &#private::name(#base) #(#arguments)* .text(">") }.as_str())
}

/// The number: as written, or the one after the predecessor's, or 1.
fn version(names: &Names, input: &Input<'_>) -> TokenStream {
    let private = &names.private;
    match (&input.attrs.version, &input.attrs.from) {
        (Some(version), _) => {
            let number = version.value.value;
            quote!(#number)
        }
        (None, Some(from)) => {
            let from = &from.value;
            quote!(#private::version_after(<#private::Probe<#from>>::__UPGRADABLE_NUMBER))
        }
        (None, None) => quote!(1),
    }
}

/// That the predecessor is of the same lineage, and earlier.
fn checks(names: &Names, input: &Input<'_>) -> Vec<TokenStream> {
    let private = &names.private;
    let Some(from) = &input.attrs.from else { return Vec::new() };
    let from = &from.value;
    let ident = input.ident;
    let (_, ty_generics, _) = input.generics.split_for_impl();
    let shown = show(from).replace('{', "{{").replace('}', "}}");
    let mut checks = Vec::new();
    if let Some(name) = &input.attrs.name {
        let message = format!("`{shown}` is not of the lineage \"{}\"", name.value.value());
        let span = name.value.span();
        let blamed = names.private_at(span);
        checks.push(quote_spanned! {span=>
            #blamed::assert!(
                #private::one_lineage::<#ident #ty_generics>(
                    <#private::Probe<#from>>::__UPGRADABLE_LINEAGE
                ),
                #message
            );
        });
    }
    if let Some(version) = &input.attrs.version {
        let number = version.value.value;
        let message = format!("`{shown}` is version {number} or later, so {number} cannot follow");
        let span = version.value.literal.span();
        let blamed = names.private_at(span);
        checks.push(quote_spanned! {span=>
            #blamed::assert!(
                #private::later::<#ident #ty_generics>(
                    <#private::Probe<#from>>::__UPGRADABLE_NUMBER
                ),
                #message
            );
        });
    }
    checks
}

fn fingerprint(names: &Names, input: &Input<'_>) -> TokenStream {
    let private = &names.private;
    match &input.data {
        Data::Struct(fields) => {
            let fields = fields.iter().map(|field| {
                let member = &field.member;
                described(names, field, &quote!(#private::offset_of!(Self, #member)))
            });
            quote!(#private::FingerprintBuilder::structure::<Self>() #(#fields)* .finish())
        }
        Data::Enum(variants) => {
            let variants = variants.iter().map(|variant| {
                let name = variant.ident.unraw().to_string();
                let fields = variant.fields.iter().map(|field| described(names, field, &quote!(0)));
                quote!(.variant(#name) #(#fields)*)
            });
            quote!(#private::FingerprintBuilder::enumeration::<Self>() #(#variants)* .finish())
        }
    }
}

/// One field's part of the fingerprint.
fn described(names: &Names, field: &Field<'_>, offset: &TokenStream) -> TokenStream {
    let private = &names.private;
    let (name, ty) = (plain(&field.member), field.ty);
    let written = show(ty);
    let mut arguments = Arguments(Vec::new());
    arguments.visit_type(ty);
    let arguments = arguments.0;
    quote! {
        .field::<#ty>(#name, #offset, #private::shape_of_field::<#ty>(
            <#private::Probe<#ty>>::__UPGRADABLE_SHAPE,
            #written,
            &[#(<#private::Probe<#arguments>>::__UPGRADABLE_OUTLINE),*],
        ))
    }
}

/// The type arguments within a type, at any depth.
struct Arguments<'ast>(Vec<&'ast Type>);

impl<'ast> Visit<'ast> for Arguments<'ast> {
    fn visit_generic_argument(&mut self, argument: &'ast syn::GenericArgument) {
        if let syn::GenericArgument::Type(ty) = argument {
            self.0.push(ty);
        }
        visit::visit_generic_argument(self, argument);
    }

    // The parts of these are no types on their own.
    fn visit_type_fn_ptr(&mut self, _: &'ast syn::TypeFnPtr) {}
    fn visit_type_param_bound(&mut self, _: &'ast syn::TypeParamBound) {}
}

/// A type as it is written, without spaces and without the way to it: `Vec<Money>`. Moving a
/// type to another module does not change what it looks like.
fn show(ty: &impl ToTokens) -> String {
    let mut shown = String::new();
    append(&mut shown, ty.to_token_stream());
    shown
}

fn append(shown: &mut String, tokens: TokenStream) {
    let mut tokens = tokens.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Ident(ident) => {
                let at_word = shown.ends_with(|c: char| c.is_alphanumeric() || c == '_');
                if at_word {
                    shown.push(' ');
                }
                shown.push_str(&ident.to_string());
            }
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => ("", ""),
                };
                shown.push_str(open);
                append(shown, group.stream());
                shown.push_str(close);
            }
            TokenTree::Punct(punct) if punct.as_char() == ':' => {
                let is_path =
                    matches!(tokens.peek(), Some(TokenTree::Punct(p)) if p.as_char() == ':');
                if is_path {
                    tokens.next();
                    let start = shown
                        .rfind(|c: char| !(c.is_alphanumeric() || c == '_' || c == '#'))
                        .map_or(0, |at| at + 1);
                    shown.truncate(start);
                } else {
                    shown.push(':');
                }
            }
            other => shown.push_str(&other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::show;

    #[test]
    fn types_are_shown_without_their_modules() {
        let shown = |ty: syn::Type| show(&ty);
        assert_eq!(shown(parse_quote!(crate::money::Money)), "Money");
        assert_eq!(shown(parse_quote!(Vec<::std::option::Option<a::B>>)), "Vec<Option<B>>");
        assert_eq!(shown(parse_quote!([(a::B, u8); 3])), "[(B,u8);3]");
        assert_eq!(shown(parse_quote!(Box<dyn a::T + Send>)), "Box<dyn T+Send>");
        assert_eq!(shown(parse_quote!(&'static str)), "&'static str");
    }
}
