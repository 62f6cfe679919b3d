use duolog_topics::{MessageContent, Origin, Platform};

/// `OptPlatform` where nobody said.
pub const UNKNOWN: &str = "Unknown";
/// `OptPlatform` of the server API.
pub const REST: &str = "RESTAPI";

/// A platform as callbacks name it.
pub fn name(platform: Platform) -> &'static str {
    match platform {
        Platform::Android => "Android",
        Platform::Iphone => "iOS",
        Platform::Ipad => "IPad",
        Platform::Windows => "Windows",
        Platform::Mac => "Mac",
        Platform::Web => "Web",
        // The API that ours follows knows none.
        Platform::Linux => UNKNOWN,
    }
}

/// Where a message came from.
pub fn of_message(content: &MessageContent) -> &'static str {
    match (content.platform, content.origin) {
        (Some(platform), _) => name(platform),
        (None, Origin::Client) => UNKNOWN,
        (None, Origin::Server | Origin::Batch | Origin::Import) => REST,
    }
}
