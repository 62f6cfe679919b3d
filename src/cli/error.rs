use duolog::config::ConfigError;
use duolog::server::ServerError;
use thiserror::Error;

/// Why a command ended without having done its work.
#[derive(Debug, Error)]
pub enum CliError {
    #[error("the configuration is wrong\n{0}")]
    Config(#[from] ConfigError),
    /// The arguments fit the grammar, and still make no sense.
    #[error("{0}")]
    Usage(String),
    #[error("the server stopped")]
    Server(#[source] ServerError),
    #[error("{0}")]
    Failed(String),
    #[error("{doing}")]
    Io { doing: String, source: std::io::Error },
}

/// A file that the configuration names is read when the server starts, and is a part of it.
impl From<ServerError> for CliError {
    fn from(error: ServerError) -> Self {
        match error {
            ServerError::Config(error) => Self::Config(error),
            error => Self::Server(error),
        }
    }
}

impl CliError {
    /// 2: usage or configuration, to be mended by whoever called; 1: anything else.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Config(_) | Self::Usage(_) => 2,
            Self::Server(_) | Self::Failed(_) | Self::Io { .. } => 1,
        }
    }
}
