use duolog_topics::{ProfileChanged, ProfileItem};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::args::{in_number, required};
use super::{Context, Granted};
use crate::error::Code;
use crate::gateway::profile;
use crate::gateway::ws::protocol::Failure;
use crate::gateway::ws::protocol::frame::object;

/// Fields that one request may set; a profile has no more.
const ITEMS: usize = 64;

/// `profile_set`: fields of the user's own profile.
pub struct ProfileSet {
    items: Vec<ProfileItem>,
}

#[derive(Deserialize)]
struct Args<'a> {
    #[serde(borrow)]
    items: Vec<Item<'a>>,
}

/// Also taken as the server API writes it.
#[derive(Deserialize)]
struct Item<'a> {
    #[serde(alias = "Tag")]
    tag: String,
    #[serde(alias = "Value", borrow)]
    value: &'a RawValue,
}

impl ProfileSet {
    /// # Errors
    /// The profile code of a wrong field or value (40008, 40009, 40601, 40605, 40610), else 60003.
    pub fn parse(args: &str) -> Result<Self, Failure> {
        let Args { items } = object(args)?;
        in_number(items.len(), ITEMS, "items")?;
        let items = items.into_iter().map(|Item { tag, value }| {
            let value = required(Some(value), "value", Code::PROFILE_VALUE_TYPE)?;
            let item = ProfileItem { tag, value };
            if profile::is_the_admins(&item.tag) {
                return Err(Failure::new(Code::PROFILE_NOT_WRITABLE, format!("{}: an admin sets it", item.tag)));
            }
            profile::check(&item).map_err(|code| Failure::new(code, format!("{}: {}", item.tag, code.message())))?;
            Ok(item)
        });
        Ok(Self { items: items.collect::<Result<_, Failure>>()? })
    }

    /// # Errors
    /// What the log decides.
    pub async fn run(self, context: &Context) -> Result<Granted, Failure> {
        context.change(ProfileChanged { items: self.items, via: context.via() }).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fields_are_checked_one_by_one() {
        let code = |items: &str| {
            let parsed = ProfileSet::parse(&format!(r#"{{"items": {items}}}"#));
            parsed.map(|set| set.items.len()).map_err(|failure| failure.code.number())
        };
        let nick = r#"{"tag": "Tag_Profile_IM_Nick", "value": "n"}"#;
        assert_eq!(code(&format!(r#"[{nick}, {{"Tag": "Tag_Profile_IM_Level", "Value": 1}}]"#)), Ok(2));
        assert_eq!(code(r#"[{"tag": "Tag_Profile_IM_Nick", "value": 1}]"#), Err(40_610));
        assert_eq!(code(r#"[{"tag": "Tag_Profile_IM_Nick", "value": []}]"#), Err(40_610));
        assert_eq!(code(r#"[{"tag": "Nick", "value": "n"}]"#), Err(40_009));
        let barred = r#"[{"tag": "Tag_Profile_IM_AdminForbidType", "value": "AdminForbid_Type_None"}]"#;
        assert_eq!(code(barred), Err(40_008), "whoever is barred cannot lift it");
        assert_eq!(code(&format!("[{nick}, 7]")), Err(60_003));
        assert_eq!(code("[]"), Err(60_003));
        assert_eq!(code("{}"), Err(60_003));
    }
}
