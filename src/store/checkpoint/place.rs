use std::{
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use object_store::{
    BackoffConfig, ClientConfigKey, ObjectStore, RetryConfig,
    aws::{AmazonS3Builder, AmazonS3ConfigKey},
    local::LocalFileSystem,
    path::Path as ObjectPath,
};

use super::CheckpointError;

/// One request, its body of at most one part included, has so long.
const REQUEST_TIME: &str = "30 seconds";
const CONNECT_TIME: &str = "5 seconds";
/// A request that fails for a reason that may pass is made again, later and later, so often and for so long.
const RETRY: RetryConfig = RetryConfig {
    backoff: BackoffConfig { init_backoff: Duration::from_millis(200), max_backoff: Duration::from_secs(10), base: 2. },
    max_retries: 5,
    retry_timeout: Duration::from_secs(60),
};

/// Where checkpoints lie.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// A local folder; made when something is written.
    Folder(PathBuf),
    S3(S3Place),
}

/// A bucket of Amazon S3, or of a server that speaks its protocol. What is absent is taken from the usual `AWS_*`
/// variables of the environment, then from the machine's role.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct S3Place {
    pub bucket: String,
    /// What the names of all objects begin with.
    pub prefix: String,
    /// The server's address, if it is not Amazon's.
    pub endpoint: Option<String>,
    pub region: Option<String>,
    /// The id of the access key, and the key.
    pub access_key: Option<(String, String)>,
    /// Whether requests may go out without TLS.
    pub allow_http: bool,
    /// Whether the bucket's name is part of the host's, as it has to be with some servers.
    pub virtual_hosted: bool,
}

/// Without the key.
impl std::fmt::Debug for S3Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("S3Place").field("bucket", &self.bucket).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Folder(folder) => write!(f, "{}", folder.display()),
            Self::S3(S3Place { bucket, prefix, .. }) if prefix.is_empty() => write!(f, "s3://{bucket}"),
            Self::S3(S3Place { bucket, prefix, .. }) => write!(f, "s3://{bucket}/{prefix}"),
        }
    }
}

impl Place {
    /// The store and what the names in it begin with. Nothing is asked of it yet.
    pub(super) fn open(&self) -> Result<(Arc<dyn ObjectStore>, ObjectPath), CheckpointError> {
        match self {
            Self::Folder(folder) => folder_store(folder),
            Self::S3(place) => Ok((place.store().map_err(|error| self.refused(&error))?, place.prefix.as_str().into())),
        }
    }

    fn refused(&self, error: &object_store::Error) -> CheckpointError {
        CheckpointError::Place { place: self.to_string(), why: error.to_string() }
    }
}

/// The whole file system, with names that begin with the folder's: so the folder need not be there yet.
fn folder_store(folder: &Path) -> Result<(Arc<dyn ObjectStore>, ObjectPath), CheckpointError> {
    let refused = |why: String| CheckpointError::Place { place: folder.display().to_string(), why };
    let absolute = std::path::absolute(folder).map_err(|error| refused(error.to_string()))?;
    let prefix = ObjectPath::from_absolute_path(absolute).map_err(|error| refused(error.to_string()))?;
    Ok((Arc::new(LocalFileSystem::new().with_fsync(true)), prefix))
}

impl S3Place {
    fn store(&self) -> Result<Arc<dyn ObjectStore>, object_store::Error> {
        // The process speaks TLS with ring; a second installation is refused and changes nothing.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = AmazonS3Builder::from_env()
            .with_bucket_name(&self.bucket)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::Timeout), REQUEST_TIME)
            .with_config(AmazonS3ConfigKey::Client(ClientConfigKey::ConnectTimeout), CONNECT_TIME)
            .with_retry(RETRY)
            // Not every server of the protocol has it, and few objects are deleted at a time.
            .with_disable_bulk_delete(true);
        if self.allow_http {
            builder = builder.with_allow_http(true);
        }
        if self.virtual_hosted {
            builder = builder.with_virtual_hosted_style_request(true);
        }
        if let Some(endpoint) = &self.endpoint {
            // The key that wins over the other one's variable.
            builder = builder.with_config(AmazonS3ConfigKey::S3Endpoint, endpoint);
        }
        if let Some(region) = &self.region {
            builder = builder.with_region(region);
        }
        if let Some((id, key)) = &self.access_key {
            builder = builder.with_access_key_id(id).with_secret_access_key(key);
        }
        Ok(Arc::new(builder.build()?))
    }
}
