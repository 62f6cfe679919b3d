use clap::Args;
use duolog::config::Config;
use duolog::gateway::auth::AppKey;
use duolog_topics::Account;

use super::{CliError, ConfigArguments, print, unix_seconds};

/// What signing libraries make by default: 180 days.
const DEFAULT_EXPIRE: u64 = 15_552_000;

/// For how long the command line signs its own calls.
const OWN_EXPIRE: u64 = 86_400;

/// Print a signature for an account, alone on a line
#[derive(Args)]
pub struct Usersig {
    /// Who signs in with it
    account: Account,
    /// For how many seconds it is valid
    #[arg(long, value_name = "SECONDS", default_value_t = DEFAULT_EXPIRE)]
    expire: u64,
    #[command(flatten)]
    config: ConfigArguments,
}

impl Usersig {
    pub fn run(self) -> Result<(), CliError> {
        let identity = self.config.load()?.app_identity()?;
        let key = AppKey::new(identity.sdkappid, identity.key);
        print(&format!("{}\n", key.sign(&self.account, unix_seconds(), self.expire)))
    }
}

/// Signs an account in for a command of our own, with the key that the configuration names.
pub fn sign(config: &Config, account: &Account) -> Result<String, CliError> {
    let identity = config.app_identity()?;
    Ok(AppKey::new(identity.sdkappid, identity.key).sign(account, unix_seconds(), OWN_EXPIRE))
}
