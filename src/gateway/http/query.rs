use std::borrow::Cow;

use super::error::ApiError;
use crate::error::Code;

/// The longest query that is looked at: a signature has a few hundred bytes.
const QUERY_BYTES: usize = 16 * 1024;

/// The parameters of the query that mean something. `random` and `contenttype` do not: clients leave them out or repeat
/// them.
#[derive(Clone, PartialEq, Eq, Debug, Default)]
pub struct Query<'a> {
    pub sdkappid: Option<Cow<'a, str>>,
    pub identifier: Option<Cow<'a, str>>,
    pub usersig: Option<Cow<'a, str>>,
}

impl<'a> Query<'a> {
    /// Splits and decodes a query, as HTML forms encode one: a plus sign is a space. No signature has a plus sign.
    ///
    /// # Errors
    /// 60002 if it is too long, an escape is cut off, or what it means is not UTF-8.
    pub fn parse(query: &'a str) -> Result<Self, ApiError> {
        if query.len() > QUERY_BYTES {
            return Err(ApiError::new(Code::URL_INVALID, format!("the query is longer than {QUERY_BYTES} bytes")));
        }
        let mut parsed = Self::default();
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let place = match name {
                "sdkappid" => &mut parsed.sdkappid,
                "identifier" => &mut parsed.identifier,
                "usersig" => &mut parsed.usersig,
                _ => continue,
            };
            let broken =
                || ApiError::new(Code::URL_INVALID, format!("the query's {name} is not percent-encoded UTF-8"));
            *place = Some(decode(value).ok_or_else(broken)?);
        }
        Ok(parsed)
    }
}

fn decode(text: &str) -> Option<Cow<'_, str>> {
    if !text.contains(['%', '+']) {
        return Some(Cow::Borrowed(text));
    }
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            bytes.push(if byte == b'+' { b' ' } else { byte });
            continue;
        }
        let (digits, after) = rest.split_at_checked(2)?;
        let digit = |byte: u8| char::from(byte).to_digit(16);
        bytes.push((digit(digits[0])? << 4 | digit(digits[1])?) as u8);
        rest = after;
    }
    String::from_utf8(bytes).ok().map(Cow::Owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_any_order_and_ignores_the_rest() {
        let query =
            Query::parse("random=1&usersig=a*b-_&contenttype=json&identifier=a%20b%2bc+d&sdkappid=14&x").unwrap();
        assert_eq!(query.sdkappid.as_deref(), Some("14"));
        assert_eq!(query.identifier.as_deref(), Some("a b+c d"));
        assert_eq!(query.usersig.as_deref(), Some("a*b-_"));
        assert_eq!(Query::parse("").unwrap(), Query::default());
    }

    #[test]
    fn names_what_is_broken() {
        for query in ["identifier=%", "identifier=%2", "identifier=%zz", "usersig=%ff", "sdkappid=%E4%BD"] {
            assert_eq!(Query::parse(query).unwrap_err().code, Code::URL_INVALID, "{query}");
        }
        assert_eq!(Query::parse(&"x".repeat(QUERY_BYTES + 1)).unwrap_err().code, Code::URL_INVALID);
    }

    proptest! {
        #[test]
        fn no_query_makes_it_panic(query: String, value: Vec<u8>) {
            let _ = Query::parse(&query);
            let _ = Query::parse(&format!("identifier=%{}&usersig={query}", String::from_utf8_lossy(&value)));
        }

        #[test]
        fn what_is_encoded_comes_back(value: String) {
            let encoded: String = value.bytes().map(|byte| format!("%{byte:02x}")).collect();
            let query = format!("identifier={encoded}");
            let parsed = Query::parse(&query).unwrap();
            prop_assert_eq!(parsed.identifier.as_deref(), Some(value.as_str()));
        }
    }
}
