//! One field: forward, back, and what is known of it.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Lit, Member, Path, PathArguments, Type};

use super::{Names, at, binding, local, plain};
use crate::ast::{Conversion, Field, Fresh, Init, Source};
use crate::attr::{Flatten, Function, bare_type};

/// How a field of the old value is named in a pattern: `path { member: binding, .. }`.
pub(crate) type Select<'a> = &'a dyn Fn(&Member) -> TokenStream;

/// The way to a type or variant, to stand before `{`: without the arguments of its last segment.
pub(crate) fn constructor(path: &Path) -> Path {
    let mut path = path.clone();
    if let Some(last) = path.segments.last_mut() {
        last.arguments = PathArguments::None;
    }
    path
}

/// Old fields and their bindings, in the order of the new fields.
pub(crate) fn olds(field: &Field<'_>) -> Vec<(Member, Option<Ident>)> {
    match field.source() {
        Source::Carried(carried) => {
            let bound = binding(&carried.old);
            vec![(carried.old, Some(bound))]
        }
        Source::Fresh(fresh) => fresh.ignored.map(|old| (old.clone(), None)).into_iter().collect(),
        Source::Flattened(flatten) => {
            flatten.fields.iter().map(|(_, old)| (old.clone(), Some(binding(old)))).collect()
        }
    }
}

/// `member: value?` of the new value.
pub(crate) fn forward(names: &Names, field: &Field<'_>) -> TokenStream {
    let Names { private, cx, .. } = names;
    let (member, ty) = (&field.member, field.ty);
    let value = match field.source() {
        Source::Carried(carried) => {
            let span = carried.with.map_or_else(|| ty.span(), |with| with.function.expr.span());
            let bound = at(&binding(&carried.old), span);
            match carried.with {
                None => route(
                    names,
                    ty.span(),
                    &quote_spanned!(ty.span()=> Pair::<#ty, _>::of(#bound)),
                    |private, way| quote!(#private::get(#way, #bound, #cx)),
                ),
                Some(with) => call_with(names, ty, with, &bound),
            }
        }
        Source::Fresh(fresh) => match fresh.init {
            Init::Compute(function) => call_compute(names, ty, function),
            init => initial(names, ty, init),
        },
        Source::Flattened(flatten) => flattened(names, ty, flatten),
    };
    let name = plain(member);
    quote!(#member: #private::Cx::field(#cx, #name, |#cx| #value)?)
}

/// A value that comes from nowhere.
pub(crate) fn initial(names: &Names, ty: &Type, init: Init<'_>) -> TokenStream {
    match init {
        Init::Value(value) => {
            let (span, private) = (value.span(), names.private_at(value.span()));
            let value = literal(names, value);
            quote_spanned!(span=> #private::Ok::<#ty, _>(#value))
        }
        Init::Default | Init::Compute(_) => {
            let private = names.private_at(ty.span());
            quote_spanned!(ty.span()=> #private::Ok(<#ty as #private::Default>::default()))
        }
    }
}

/// A value as written, where a text stands for whatever can be made of one.
pub(crate) fn literal(names: &Names, value: &Expr) -> TokenStream {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => {
            let private = names.private_at(text.span());
            quote_spanned!(text.span()=> #private::Into::into(#text))
        }
        value => quote!(#value),
    }
}

/// Finds the way between the types of a pair, and does something with it. An error has `span`.
fn route(
    names: &Names,
    span: Span,
    pair: &TokenStream,
    then: impl FnOnce(&TokenStream, TokenStream) -> TokenStream,
) -> TokenStream {
    let private = names.private_at(span);
    let way = quote_spanned!(span=> (&&&&&#private::#pair).__upgradable_route());
    then(&names.private, way)
}

fn call_with(names: &Names, ty: &Type, with: Conversion<'_>, bound: &Ident) -> TokenStream {
    let function = &with.function.expr;
    let span = function.span();
    let private = names.private_at(span);
    let called = if with.function.untyped == Some(1) {
        quote_spanned!(span=> #private::call_with(#function, #bound))
    } else {
        quote_spanned!(span=> (&&&&#private::With::new(#function, #bound)).__upgradable_apply())
    };
    if with.fallible {
        quote_spanned!(span=> #private::fallible::<#ty, _>(#called))
    } else {
        quote_spanned!(span=> #private::Ok::<#ty, _>(#called))
    }
}

/// A function from the new value to the old one, given what was there at the flip.
pub(crate) fn call_back(
    names: &Names,
    back: Conversion<'_>,
    bound: &Ident,
    partner: &Ident,
) -> TokenStream {
    let function = &back.function.expr;
    let span = function.span();
    let private = names.private_at(span);
    let (bound, partner) = (at(bound, span), at(partner, span));
    let called = match back.function.untyped {
        Some(1) => quote_spanned!(span=> #private::call_back(#function, #bound)),
        Some(2) => quote_spanned!(span=> #private::call_back_onto(#function, #bound, #partner)),
        _ => quote_spanned! {span=>
            (&&&&&#private::Back::new(#function, #bound, #partner)).__upgradable_apply()
        },
    };
    if back.fallible {
        quote_spanned!(span=> #private::fallible_like(#partner, #called))
    } else {
        quote_spanned!(span=> #private::ok_like(#partner, #called))
    }
}

fn call_compute(names: &Names, ty: &Type, function: &Function) -> TokenStream {
    let Names { old, cx, .. } = names;
    let call = &function.expr;
    let span = call.span();
    let private = names.private_at(span);
    let (old, cx) = (at(old, span), at(cx, span));
    let (f, value) = (at(&local("function"), span), at(&local("value"), span));
    match function.untyped {
        Some(1) => quote_spanned! {span=>
            #private::Ok::<#ty, _>(#private::call_with(#call, #old))
        },
        Some(2) => quote_spanned! {span=>
            #private::compute_with_cx::<_, #ty, _>(#call, #old, #cx)
        },
        _ => quote_spanned! {span=> {
            let #f = #call;
            let #value: #ty = #private::compute(
                (&&&#private::Compute::of(&#f, #old)).__upgradable_kind(),
                #f,
                #old,
                #cx,
            )?;
            #private::Ok(#value)
        }},
    }
}

/// A sub-struct from old siblings.
fn flattened(names: &Names, ty: &Type, flatten: &Flatten) -> TokenStream {
    let Names { private, cx, .. } = names;
    let Type::Path(path) = bare_type(ty) else {
        unreachable!("validation lets only paths through")
    };
    let constructor = constructor(&path.path);
    let fields = flatten.fields.iter().map(|(inner, old)| {
        let (name, bound) = (plain(inner), at(&binding(old), member_span(inner)));
        let pair = in_owner(names, ty, inner, "in_owner", &bound);
        let value = route(
            names,
            member_span(inner),
            &pair,
            |private, way| quote!(#private::get(#way, #bound, #cx)),
        );
        quote!(#inner: #private::Cx::field(#cx, #name, |#cx| #value)?)
    });
    let rest =
        flatten.rest.then(|| quote_spanned!(ty.span()=> ..<#ty as #private::Default>::default()));
    quote!(#private::Ok(#constructor { #(#fields,)* #rest }))
}

/// The pair of a sub-struct's field and an old one.
fn in_owner(names: &Names, owner: &Type, inner: &Member, via: &str, old: &Ident) -> TokenStream {
    let span = member_span(inner);
    let via = Ident::new(via, span);
    let new = at(&names.new, span);
    quote_spanned!(span=> Pair::#via(|#new: &#owner| &#new.#inner, #old))
}

fn member_span(member: &Member) -> Span {
    match member {
        Member::Named(ident) => ident.span(),
        Member::Unnamed(index) => index.span,
    }
}

/// `old: value?` of the old value, for all old fields that come from this one. `select` gives
/// the old field at the flip.
pub(crate) fn backward(names: &Names, field: &Field<'_>, select: Select<'_>) -> Vec<TokenStream> {
    let Names { private, cx, partner, .. } = names;
    let bound = binding(&field.member);
    let ty = field.ty;
    let step = |old: &Member, value: TokenStream| {
        let (name, selected) = (plain(old), select(old));
        quote! {
            #old: #private::Cx::field(#cx, #name, |#cx| {
                let #partner = #selected;
                #value
            })?
        }
    };
    match field.source() {
        Source::Carried(carried) => {
            let value = match carried.back {
                Some(back) => call_back(names, back, &bound, partner),
                None => {
                    let partner = at(partner, ty.span());
                    let pair = quote_spanned!(ty.span()=> Pair::<#ty, _>::of_partner(#partner));
                    route(
                        names,
                        ty.span(),
                        &pair,
                        |private, way| quote!(#private::put(#way, #bound, #partner, #cx)),
                    )
                }
            };
            vec![step(&carried.old, value)]
        }
        Source::Fresh(Fresh { ignored: Some(old), .. }) => {
            vec![quote_spanned!(member_span(old)=> #old: #private::Default::default())]
        }
        Source::Fresh(_) => Vec::new(),
        Source::Flattened(flatten) => {
            let each = flatten.fields.iter().map(|(inner, old)| {
                let partner = at(partner, member_span(inner));
                let pair = in_owner(names, ty, inner, "in_owner_of_partner", &partner);
                let value = route(
                    names,
                    member_span(inner),
                    &pair,
                    |private, way| quote!(#private::put(#way, &#bound.#inner, #partner, #cx)),
                );
                step(old, value)
            });
            each.collect()
        }
    }
}

/// Whether the new value's field is looked at on the way back.
pub(crate) fn goes_back(field: &Field<'_>) -> bool {
    !matches!(field.source(), Source::Fresh(_))
}

/// What is known of a field before anything runs.
pub(crate) struct Known {
    /// Its parts of the profile.
    pub(crate) parts: Vec<TokenStream>,
    /// Why it has no way back.
    pub(crate) one_way: Option<&'static str>,
    /// Whether the way back drops it.
    pub(crate) forgets: bool,
}

/// `of_field` makes a closure of the old value from an expression of an old field's binding, and
/// `whole` from one of the old value.
pub(crate) fn known(
    names: &Names,
    field: &Field<'_>,
    place: &str,
    of_field: &dyn Fn(&Member, TokenStream) -> TokenStream,
    whole: &dyn Fn(TokenStream) -> TokenStream,
) -> Known {
    let Names { private, old: whole_old, .. } = names;
    let ty = field.ty;
    let mut known = Known { parts: Vec::new(), one_way: None, forgets: false };
    match field.source() {
        Source::Carried(carried) => match (carried.with, carried.back) {
            (Some(with), None) => {
                known.one_way = Some(if with.fallible {
                    "`try_with` has no `back`"
                } else {
                    "`with` has no `back`"
                });
            }
            (_, Some(_)) => {}
            (None, None) => {
                let bound = at(&binding(&carried.old), ty.span());
                let pair = quote_spanned!(ty.span()=> Pair::<#ty, _>::of(#bound));
                let way = route(names, ty.span(), &pair, |_, way| way);
                let of_old = of_field(&carried.old, way);
                known.parts.push(quote!(#private::profile_of(&#of_old).at(#place)));
            }
        },
        Source::Fresh(fresh) => {
            known.forgets = !fresh.skipped;
            if let Init::Compute(function) = fresh.init {
                known.parts.extend(known_compute(names, function, whole_old, whole));
            }
        }
        Source::Flattened(flatten) => {
            for (inner, old) in &flatten.fields {
                let bound = at(&binding(old), member_span(inner));
                let pair = in_owner(names, ty, inner, "in_owner", &bound);
                let way = route(names, member_span(inner), &pair, |_, way| way);
                let of_old = of_field(old, way);
                known.parts.push(quote!(#private::profile_of(&#of_old).at(#place)));
            }
            known.forgets = flatten.rest;
        }
    }
    known
}

fn known_compute(
    names: &Names,
    function: &Function,
    old: &Ident,
    whole: &dyn Fn(TokenStream) -> TokenStream,
) -> Option<TokenStream> {
    let private = names.private_at(function.expr.span());
    match function.untyped {
        Some(2) => Some(quote!(#private::READS_OTHERS)),
        Some(_) => None,
        None => {
            let call = &function.expr;
            let old = at(old, call.span());
            let kind = quote_spanned! {call.span()=>
                (&&&#private::Compute::of(&#call, #old)).__upgradable_kind()
            };
            let of_old = whole(kind);
            Some(quote!(#private::profile_of_compute(&#of_old)))
        }
    }
}
