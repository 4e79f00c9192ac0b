//! Request headers that the user asks for: the syntax of `OTEL_EXPORTER_OTLP_HEADERS`, and keeping values out of logs.

use std::fmt;

use reqwest::header::{HeaderMap, HeaderName, HeaderValue};

/// Headers to send with each request. Values are often secrets, so `Debug` shows names only.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Headers(HeaderMap);

impl Headers {
    /// Reads `name=value,name2=value2`, values percent-encoded, blanks around both ignored. A name that comes twice
    /// keeps its last value.
    ///
    /// # Errors
    /// What is wrong with the first wrong member. A value is never quoted.
    pub fn parse(list: &str) -> Result<Headers, String> {
        let mut pairs = Vec::new();
        for (index, member) in list.split(',').enumerate() {
            if member.trim().is_empty() {
                continue;
            }
            let Some((name, value)) = member.split_once('=') else {
                return Err(format!("member {} has no \"=\"", index + 1));
            };
            let value = percent_decode(value.trim()).ok_or_else(|| {
                format!("the value of {:?} holds a \"%\" that is not followed by two hex digits", name.trim())
            })?;
            pairs.push((name.trim().to_owned(), value));
        }
        Headers::from_bytes(pairs)
    }

    /// Takes names and values as they are.
    ///
    /// # Errors
    /// What is wrong with the first wrong pair. A value is never quoted.
    pub fn from_pairs(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Headers, String> {
        Headers::from_bytes(pairs.into_iter().map(|(name, value)| (name, value.into_bytes())))
    }

    fn from_bytes(pairs: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Headers, String> {
        let mut map = HeaderMap::new();
        for (name, value) in pairs {
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| format!("{name:?} is no header name"))?;
            let mut value = HeaderValue::from_bytes(&value)
                .map_err(|_| format!("the value of {name:?} holds a character that headers can't carry"))?;
            value.set_sensitive(true);
            // `try_insert`, since the plain one panics past 32,768 headers.
            map.try_insert(key, value).map_err(|_| "there are too many".to_owned())?;
        }
        Ok(Headers(map))
    }

    /// As a header map.
    pub(super) fn map(&self) -> &HeaderMap {
        &self.0
    }
}

impl fmt::Debug for Headers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.keys().map(HeaderName::as_str)).finish()
    }
}

/// `%41` is `A`; `None` where `%` isn't followed by two hex digits.
fn percent_decode(text: &str) -> Option<Vec<u8>> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'%' => hex(bytes.next()?)? * 16 + hex(bytes.next()?)?,
            other => other,
        });
    }
    Some(decoded)
}

fn hex(digit: u8) -> Option<u8> {
    char::from(digit).to_digit(16).and_then(|value| u8::try_from(value).ok())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pairs(list: &str) -> Vec<(String, String)> {
        let headers = Headers::parse(list).unwrap();
        let mut pairs: Vec<_> =
            headers.map().iter().map(|(k, v)| (k.to_string(), v.to_str().unwrap().to_owned())).collect();
        pairs.sort();
        pairs
    }

    #[test]
    fn lists() {
        let table: &[(&str, &[(&str, &str)])] = &[
            ("", &[]),
            ("a=1", &[("a", "1")]),
            ("a=1,b=2", &[("a", "1"), ("b", "2")]),
            (" a = 1 , b = 2 ,", &[("a", "1"), ("b", "2")]),
            ("Authorization=Basic%20dXNlcjpwYXNz%3D%3D", &[("authorization", "Basic dXNlcjpwYXNz==")]),
            ("token=a=b==", &[("token", "a=b==")]),
            ("list=x%2Cy", &[("list", "x,y")]),
            ("a=1,a=2", &[("a", "2")]),
            ("empty=", &[("empty", "")]),
        ];
        for (list, expected) in table {
            let expected: Vec<_> = expected.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
            assert_eq!(pairs(list), expected, "{list:?}");
        }
    }

    #[test]
    fn wrong_lists_name_the_place_but_not_the_value() {
        for (list, expected) in [
            ("a=1,hush", "member 2 has no \"=\""),
            ("two words=hush", "\"two words\" is no header name"),
            ("=hush", "\"\" is no header name"),
            ("a=hush%2", "the value of \"a\" holds a \"%\""),
            ("a=hush%zz", "the value of \"a\" holds a \"%\""),
            ("a=hush%0A", "the value of \"a\" holds a character"),
        ] {
            let error = Headers::parse(list).unwrap_err();
            assert!(error.starts_with(expected), "{list:?}: {error}");
            assert!(!error.contains("hush"), "{error}");
        }
    }

    #[test]
    fn debug_hides_values() {
        assert_eq!(format!("{:?}", Headers::parse("api-key=hush").unwrap()), r#"["api-key"]"#);
    }

    proptest! {
        #[test]
        fn any_list_is_read_or_refused(list in any::<String>()) {
            let _ = Headers::parse(&list);
        }

        #[test]
        fn an_encoded_value_comes_back(value in "[ -~]{0,40}") {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02X}")).collect();
            prop_assert_eq!(pairs(&format!("k={encoded}")), [("k".to_owned(), value)]);
        }
    }
}
