//! Reading a request's members: each failure has the code that callers of that command know.

use std::borrow::Cow;
use std::fmt;

use duolog_topics::Account;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::error::ApiError;
use crate::error::Code;

/// The members of a JSON object, each still as its text. Unknown ones are tolerated.
#[derive(Debug)]
pub struct Object<'a>(Vec<(Cow<'a, str>, &'a RawValue)>);

impl<'a> Object<'a> {
    /// Splits an object into its members.
    ///
    /// # Errors
    /// If the text is not a JSON object.
    pub fn parse(json: &'a str) -> Result<Self, serde_json::Error> {
        serde_json::from_str(json)
    }

    /// Reads members; what is missing or wrong is answered with `code`.
    pub fn fields(&self, code: Code) -> Fields<'_, 'a> {
        Fields { object: self, code }
    }

    /// The last member of that name, as JSON libraries have it; null counts as absent.
    fn get(&self, name: &str) -> Option<&'a RawValue> {
        let found = self.0.iter().rev().find(|(member, _)| member == name);
        found.map(|(_, value)| *value).filter(|value| value.get() != "null")
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Object<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object<'de>, A::Error> {
                let mut members = Vec::with_capacity(16);
                while let Some(name) = map.next_key::<Name<'de>>()? {
                    members.push((name.0, map.next_value()?));
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// A name that borrows from the text where it has no escapes.
#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Name<'a>(#[serde(borrow)] Cow<'a, str>);

/// Reads members of an object, with one code for whatever is missing or wrong.
#[derive(Clone, Copy, Debug)]
pub struct Fields<'o, 'a> {
    object: &'o Object<'a>,
    code: Code,
}

impl<'o, 'a> Fields<'o, 'a> {
    /// The same members, with another code.
    pub fn or(self, code: Code) -> Self {
        Self { code, ..self }
    }

    /// The first of the names that is there; if none is, the first: two revisions name a member differently.
    pub fn named(self, names: [&'static str; 2]) -> &'static str {
        names.into_iter().find(|name| self.raw(name).is_some()).unwrap_or(names[0])
    }

    /// A member's JSON text.
    pub fn raw(self, name: &str) -> Option<&'a str> {
        self.object.get(name).map(RawValue::get)
    }

    /// A member, if it is there.
    ///
    /// # Errors
    /// If it has another type.
    pub fn get<T: Deserialize<'a>>(self, name: &str) -> Result<Option<T>, ApiError> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        serde_json::from_str(raw).map(Some).map_err(|error| self.error(format!("{name}: {error}")))
    }

    /// A member that must be there.
    ///
    /// # Errors
    /// If it is missing or has another type.
    pub fn need<T: Deserialize<'a>>(self, name: &str) -> Result<T, ApiError> {
        self.get(name)?.ok_or_else(|| self.missing(name))
    }

    /// A text of at most `bytes`, if it is there and not empty: typed callers write the empty text for none.
    ///
    /// # Errors
    /// If it is no string or too long.
    pub fn text(self, name: &str, bytes: usize) -> Result<Option<String>, ApiError> {
        let text = self.get::<String>(name)?.filter(|text| !text.is_empty());
        if text.as_ref().is_some_and(|text| text.len() > bytes) {
            return Err(self.error(format!("{name} is longer than {bytes} bytes")));
        }
        Ok(text)
    }

    /// A switch, 0 or 1; absent is off.
    ///
    /// # Errors
    /// If it is anything else.
    pub fn flag(self, name: &str) -> Result<bool, ApiError> {
        match self.get::<u64>(name)? {
            None | Some(0) => Ok(false),
            Some(1) => Ok(true),
            Some(_) => Err(self.error(format!("{name} is neither 0 nor 1"))),
        }
    }

    /// An account.
    ///
    /// # Errors
    /// If it is missing or no account name.
    pub fn account(self, name: &str) -> Result<Account, ApiError> {
        self.account_if_any(name)?.ok_or_else(|| self.missing(name))
    }

    /// An account, if it is there and not empty.
    ///
    /// # Errors
    /// If it is no account name.
    pub fn account_if_any(self, name: &str) -> Result<Option<Account>, ApiError> {
        let text = self.get::<Name<'a>>(name)?.filter(|text| !text.0.is_empty());
        text.map(|text| Account::new(&text.0).map_err(|error| self.error(format!("{name}: {error}")))).transpose()
    }

    /// A list of texts, such as accounts that may or may not be well-formed.
    ///
    /// # Errors
    /// If it is missing, empty, or no array of strings; with `too_many` if it has more than `limit`.
    pub fn names(self, name: &str, limit: usize, too_many: Code) -> Result<Vec<String>, ApiError> {
        let names: Vec<String> = self.need(name)?;
        self.bounded(name, names, limit, too_many)
    }

    /// A list of objects.
    ///
    /// # Errors
    /// If it is missing, empty, or no array of objects; with `too_many` if it has more than `limit`.
    pub fn objects(self, name: &str, limit: usize, too_many: Code) -> Result<Vec<Object<'a>>, ApiError> {
        let objects: Vec<Object<'a>> = self.need(name)?;
        self.bounded(name, objects, limit, too_many)
    }

    fn bounded<T>(self, name: &str, list: Vec<T>, limit: usize, too_many: Code) -> Result<Vec<T>, ApiError> {
        match list.len() {
            0 => Err(self.error(format!("{name} is empty"))),
            count if count > limit => {
                Err(ApiError::new(too_many, format!("{name} has {count} items of at most {limit}")))
            }
            _ => Ok(list),
        }
    }

    /// The code, with what is wrong.
    pub fn error(self, info: impl Into<Cow<'static, str>>) -> ApiError {
        ApiError::new(self.code, info)
    }

    fn missing(self, name: &str) -> ApiError {
        self.error(format!("{name} is missing"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: Code = Code::MESSAGE_JSON_INVALID;
    const OTHER: Code = Code::TOO_MANY_ACCOUNTS;

    fn code<T: fmt::Debug>(result: Result<T, ApiError>) -> Code {
        result.unwrap_err().code
    }

    #[test]
    fn only_objects_are_taken() {
        for json in ["", "[]", "null", "1", "{", "{\"a\":}", "{} x"] {
            assert!(Object::parse(json).is_err(), "{json}");
        }
        assert!(Object::parse(" {\"a\\n\":[1,{}]} ").is_ok());
    }

    #[test]
    fn null_is_absent_and_the_last_of_equal_names_counts() {
        let object = Object::parse(r#"{"a":null,"b":1,"b":2}"#).unwrap();
        let fields = object.fields(CODE);
        assert_eq!(fields.get::<u32>("a"), Ok(None));
        assert_eq!(fields.need::<u32>("b"), Ok(2));
        assert_eq!(code(fields.need::<u32>("a")), CODE);
        assert_eq!(code(fields.or(OTHER).need::<String>("b")), OTHER);
    }

    #[test]
    fn accounts_are_checked() {
        let object =
            Object::parse(r#"{"a":"al\u0069ce","n":7,"long":"123456789012345678901234567890123","e":""}"#).unwrap();
        let fields = object.fields(CODE);
        assert_eq!(fields.account("a").unwrap().as_str(), "alice");
        assert_eq!(fields.account_if_any("e"), Ok(None));
        for name in ["n", "long", "e", "none"] {
            assert_eq!(code(fields.account(name)), CODE, "{name}");
        }
        assert_eq!(fields.named(["x", "a"]), "a");
        assert_eq!(fields.named(["x", "y"]), "x");
    }

    #[test]
    fn lists_are_bounded() {
        let object = Object::parse(r#"{"three":["a","b","c"],"none":[],"mixed":["a",1],"objects":[{"a":1}]}"#).unwrap();
        let fields = object.fields(CODE);
        assert_eq!(fields.names("three", 3, OTHER).unwrap().len(), 3);
        assert_eq!(code(fields.names("three", 2, OTHER)), OTHER);
        assert_eq!(code(fields.names("none", 2, OTHER)), CODE);
        assert_eq!(code(fields.names("mixed", 2, OTHER)), CODE);
        assert_eq!(fields.objects("objects", 1, OTHER).unwrap()[0].fields(CODE).need::<u8>("a"), Ok(1));
        assert_eq!(code(fields.objects("three", 3, OTHER)), CODE);
    }

    #[test]
    fn texts_and_flags() {
        let object = Object::parse(r#"{"t":"abc","e":"","on":1,"off":0,"two":2,"word":"1"}"#).unwrap();
        let fields = object.fields(CODE);
        assert_eq!(fields.text("t", 3).unwrap().as_deref(), Some("abc"));
        assert_eq!(fields.text("e", 3), Ok(None));
        assert_eq!(code(fields.text("t", 2)), CODE);
        assert_eq!((fields.flag("on"), fields.flag("off"), fields.flag("none")), (Ok(true), Ok(false), Ok(false)));
        assert_eq!((code(fields.flag("two")), code(fields.flag("word"))), (CODE, CODE));
    }
}
