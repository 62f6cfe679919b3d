//! Record files, handed out: where one is, for whom a back end asks, and the download itself.
//!
//! A URL is good for one file and for a while: it carries its last second and a seal of both. So a back end may give it
//! to whatever downloads, which needs no signature of an admin.

use axum::body::Body;
use axum::extract::{Path, Request, State};
use axum::http::{HeaderValue, Response, StatusCode, header};
use axum::response::IntoResponse as _;
use duolog_topics::Millis;
use tower::ServiceExt as _;
use tower_http::services::ServeFile;

use super::error::ApiError;
use super::state::HttpState;
use crate::error::Code;
use crate::gateway::auth::AppKey;
use crate::records::{Folder, Hour, UtcOffset, Written};

/// How long a URL is good at most.
const URL_TIME: Millis = 24 * 3_600_000;
const GZIP: HeaderValue = HeaderValue::from_static("application/gzip");

/// Where record files are, as the configuration says.
#[derive(Clone, Debug)]
pub struct RecordSettings {
    pub folder: Folder,
    /// How long a file is kept after its hour.
    pub retention: Millis,
    pub utc_offset: UtcOffset,
    /// What URLs begin with, without a slash at the end.
    pub base_url: String,
}

/// The files, and what seals their URLs.
pub struct Records {
    key: AppKey,
    settings: RecordSettings,
}

/// A file that is there.
pub struct Found {
    pub url: String,
    /// The URL's last second, by the clock that names the files.
    pub expires: String,
    pub written: Written,
}

impl Records {
    pub fn new(key: AppKey, settings: RecordSettings) -> Self {
        Self { key, settings }
    }

    /// Whether an hour's file is no longer kept at `now`.
    pub fn has_expired(&self, hour: Hour, now: Millis) -> bool {
        self.kept_until(hour) <= now
    }

    /// The file of an hour; none if it has none.
    ///
    /// # Errors
    /// 1003 if the folder cannot be read.
    pub async fn find(&self, hour: Hour, now: Millis) -> Result<Option<Found>, ApiError> {
        let folder = self.settings.folder.clone();
        let read = move || {
            let written = folder.index()?.and_then(|index| index.hours.get(&hour).cloned());
            Ok::<_, crate::records::FolderError>(written.filter(|_| folder.file(hour).exists()))
        };
        let failed = |error: &dyn std::fmt::Display| {
            tracing::error!("record files cannot be looked up: {error}");
            ApiError::from(Code::RECORD_SYSTEM_ERROR)
        };
        let read = tokio::task::spawn_blocking(read).await.map_err(|error| failed(&error))?;
        let Some(written) = read.map_err(|error| failed(&error))? else { return Ok(None) };
        let expires = (now + URL_TIME).min(self.kept_until(hour));
        let (name, until) = (name_of(hour), expires / 1000);
        let seal = self.key.seal(&sealed(&name, until));
        let url = format!("{}/records/{name}?expires={until}&signature={seal}", self.settings.base_url);
        Ok(Some(Found { url, expires: self.settings.utc_offset.show(expires), written }))
    }

    fn kept_until(&self, hour: Hour) -> Millis {
        hour.end(self.settings.utc_offset) + self.settings.retention
    }

    /// The hour whose file a URL is good for at `now`.
    fn admitted(&self, name: &str, query: &str, now: Millis) -> Option<Hour> {
        let value = |key: &str| query.split('&').find_map(|pair| pair.strip_prefix(key)?.strip_prefix('='));
        let until: u64 = value("expires")?.parse().ok()?;
        let is_ours = self.key.is_sealed(&sealed(name, until), value("signature")?);
        // Only a name of ours is sealed, so no name leads out of the folder.
        name.strip_suffix(".gz")?.parse().ok().filter(|_| is_ours && now / 1000 <= until)
    }
}

fn name_of(hour: Hour) -> String {
    format!("{hour}.gz")
}

fn sealed(name: &str, until: u64) -> String {
    format!("records\n{name}\n{until}")
}

/// Hands a file out, whole or in ranges; 403 if the URL was not made here or has expired, 404 if the file is gone.
pub async fn download(State(state): State<HttpState>, Path(name): Path<String>, request: Request) -> Response<Body> {
    let query = request.uri().query().unwrap_or_default();
    let Some(hour) = state.records.admitted(&name, query, state.engine.now()) else {
        return (StatusCode::FORBIDDEN, "the signature is wrong, or has expired\n").into_response();
    };
    let file = ServeFile::new(state.records.settings.folder.file(hour));
    let mut response = match file.oneshot(request).await {
        Ok(response) => response.map(Body::new),
        Err(never) => match never {},
    };
    if response.status().is_success() {
        response.headers_mut().insert(header::CONTENT_TYPE, GZIP);
    }
    response
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Millis = 1_557_480_000_000;

    fn records() -> Records {
        let settings = RecordSettings {
            folder: Folder::new("/nowhere"),
            retention: 7 * 24 * 3_600_000,
            utc_offset: UtcOffset::default(),
            base_url: "http://here".to_owned(),
        };
        Records::new(AppKey::new(1, "key"), settings)
    }

    #[test]
    fn a_url_is_good_for_its_file_and_its_time_only() {
        let records = records();
        let until = NOW / 1000 + 10;
        let seal = records.key.seal(&sealed("2019051008.gz", until));
        let query = format!("expires={until}&signature={seal}");
        let hour = "2019051008".parse().ok();
        assert_eq!(records.admitted("2019051008.gz", &query, NOW), hour);
        assert_eq!(records.admitted("2019051008.gz", &query, NOW + 10_999), hour);
        assert_eq!(records.admitted("2019051008.gz", &query, NOW + 11_000), None);
        assert_eq!(records.admitted("2019051007.gz", &query, NOW), None);
        assert_eq!(records.admitted("2019051008.gz", &query.replace("expires=1", "expires=2"), NOW), None);
        assert_eq!(records.admitted("2019051008.gz", &format!("expires={until}&signature="), NOW), None);
        assert_eq!(records.admitted("2019051008.gz", "", NOW), None);
        let other = Records { key: AppKey::new(1, "other"), ..records };
        assert_eq!(other.admitted("2019051008.gz", &query, NOW), None);
    }

    #[test]
    fn a_sealed_name_that_is_no_hour_is_refused() {
        let records = records();
        let until = NOW / 1000;
        for name in ["index.json", "../app.key", "2019051008", ".gz"] {
            let query = format!("expires={until}&signature={}", records.key.seal(&sealed(name, until)));
            assert_eq!(records.admitted(name, &query, NOW), None, "{name}");
        }
    }

    #[test]
    fn a_file_is_kept_from_the_end_of_its_hour() {
        let (records, hour) = (records(), "2019051008".parse().unwrap());
        let end = NOW - 20 * 60_000;
        assert!(!records.has_expired(hour, end + records.settings.retention - 1));
        assert!(records.has_expired(hour, end + records.settings.retention));
    }
}
