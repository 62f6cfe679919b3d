use duolog_topics::{Account, ProfileChanged, ProfileItem, TagValue};

use crate::error::Code;
use crate::gateway::http::context::Context;
use crate::gateway::http::error::ApiError;
use crate::gateway::http::fields::{Fields, Object};
use crate::gateway::http::reply::Reply;
use crate::gateway::profile;

/// Fields that one call may set.
const ITEMS: usize = 100;

#[derive(Debug)]
pub struct Request {
    account: Account,
    items: Vec<ProfileItem>,
}

impl Request {
    pub fn parse(fields: Fields<'_, '_>) -> Result<Self, ApiError> {
        let items = fields.objects("ProfileItem", ITEMS, Code::PROFILE_PARAMETER_INVALID)?;
        let items = items.iter().map(item).collect::<Result<_, _>>()?;
        Ok(Self { account: fields.account("From_Account")?, items })
    }
}

fn item(item: &Object<'_>) -> Result<ProfileItem, ApiError> {
    let fields = item.fields(Code::PROFILE_PARAMETER_INVALID);
    let tag: String = fields.need("Tag")?;
    fields.need::<&serde_json::value::RawValue>("Value")?;
    let value: TagValue = fields.or(Code::PROFILE_VALUE_TYPE).need("Value")?;
    let item = ProfileItem { tag, value };
    match profile::check(&item) {
        Ok(()) => Ok(item),
        Err(code) => Err(ApiError::new(code, format!("{}: {}", item.tag, code.message()))),
    }
}

/// # Errors
/// 40009, 40601, 40605, 40610: a tag or its value. 40003 if the account does not exist. 40001 for any other field that
/// is missing or wrong.
pub async fn run(context: &Context<'_>, request: Request) -> Result<Reply, ApiError> {
    context.submit(&request.account, ProfileChanged { items: request.items, via: context.via() }).await?;
    Ok(Reply::plain())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_wrong_field_has_its_code() {
        let parse = |json: &str| {
            let object = Object::parse(json).unwrap();
            Request::parse(object.fields(Code::PROFILE_PARAMETER_INVALID)).map_err(|error| error.code.number())
        };
        let item = |item: &str| format!(r#"{{"From_Account":"a","ProfileItem":[{item}]}}"#);
        let good = parse(&item(r#"{"Tag":"Tag_Profile_IM_Level","Value":3}"#)).unwrap();
        assert_eq!(good.items[0].value, TagValue::Number(3));
        for (json, code) in [
            ("{}".to_owned(), 40001),
            (item(""), 40001),
            (item(r#"{"Value":"x"}"#), 40001),
            (item(r#"{"Tag":"Tag_Profile_IM_Nick"}"#), 40001),
            (item(r#"{"Tag":"Tag_Profile_IM_Nick","Value":{}}"#), 40610),
            (item(r#"{"Tag":"Tag_Profile_IM_Nick","Value":-1}"#), 40610),
            (item(r#"{"Tag":"Nick","Value":"x"}"#), 40009),
            (item(r#"{"Tag":"Tag_Profile_IM_Gender","Value":"x"}"#), 40605),
            (r#"{"ProfileItem":[{"Tag":"Tag_Profile_IM_Nick","Value":"x"}]}"#.to_owned(), 40001),
        ] {
            assert_eq!(parse(&json).unwrap_err(), code, "{json}");
        }
    }
}
