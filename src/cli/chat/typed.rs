//! What a person types: a line is sent, a line that begins with a slash is a command.

use duolog_topics::Account;

/// What `/help` prints.
pub const HELP: &str = "\
a line                 is sent to whoever wrote last, or to --to; a line that begins with // is sent with one slash
/to ACCOUNT            from here on lines go to ACCOUNT
/history [PEER] [N]    the last N messages with PEER (20)
/recent                recent contacts
/read [PEER]           everything from PEER is read
/recall [NUMBER]       takes back the message with that number, or the last one
/block ACCOUNT...      blocks; /unblock ACCOUNT... lifts it
/help                  this text; end of input (Ctrl-D) logs out";

/// How many messages `/history` shows if nobody says.
const HISTORY: u32 = 20;
/// The protocol's page of history.
const HISTORY_MOST: u32 = 100;

/// A line, understood.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Typed {
    Text(String),
    To(Account),
    History {
        peer: Option<Account>,
        limit: u32,
    },
    Recent,
    Read(Option<Account>),
    /// The number that was shown beside the message.
    Recall(Option<usize>),
    Block(Vec<Account>),
    Unblock(Vec<Account>),
    Help,
}

impl Typed {
    /// Understands a line; `None` if it is empty.
    ///
    /// # Errors
    /// What is wrong with a command, for the person who typed it.
    pub fn parse(line: &str) -> Result<Option<Self>, String> {
        let line = line.trim_end_matches(['\r', '\n']);
        if line.trim().is_empty() {
            return Ok(None);
        }
        match line.strip_prefix('/') {
            None => Ok(Some(Self::Text(line.to_owned()))),
            Some(text) if text.starts_with('/') => Ok(Some(Self::Text(text.to_owned()))),
            Some(command) => Self::command(command).map(Some),
        }
    }

    /// Whether it asks the gateway for something other than to send a message.
    pub fn is_command(&self) -> bool {
        !matches!(self, Self::Text(_) | Self::To(_) | Self::Help)
    }

    fn command(command: &str) -> Result<Self, String> {
        let mut words = command.split_whitespace();
        let name = words.next().unwrap_or_default();
        let words: Vec<&str> = words.collect();
        match (name, words.as_slice()) {
            ("to", [peer]) => Ok(Self::To(account(peer)?)),
            ("to", _) => Err("usage: /to ACCOUNT".to_owned()),
            ("history", words) => Self::history(words),
            ("recent", []) => Ok(Self::Recent),
            ("recent", _) => Err("usage: /recent".to_owned()),
            ("read", []) => Ok(Self::Read(None)),
            ("read", [peer]) => Ok(Self::Read(Some(account(peer)?))),
            ("read", _) => Err("usage: /read [PEER]".to_owned()),
            ("recall", words) => Self::recall(words),
            ("block" | "unblock", []) => Err(format!("usage: /{name} ACCOUNT...")),
            ("block", peers) => Ok(Self::Block(accounts(peers)?)),
            ("unblock", peers) => Ok(Self::Unblock(accounts(peers)?)),
            ("help", _) => Ok(Self::Help),
            _ => Err(format!("/{command} is no command; /help lists them")),
        }
    }

    fn recall(words: &[&str]) -> Result<Self, String> {
        let number = match words {
            [] => return Ok(Self::Recall(None)),
            [number] => number.trim_matches(['[', ']']).parse().ok(),
            _ => None,
        };
        number.map(|number| Self::Recall(Some(number))).ok_or_else(|| "usage: /recall [NUMBER]".to_owned())
    }

    fn history(words: &[&str]) -> Result<Self, String> {
        let (peer, number) = match words {
            [] => (None, None),
            [word] => match word.parse() {
                Ok(number) => (None, Some(number)),
                Err(_) => (Some(account(word)?), None),
            },
            [peer, number] => {
                let number = number.parse().map_err(|_| "usage: /history [PEER] [N]".to_owned())?;
                (Some(account(peer)?), Some(number))
            }
            _ => return Err("usage: /history [PEER] [N]".to_owned()),
        };
        Ok(Self::History { peer, limit: number.unwrap_or(HISTORY).clamp(1, HISTORY_MOST) })
    }
}

fn account(word: &str) -> Result<Account, String> {
    Account::new(word).map_err(|error| format!("{word}: {error}"))
}

fn accounts(words: &[&str]) -> Result<Vec<Account>, String> {
    words.iter().map(|word| account(word)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(name: &str) -> Account {
        Account::new(name).unwrap()
    }

    #[test]
    fn a_line_is_text_and_a_slash_is_a_command() {
        assert_eq!(Typed::parse("hi there\n"), Ok(Some(Typed::Text("hi there".to_owned()))));
        assert_eq!(Typed::parse("//usr"), Ok(Some(Typed::Text("/usr".to_owned()))));
        assert_eq!(Typed::parse("  \n"), Ok(None));
        assert_eq!(Typed::parse("/to bob"), Ok(Some(Typed::To(name("bob")))));
        assert_eq!(Typed::parse("/recall [3]"), Ok(Some(Typed::Recall(Some(3)))));
        assert_eq!(Typed::parse("/block a b"), Ok(Some(Typed::Block(vec![name("a"), name("b")]))));
        assert_eq!(Typed::parse("/history bob 5"), Ok(Some(Typed::History { peer: Some(name("bob")), limit: 5 })));
        assert_eq!(Typed::parse("/history 500"), Ok(Some(Typed::History { peer: None, limit: 100 })));
        assert!(Typed::parse("/nonsense").is_err());
    }

    #[test]
    fn a_command_that_is_typed_wrongly_says_how_it_is_typed() {
        for (line, usage) in [
            ("/to", "/to ACCOUNT"),
            ("/to alice bob", "/to ACCOUNT"),
            ("/block", "/block ACCOUNT..."),
            ("/unblock", "/unblock ACCOUNT..."),
            ("/recent x", "/recent"),
            ("/read alice bob", "/read [PEER]"),
            ("/recall x", "/recall [NUMBER]"),
            ("/recall 1 2", "/recall [NUMBER]"),
            ("/history a b c", "/history [PEER] [N]"),
        ] {
            assert_eq!(Typed::parse(line), Err(format!("usage: {usage}")), "{line}");
        }
    }
}
