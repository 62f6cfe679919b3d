//! Programs that are measured from outside: the server, and the peers that stand beside it, each a process of its own.

use std::io::{BufRead as _, BufReader};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};
use duolog::gateway::auth::AppKey;
use duolog_topics::Account;

use crate::history;

const SDKAPPID: u64 = 1_400_000_000;
const KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
pub const ADMIN: &str = "administrator";
/// Of every signature, in seconds.
const VALIDITY: u64 = 86_400;

/// A process that listens; it is killed when this is dropped.
pub struct Program {
    child: Child,
    pub address: SocketAddr,
}

impl Program {
    /// The server on a folder, without limits to rates.
    ///
    /// # Errors
    /// If it does not start.
    pub fn server(folder: &Path) -> Result<Self> {
        let config = format!(
            "app.sdkappid = {SDKAPPID}\napp.key_file = '{}'\napp.admins = ['{ADMIN}']\ndata.dir = '{}'\n\
             server.listen = '127.0.0.1:0'\nserver.rate_limit = 0\nlimits.sends_per_second = 0\n",
            folder.join("app.key").display(),
            folder.join("data").display(),
        );
        std::fs::write(folder.join("duolog.toml"), config)?;
        std::fs::write(folder.join("app.key"), KEY)?;
        let mut command = Command::new(env!("CARGO_BIN_EXE_duolog"));
        Self::start(command.arg("serve").arg("--config").arg(folder.join("duolog.toml")))
    }

    /// This program again, as a peer.
    ///
    /// # Errors
    /// If it does not start.
    pub fn peer(name: &str) -> Result<Self> {
        Self::start(Command::new(std::env::current_exe()?).arg(format!("{}{name}", crate::peer::ARGUMENT)))
    }

    fn start(command: &mut Command) -> Result<Self> {
        let mut child = command.stdout(Stdio::piped()).spawn()?;
        let mut lines = BufReader::new(child.stdout.take().context("its output is piped")?).lines();
        let address = lines.find_map(|line| line.ok()?.rsplit_once("listening on http://")?.1.trim().parse().ok());
        std::thread::spawn(move || lines.for_each(drop));
        match address {
            Some(address) => Ok(Self { child, address }),
            None => anyhow::bail!("the program ended before it listened: {}", child.wait()?),
        }
    }

    /// Bytes of memory that are its own, not of files.
    ///
    /// # Errors
    /// If the system does not say.
    pub fn memory(&self) -> Result<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).context("a line about memory")?;
        Ok(line.trim().trim_end_matches(" kB").parse::<u64>()? * 1024)
    }

    /// Ends it as a loss of power ends a process.
    ///
    /// # Errors
    /// If it had ended before.
    pub fn kill(mut self) -> Result<()> {
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A signature of an account, made now.
pub fn signature(account: &Account) -> String {
    AppKey::new(SDKAPPID, KEY).sign(account, history::now() / 1000, VALIDITY)
}

/// The target of a server-API command, as the admin calls it.
///
/// # Errors
/// Never: the admin's name is one.
pub fn target(command: &str) -> Result<String> {
    let signature = signature(&Account::new(ADMIN)?);
    Ok(format!("/v4/{command}?sdkappid={SDKAPPID}&identifier={ADMIN}&usersig={signature}&random=1&contenttype=json"))
}

/// As many open files as the system lets this process and its children have; an error if `wanted` are more.
///
/// # Errors
/// If there are too few.
pub fn open_files(wanted: u64) -> Result<()> {
    let mut limit = libc::rlimit { rlim_cur: 0, rlim_max: 0 };
    // SAFETY: both calls get a struct of ours.
    let raised = unsafe {
        libc::getrlimit(libc::RLIMIT_NOFILE, &raw mut limit);
        limit.rlim_cur = limit.rlim_max;
        libc::setrlimit(libc::RLIMIT_NOFILE, &raw const limit)
    };
    ensure!(raised == 0 && limit.rlim_cur >= wanted, "{} files may be open, {wanted} are needed", limit.rlim_cur);
    Ok(())
}
