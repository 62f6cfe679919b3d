use std::time::Duration;

use clap::Args;
use duolog::config::Config;
use duolog::error::Code;
use duolog_topics::Account;
use serde_json::{Value, json};

use super::{CliError, ConfigArguments, print, random_u32, small_runtime, usersig, with_causes};

/// The vendor's limit for a call, and room for a slow disk.
const TIME_LIMIT: Duration = Duration::from_secs(10);

/// A send is repeated with the same key, so it takes effect once however often it arrives.
const TRIES: usize = 3;

/// Send one message through the server API; prints its key
#[derive(Args)]
pub struct Send {
    /// In whose name
    from: Account,
    /// To whom
    to: Account,
    text: String,
    /// Print the equivalent call instead of making it
    #[arg(long)]
    curl: bool,
    /// The server's address, if it is not the one of the configuration
    #[arg(long, value_name = "URL")]
    url: Option<String>,
    #[command(flatten)]
    config: ConfigArguments,
}

impl Send {
    pub fn run(self) -> Result<(), CliError> {
        let config = self.config.load()?;
        let call = self.call(&config)?;
        if self.curl {
            return print(&call.as_curl());
        }
        let reply = small_runtime()?.block_on(call.make())?;
        print(&format!("{}\n", reply["MsgKey"].as_str().unwrap_or_default()))
    }

    fn call(&self, config: &Config) -> Result<Call, CliError> {
        let admin = &config.app_identity()?;
        let base = self.url.clone().unwrap_or_else(|| config.base_url());
        if !base.starts_with("http://") && !base.starts_with("https://") {
            return Err(CliError::Usage(format!("--url {base}: it takes an http:// or https:// address")));
        }
        let query = format!(
            "sdkappid={}&identifier={}&usersig={}&random={}&contenttype=json",
            admin.sdkappid,
            percent_encoded(admin.admin.as_str()),
            usersig::sign(config, &admin.admin)?,
            random_u32()
        );
        let body = json!({
            "From_Account": self.from.as_str(),
            "To_Account": self.to.as_str(),
            "MsgRandom": random_u32(),
            "MsgBody": [{"MsgType": "TIMTextElem", "MsgContent": {"Text": self.text}}],
        });
        Ok(Call { url: format!("{}/v4/openim/sendmsg?{query}", base.trim_end_matches('/')), body: body.to_string() })
    }
}

/// One call of the server API.
struct Call {
    url: String,
    body: String,
}

impl Call {
    /// A line for a POSIX shell.
    fn as_curl(&self) -> String {
        format!("curl -sS {} -d {}\n", shell_quoted(&self.url), shell_quoted(&self.body))
    }

    /// Makes the call, again if it is unknown whether it took effect.
    async fn make(&self) -> Result<Value, CliError> {
        let mut failure = String::new();
        for _ in 0..TRIES {
            match self.once().await {
                Ok(reply) if reply["ErrorCode"] == 0 => return Ok(reply),
                Ok(reply) => {
                    failure = format!("{} {}", reply["ErrorCode"], reply["ErrorInfo"].as_str().unwrap_or_default());
                    let code = reply["ErrorCode"].as_u64().and_then(|code| u32::try_from(code).ok());
                    if !code.and_then(|code| Code::try_from(code).ok()).is_some_and(Code::retry) {
                        break;
                    }
                }
                Err(error) => failure = with_causes(&error.without_url()),
            }
        }
        Err(CliError::Failed(format!("the message was not sent: {failure}")))
    }

    async fn once(&self) -> Result<Value, reqwest::Error> {
        // A second installation answers with an error, and one is all that is needed.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let client = reqwest::Client::builder().timeout(TIME_LIMIT).build()?;
        let request = client.post(&self.url).header("content-type", "application/json").body(self.body.clone());
        request.send().await?.json().await
    }
}

fn shell_quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn percent_encoded(text: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    text.bytes().map(|byte| if plain(&byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_text_is_one_word_of_the_shell() {
        assert_eq!(shell_quoted("it's"), r"'it'\''s'");
    }

    #[test]
    fn an_account_with_odd_characters_stays_one_value_of_the_query() {
        assert_eq!(percent_encoded("a&b =c"), "a%26b%20%3Dc");
    }
}
