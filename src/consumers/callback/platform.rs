use duolog_topics::{MessageContent, Origin, Platform, Via};

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

/// What somebody asked with.
pub fn of(via: Option<&Via>) -> &'static str {
    match via {
        Some(Via { operator: Some(_), .. }) => REST,
        Some(Via { platform: Some(platform), .. }) => name(*platform),
        Some(_) | None => UNKNOWN,
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
