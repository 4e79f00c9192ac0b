//! Small parsers that several families share: blanks, words, brackets, colours.

use nom::{
    IResult, Parser,
    bytes::complete::{tag, take_till, take_till1, take_while, take_while1},
    character::complete::{char, satisfy},
    combinator::{opt, recognize, verify},
    sequence::delimited,
};

/// One or more blanks or tabs.
pub(super) fn gap(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(is_blank).parse(input)
}

/// Any number of blanks and tabs.
pub(super) fn blanks(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while(is_blank).parse(input)
}

/// Everything up to a blank or the line's end; at least one byte.
pub(super) fn token(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_till1(|byte| is_blank(byte) || byte == b'\n').parse(input)
}

/// Everything up to a given byte, on the same line; at least one byte.
pub(super) fn token_until<'a>(
    end: u8,
) -> impl Parser<&'a [u8], Output = &'a [u8], Error = nom::error::Error<&'a [u8]>> {
    take_till1(move |byte| byte == end || byte == b'\n')
}

/// One or more digits.
pub(super) fn number(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_digit()).parse(input)
}

/// A name of a logger, module or process: no blanks, no brackets.
pub(super) fn name(input: &[u8]) -> IResult<&[u8], &[u8]> {
    take_while1(|byte: u8| byte.is_ascii_alphanumeric() || b"_.-$/".contains(&byte)).parse(input)
}

/// What stands between `[` and the next `]` of the line; may be empty.
pub(super) fn bracketed(input: &[u8]) -> IResult<&[u8], &[u8]> {
    delimited(char('['), take_till(|byte| byte == b']' || byte == b'\n'), char(']')).parse(input)
}

/// `file.ext:123`, of any path; at least the colon and the number.
pub(super) fn location(input: &[u8]) -> IResult<&[u8], &[u8]> {
    verify(take_till1(|byte| is_blank(byte) || matches!(byte, b']' | b'\n')), |place: &[u8]| is_location(place))
        .parse(input)
}

/// Whether a word ends in a colon and a line's number.
pub(super) fn is_location(word: &[u8]) -> bool {
    match word.iter().rposition(|byte| *byte == b':') {
        Some(colon) => word.len() > colon + 1 && word[colon + 1..].iter().all(u8::is_ascii_digit),
        None => false,
    }
}

/// Any number of the terminal's colour codes, `ESC [ … m`.
pub(super) fn colour(input: &[u8]) -> IResult<&[u8], &[u8]> {
    let code = (tag("\x1b["), take_while(|byte: u8| byte.is_ascii_digit() || byte == b';'), char('m'));
    recognize(nom::multi::many0_count(code)).parse(input)
}

/// A parser's value between colours, which the program may have switched off.
pub(super) fn coloured<'a, T>(
    inner: impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>>,
) -> impl Parser<&'a [u8], Output = T, Error = nom::error::Error<&'a [u8]>> {
    delimited(colour, inner, colour)
}

/// `HTTP` methods and the like: capitals only.
pub(super) fn capitals(input: &[u8]) -> IResult<&[u8], &[u8]> {
    recognize((satisfy(|letter| letter.is_ascii_uppercase()), take_while(|byte: u8| byte.is_ascii_uppercase())))
        .parse(input)
}

/// An optional `: `, `- ` or blank before a message.
pub(super) fn before_message(input: &[u8]) -> IResult<&[u8], &[u8]> {
    recognize((blanks, opt((nom::character::complete::one_of(":-|"), opt(gap))))).parse(input)
}

/// Blank or tab.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// Without blanks and tabs at either end.
pub(super) fn trim(mut text: &[u8]) -> &[u8] {
    while let [first, rest @ ..] = text {
        if !is_blank(*first) {
            break;
        }
        text = rest;
    }
    trim_end(text)
}

/// Without blanks and tabs at the end.
pub(super) fn trim_end(mut text: &[u8]) -> &[u8] {
    while let [rest @ .., last] = text {
        if !is_blank(*last) {
            break;
        }
        text = rest;
    }
    text
}
