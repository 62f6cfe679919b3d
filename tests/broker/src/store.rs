use std::collections::BTreeMap;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::Mutex;
use std::time::{Duration, Instant, SystemTime};

use tempfile::TempDir;

use crate::node::{die_with_parent, spawn_for_good};
use crate::{jars_of, java_with, ports};

/// The name of the jars' folder in the cache.
const S3PROXY: &str = "s3proxy-2.6.0";
const BUCKET: &str = "duolog";
const KEY_ID: &str = "tester";
const KEY: &str = "the-testers-key";
/// A server that is not up by then never will be; on a busy machine it takes a while.
const PATIENCE: Duration = Duration::from_secs(120);
const LOOK: Duration = Duration::from_millis(50);

/// A real server of the S3 protocol, with one bucket in a temporary folder. It checks signatures. It goes when its handle
/// is dropped or the process that started it ends.
pub struct ObjectStore {
    port: u16,
    dir: TempDir,
    running: Mutex<Option<Child>>,
}

impl ObjectStore {
    /// Starts it and waits until it answers.
    ///
    /// # Panics
    /// If the jars are missing or it does not start.
    pub fn start() -> Self {
        let jars = jars_of(S3PROXY);
        let there = jars.join(format!("{S3PROXY}.jar")).exists();
        assert!(there, "there is no S3Proxy in {}: `make test` fetches it (scripts/setup.sh test)", jars.display());
        let dir = tempfile::Builder::new().prefix("duolog-store-").tempdir().expect("a temporary folder");
        let port = ports::free(1)[0];
        let bucket = dir.path().join("buckets").join(BUCKET);
        std::fs::create_dir_all(&bucket).expect("the bucket is made");
        let properties = format!(
            "s3proxy.endpoint=http://127.0.0.1:{port}\n\
             s3proxy.authorization=aws-v2-or-v4\n\
             s3proxy.identity={KEY_ID}\n\
             s3proxy.credential={KEY}\n\
             jclouds.provider=filesystem-nio2\n\
             jclouds.identity=unused\n\
             jclouds.credential=unused\n\
             jclouds.filesystem.basedir={}\n",
            dir.path().join("buckets").display()
        );
        std::fs::write(dir.path().join("s3.properties"), properties).expect("the configuration is written");
        let silent = r#"<configuration><root level="OFF"/></configuration>"#;
        std::fs::write(dir.path().join("logback.xml"), silent).expect("the configuration is written");
        let store = Self { port, dir, running: Mutex::default() };
        store.restart();
        store
    }

    pub fn port(&self) -> u16 {
        self.port
    }

    /// The lines of a configuration that put checkpoints into this store, reached at a port of this machine.
    pub fn settings(&self, prefix: &str, port: u16) -> String {
        format!(
            "checkpoint.url = 's3://{BUCKET}/{prefix}'\n\
             checkpoint.endpoint = 'http://127.0.0.1:{port}'\n\
             checkpoint.allow_http = true\n\
             checkpoint.access_key_id = '{KEY_ID}'\n\
             checkpoint.secret_access_key = '{KEY}'\n"
        )
    }

    /// The same for programs that take the usual variables.
    pub fn variables(&self) -> [(&'static str, String); 4] {
        [
            ("AWS_ENDPOINT_URL_S3", format!("http://127.0.0.1:{}", self.port)),
            ("AWS_ALLOW_HTTP", "true".to_owned()),
            ("AWS_ACCESS_KEY_ID", KEY_ID.to_owned()),
            ("AWS_SECRET_ACCESS_KEY", KEY.to_owned()),
        ]
    }

    /// Where such programs find a prefix.
    pub fn url(&self, prefix: &str) -> String {
        format!("s3://{BUCKET}/{prefix}")
    }

    /// The file that holds an object.
    pub fn file(&self, object: &str) -> PathBuf {
        self.dir.path().join("buckets").join(BUCKET).join(object)
    }

    /// The objects below a prefix: what follows it in their names, and when they were written.
    pub fn objects(&self, prefix: &str) -> BTreeMap<String, SystemTime> {
        let mut found = BTreeMap::new();
        let root = self.file(prefix);
        walk(&root, &root, &mut found);
        found
    }

    /// Ends the process at once.
    pub fn kill(&self) {
        if let Some(mut child) = self.running.lock().expect("no holder panics").take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Starts it, and waits until it answers.
    ///
    /// # Panics
    /// If it does not.
    pub fn restart(&self) {
        let logback = format!("-Dlogback.configurationFile={}", self.dir.path().join("logback.xml").display());
        let options = ["-Xmx192m", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", &logback];
        let mut command = java_with(&jars_of(S3PROXY), &options, "org.gaul.s3proxy.Main");
        command.arg("--properties").arg(self.dir.path().join("s3.properties"));
        command.stdout(Stdio::null()).stderr(Stdio::null());
        die_with_parent(&mut command);
        *self.running.lock().expect("no holder panics") = Some(spawn_for_good(command));
        let until = Instant::now() + PATIENCE;
        while TcpStream::connect(("127.0.0.1", self.port)).is_err() {
            assert!(Instant::now() < until, "the object store on port {} does not start", self.port);
            std::thread::park_timeout(LOOK);
        }
    }
}

impl Drop for ObjectStore {
    fn drop(&mut self) {
        self.kill();
    }
}

fn walk(root: &Path, folder: &Path, found: &mut BTreeMap<String, SystemTime>) {
    let Ok(entries) = std::fs::read_dir(folder) else { return };
    for path in entries.map_while(Result::ok).map(|entry| entry.path()) {
        if path.is_dir() {
            walk(root, &path, found);
        } else if let (Ok(name), Ok(Ok(time))) = (path.strip_prefix(root), path.metadata().map(|it| it.modified())) {
            found.insert(name.display().to_string(), time);
        }
    }
}
