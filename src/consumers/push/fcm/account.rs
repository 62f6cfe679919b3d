use serde::Deserialize;

/// The members of a service account's file that are needed here; the file has more.
#[derive(Deserialize)]
pub struct ServiceAccount {
    pub project_id: String,
    pub client_email: String,
    /// PEM, PKCS#8.
    pub private_key: String,
    #[serde(default)]
    pub private_key_id: String,
    /// Where a signed statement is exchanged for a bearer token.
    pub token_uri: String,
}
