//! `#[upgrade(...)]`, read. What is wrong with one attribute alone is told here; what is wrong
//! with several together, in `valid`.

use proc_macro2::{Delimiter, Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::spanned::Spanned;
use syn::{
    Attribute, Error, Expr, ExprClosure, ExprLit, ExprPath, Index, Lit, LitInt, LitStr, Member,
    Meta, Pat, Path, Result, Token, Type, TypePath, token,
};

use crate::ctxt::Ctxt;
use crate::symbol::{
    BACK, COMPUTE, CRATE, DEFAULT, FLATTEN, FROM, MANUAL, NAME, NEW, ORIGIN, Place, REMOVED, SKIP,
    TRY_BACK, TRY_WITH, UPGRADE, VERSION, WITH,
};

/// An attribute's value, with the name to point at.
#[derive(Clone)]
pub(crate) struct Set<T> {
    pub(crate) key: Ident,
    pub(crate) value: T,
}

/// On the type.
#[derive(Default)]
pub(crate) struct ContainerAttrs {
    pub(crate) name: Option<Set<LitStr>>,
    pub(crate) version: Option<Set<Number>>,
    pub(crate) from: Option<Set<TypePath>>,
    pub(crate) origin: Option<Set<()>>,
    pub(crate) manual: Option<Set<()>>,
    pub(crate) removed: Vec<Removed>,
    pub(crate) krate: Option<Set<Path>>,
}

/// On a field.
#[derive(Default)]
pub(crate) struct FieldAttrs {
    pub(crate) from: Option<Set<Member>>,
    pub(crate) with: Option<Set<Function>>,
    pub(crate) try_with: Option<Set<Function>>,
    pub(crate) back: Option<Set<Function>>,
    pub(crate) try_back: Option<Set<Function>>,
    pub(crate) default: Option<Set<Option<Expr>>>,
    pub(crate) compute: Option<Set<Function>>,
    pub(crate) skip: Option<Set<()>>,
    pub(crate) flatten: Option<Set<Flatten>>,
}

/// On a variant.
#[derive(Default)]
pub(crate) struct VariantAttrs {
    pub(crate) from: Option<Set<Ident>>,
    pub(crate) new: Option<Set<()>>,
    pub(crate) back: Option<Set<Function>>,
    pub(crate) try_back: Option<Set<Function>>,
    pub(crate) removed: Vec<Removed>,
}

/// A version's number.
pub(crate) struct Number {
    pub(crate) value: u32,
    pub(crate) literal: LitInt,
}

/// What `removed(...)` lists.
pub(crate) enum Removed {
    /// `legacy`, `legacy = 0`
    Field { member: Member, value: Option<Expr> },
    /// `Legacy => Status::Closed`, `Legacy { why } => Status::Blocked { why: why.clone() }`
    Variant { ident: Ident, pattern: Option<TokenStream>, to: Expr },
}

/// `flatten(street, city = "town", ..)`
pub(crate) struct Flatten {
    /// The sub-struct's field and the old one.
    pub(crate) fields: Vec<(Member, Member)>,
    /// The others have their default.
    pub(crate) rest: bool,
}

/// A function named by the user.
#[derive(Clone)]
pub(crate) struct Function {
    pub(crate) expr: Expr,
    /// The number of parameters of a closure that says nothing of their types: it can only be
    /// called in place. Anything else is looked up.
    pub(crate) untyped: Option<usize>,
}

impl ContainerAttrs {
    pub(crate) fn read(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut all = Self::default();
        each(cx, attrs, Place::Container, |key, input| {
            match key.to_string().as_str() {
                NAME => once(cx, &mut all.name, key, value(input)?),
                VERSION => once(cx, &mut all.version, key, value(input)?),
                FROM => once(cx, &mut all.from, key, predecessor(input)?),
                ORIGIN => once(cx, &mut all.origin, key, ()),
                MANUAL => once(cx, &mut all.manual, key, ()),
                REMOVED => all.removed.extend(listed(&key, input)?),
                CRATE => once(cx, &mut all.krate, key, path(input)?),
                _ => return Ok(false),
            }
            Ok(true)
        });
        all
    }
}

impl FieldAttrs {
    pub(crate) fn read(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut all = Self::default();
        each(cx, attrs, Place::Field, |key, input| {
            match key.to_string().as_str() {
                FROM => once(cx, &mut all.from, key, named_field(input)?),
                WITH => once(cx, &mut all.with, key, value(input)?),
                TRY_WITH => once(cx, &mut all.try_with, key, value(input)?),
                BACK => once(cx, &mut all.back, key, value(input)?),
                TRY_BACK => once(cx, &mut all.try_back, key, value(input)?),
                DEFAULT => {
                    let default = if input.peek(Token![=]) { Some(given(input)?) } else { None };
                    once(cx, &mut all.default, key, default);
                }
                COMPUTE => once(cx, &mut all.compute, key, value(input)?),
                SKIP => once(cx, &mut all.skip, key, ()),
                FLATTEN => {
                    let flatten = flatten(&key, input)?;
                    once(cx, &mut all.flatten, key, flatten);
                }
                _ => return Ok(false),
            }
            Ok(true)
        });
        all
    }

    /// The names of all that are there, in one order.
    pub(crate) fn keys(&self) -> Vec<&Ident> {
        let keys = [
            self.from.as_ref().map(|set| &set.key),
            self.with.as_ref().map(|set| &set.key),
            self.try_with.as_ref().map(|set| &set.key),
            self.back.as_ref().map(|set| &set.key),
            self.try_back.as_ref().map(|set| &set.key),
            self.default.as_ref().map(|set| &set.key),
            self.compute.as_ref().map(|set| &set.key),
            self.skip.as_ref().map(|set| &set.key),
            self.flatten.as_ref().map(|set| &set.key),
        ];
        keys.into_iter().flatten().collect()
    }
}

impl VariantAttrs {
    pub(crate) fn read(cx: &Ctxt, attrs: &[Attribute]) -> Self {
        let mut all = Self::default();
        each(cx, attrs, Place::Variant, |key, input| {
            match key.to_string().as_str() {
                FROM => once(cx, &mut all.from, key, named_variant(input)?),
                NEW => once(cx, &mut all.new, key, ()),
                BACK => once(cx, &mut all.back, key, value(input)?),
                TRY_BACK => once(cx, &mut all.try_back, key, value(input)?),
                REMOVED => all.removed.extend(listed(&key, input)?),
                _ => return Ok(false),
            }
            Ok(true)
        });
        all
    }
}

/// Gives every `key` of every `#[upgrade(...)]` to `read`, which reads its value; it says
/// `false` when it does not know the key. After an error the next known key goes on.
fn each(
    cx: &Ctxt,
    attrs: &[Attribute],
    place: Place,
    mut read: impl FnMut(Ident, ParseStream<'_>) -> Result<bool>,
) {
    for attr in attrs.iter().filter(|attr| attr.path().is_ident(UPGRADE)) {
        let list = match &attr.meta {
            Meta::List(list) => list,
            other => {
                cx.error(other, "expected a list, as in `#[upgrade(version = 2)]`");
                continue;
            }
        };
        let parsed = list.parse_args_with(|input: ParseStream<'_>| {
            while !input.is_empty() {
                if let Err(error) = one(input, place, &mut read) {
                    cx.push(error);
                    skip(input, place)?;
                }
                if !input.is_empty() {
                    input.parse::<Token![,]>()?;
                }
            }
            Ok(())
        });
        if let Err(error) = parsed {
            cx.push(error);
        }
    }
}

fn one(
    input: ParseStream<'_>,
    place: Place,
    read: &mut impl FnMut(Ident, ParseStream<'_>) -> Result<bool>,
) -> Result<()> {
    let key = input.call(Ident::parse_any)?;
    if !read(key.clone(), input)? {
        return Err(Error::new(key.span(), place.unknown(&key)));
    }
    if input.is_empty() || input.peek(Token![,]) {
        return Ok(());
    }
    Err(input.error(format!("`{key}` ends here; expected `,`")))
}

/// Goes to the end, or to a comma before a key.
fn skip(input: ParseStream<'_>, place: Place) -> Result<()> {
    while !input.is_empty() {
        if input.peek(Token![,]) {
            let ahead = input.fork();
            ahead.parse::<Token![,]>()?;
            let known = ahead
                .call(Ident::parse_any)
                .is_ok_and(|key| place.names().contains(&key.to_string().as_str()));
            if ahead.is_empty() || known {
                return Ok(());
            }
        }
        input.parse::<TokenTree>()?;
    }
    Ok(())
}

fn once<T>(cx: &Ctxt, place: &mut Option<Set<T>>, key: Ident, value: T) {
    if place.is_some() {
        cx.error(&key, format!("`{key}` is given twice"));
    } else {
        *place = Some(Set { key, value });
    }
}

/// `= value`
fn value<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// `= expression`
fn given(input: ParseStream<'_>) -> Result<Expr> {
    value(input).map(bare)
}

impl Parse for Number {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let literal: LitInt = input.parse().map_err(|error| {
            Error::new(error.span(), "a version is a whole number, as in `version = 2`")
        })?;
        let value = literal.base10_parse().map_err(|_| {
            Error::new(literal.span(), format!("a version is a number from 1 to {}", u32::MAX))
        })?;
        Ok(Self { value, literal })
    }
}

impl Parse for Function {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let expr = match bare(input.parse()?) {
            Expr::Lit(ExprLit { lit: Lit::Str(path), .. }) => {
                Expr::Path(quoted(&path, ExprPath::parse, "expected the path of a function")?)
            }
            expr => expr,
        };
        let untyped = match &expr {
            Expr::Closure(closure) if !is_typed(closure) => Some(closure.inputs.len()),
            Expr::Lit(literal) => {
                return Err(Error::new(literal.span(), "expected a path or a closure"));
            }
            _ => None,
        };
        Ok(Self { expr, untyped })
    }
}

fn is_typed(closure: &ExprClosure) -> bool {
    closure.inputs.iter().all(|input| matches!(input, Pat::Type(_)))
}

/// `= v1::Account`, `= "v1::Account"`
fn predecessor(input: ParseStream<'_>) -> Result<TypePath> {
    input.parse::<Token![=]>()?;
    let ty: Type = match input.parse::<Option<LitStr>>()? {
        Some(text) => quoted(&text, Type::parse, "expected the path of a type")?,
        None => input.parse()?,
    };
    match bare_type(&ty) {
        Type::Path(path) if path.qself.is_none() => Ok(path.clone()),
        other => Err(Error::new(
            other.span(),
            "`from` takes the path of a type, since its fields are named through it; give other \
             types a name with `type`",
        )),
    }
}

/// An expression without the wrapping of `macro_rules!`, or parentheses.
pub(crate) fn bare(expr: Expr) -> Expr {
    match expr {
        Expr::Group(group) => bare(*group.expr),
        Expr::Paren(paren) => bare(*paren.expr),
        expr => expr,
    }
}

/// A type without the wrapping of `macro_rules!`, or parentheses.
pub(crate) fn bare_type(ty: &Type) -> &Type {
    match ty {
        Type::Group(group) => bare_type(&group.elem),
        Type::Paren(paren) => bare_type(&paren.elem),
        ty => ty,
    }
}

/// What a string contains.
fn quoted<T>(text: &LitStr, parser: impl Parser<Output = T>, expected: &str) -> Result<T> {
    text.parse_with(parser).map_err(|_| Error::new(text.span(), expected))
}

/// `(...)`, all of it, whatever goes wrong inside.
fn parenthesized<T>(
    input: ParseStream<'_>,
    read: impl FnOnce(ParseStream<'_>) -> Result<T>,
) -> Result<T> {
    let content;
    syn::parenthesized!(content in input);
    let result = read(&content);
    if result.is_err() {
        content.parse::<TokenStream>()?;
    }
    result
}

/// `= renamed::upgradable`, `= "renamed::upgradable"`
fn path(input: ParseStream<'_>) -> Result<Path> {
    input.parse::<Token![=]>()?;
    match input.parse::<Option<LitStr>>()? {
        Some(text) => quoted(&text, Path::parse_mod_style, "expected the path of a crate"),
        None => input.call(Path::parse_mod_style),
    }
}

/// `= "old"`, `= old`, `= 0`, `= "0"`
fn named_field(input: ParseStream<'_>) -> Result<Member> {
    input.parse::<Token![=]>()?;
    input.call(member)
}

/// `= "Old"`, `= Old`
fn named_variant(input: ParseStream<'_>) -> Result<Ident> {
    match named_field(input)? {
        Member::Named(ident) => Ok(ident),
        Member::Unnamed(index) => Err(Error::new(index.span, "expected the name of a variant")),
    }
}

fn member(input: ParseStream<'_>) -> Result<Member> {
    if let Some(text) = input.parse::<Option<LitStr>>()? {
        return member_of(&text.value(), text.span())
            .ok_or_else(|| Error::new(text.span(), "expected the name of an old field"));
    }
    if let Some(number) = input.parse::<Option<LitInt>>()? {
        let index = number.base10_parse()?;
        return Ok(Member::Unnamed(Index { index, span: number.span() }));
    }
    let ident = input.call(Ident::parse_any)?;
    Ok(Member::Named(as_field(ident)))
}

fn member_of(text: &str, span: Span) -> Option<Member> {
    if let Ok(index) = text.parse() {
        return Some(Member::Unnamed(Index { index, span }));
    }
    let mut ident = syn::parse_str::<Ident>(text)
        .or_else(|_| syn::parse_str::<RawName>(text).map(|RawName(raw)| raw))
        .ok()?;
    ident.set_span(span);
    Some(Member::Named(ident))
}

/// A keyword, as the field's name it can be.
struct RawName(Ident);

impl Parse for RawName {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        input.call(Ident::parse_any).map(|ident| Self(as_field(ident)))
    }
}

fn as_field(ident: Ident) -> Ident {
    let text = ident.to_string();
    let is_plain = syn::parse_str::<Ident>(&text).is_ok();
    if is_plain || matches!(text.as_str(), "self" | "Self" | "super" | "crate" | "_") {
        ident
    } else {
        Ident::new_raw(&text, ident.span())
    }
}

/// `(a, b = value, C => value)`
fn listed(key: &Ident, input: ParseStream<'_>) -> Result<Vec<Removed>> {
    let nothing = || Error::new(key.span(), "list what is removed, as in `removed(legacy)`");
    if !input.peek(token::Paren) {
        return Err(nothing());
    }
    parenthesized(input, |content| {
        let list = content.parse_terminated(Removed::parse, Token![,])?;
        if list.is_empty() { Err(nothing()) } else { Ok(list.into_iter().collect()) }
    })
}

impl Parse for Removed {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let is_qualified = input.peek(syn::Ident) && input.peek2(Token![::]);
        let member = if is_qualified {
            let path = input.call(Path::parse_mod_style)?;
            let last = path.segments.last().map(|segment| segment.ident.clone());
            Member::Named(last.ok_or_else(|| Error::new(path.span(), "expected a variant"))?)
        } else {
            input.call(member)?
        };
        let pattern = match input.cursor().token_tree() {
            Some((TokenTree::Group(group), _))
                if matches!(group.delimiter(), Delimiter::Brace | Delimiter::Parenthesis) =>
            {
                Some(input.parse::<TokenTree>()?.into_token_stream())
            }
            _ => None,
        };
        match member {
            Member::Named(ident) if pattern.is_some() || input.peek(Token![=>]) => {
                input.parse::<Token![=>]>()?;
                Ok(Self::Variant { ident, pattern, to: bare(input.parse()?) })
            }
            member => {
                let value = if input.peek(Token![=]) { Some(given(input)?) } else { None };
                Ok(Self::Field { member, value })
            }
        }
    }
}

fn flatten(key: &Ident, input: ParseStream<'_>) -> Result<Flatten> {
    let nothing = || {
        Error::new(
            key.span(),
            "list the old fields that move into this one, as in `flatten(street, city)`",
        )
    };
    if !input.peek(token::Paren) {
        return Err(nothing());
    }
    let flatten = parenthesized(input, flattened)?;
    if flatten.fields.is_empty() { Err(nothing()) } else { Ok(flatten) }
}

fn flattened(content: ParseStream<'_>) -> Result<Flatten> {
    let mut flatten = Flatten { fields: Vec::new(), rest: false };
    while !content.is_empty() {
        if content.peek(Token![..]) {
            content.parse::<Token![..]>()?;
            flatten.rest = true;
            break;
        }
        let new = content.call(member)?;
        let old = if content.peek(Token![=]) { named_field(content)? } else { new.clone() };
        flatten.fields.push((new, old));
        if !content.is_empty() {
            content.parse::<Token![,]>()?;
        }
    }
    if !content.is_empty() {
        return Err(content.error("`..` comes last"));
    }
    Ok(flatten)
}
