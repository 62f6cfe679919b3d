use std::borrow::Cow;
use std::io::{Read, Write};

use base64::Engine as _;
use base64::alphabet::Alphabet;
use base64::engine::general_purpose::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use flate2::Compression;
use flate2::read::ZlibDecoder;
use flate2::write::ZlibEncoder;
use serde::{Deserialize, Serialize};

use super::SigError;

/// The longest token that is looked at. One for an account takes about 250 bytes, a userbuf adds less than 200.
pub const TOKEN_BYTES: usize = 8 * 1024;

/// The longest document that a token may inflate to.
pub const DOCUMENT_BYTES: usize = 8 * 1024;

/// Standard base64 with `+` as `*` and `/` as `-`. The padding is written as `_` and may be missing.
///
/// This is not base64url of RFC 4648, which gives `-` and `_` other meanings.
const TOKEN_BASE64: GeneralPurpose = GeneralPurpose::new(
    &match Alphabet::new("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789*-") {
        Ok(alphabet) => alphabet,
        Err(_) => panic!("64 different printable characters are an alphabet"),
    },
    GeneralPurposeConfig::new().with_encode_padding(false).with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

/// What a signature says, before it is known whether it is true.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Signature {
    /// Whose it says it is: any text.
    pub account: String,
    /// The app that it says it is for.
    pub sdkappid: u64,
    /// When it was made, Unix seconds.
    pub time: u64,
    /// For how many seconds it is valid; negative: it never was.
    pub expire: i64,
    /// Bytes that the signer added, for the rights in a call room; absent in plain messaging.
    pub userbuf: Option<Vec<u8>>,
    /// HMAC-SHA256 over all of the above.
    pub mac: Vec<u8>,
}

/// The JSON document inside a token. Members come in any order; unknown ones are ignored.
#[derive(Serialize, Deserialize)]
struct Document {
    #[serde(rename = "TLS.ver")]
    ver: String,
    #[serde(rename = "TLS.identifier")]
    identifier: String,
    #[serde(rename = "TLS.sdkappid")]
    sdkappid: u64,
    #[serde(rename = "TLS.time")]
    time: u64,
    #[serde(rename = "TLS.expire")]
    expire: i64,
    #[serde(rename = "TLS.userbuf", default, skip_serializing_if = "Option::is_none")]
    userbuf: Option<String>,
    #[serde(rename = "TLS.sig")]
    sig: String,
}

const VERSION: &str = "2.0";

impl Signature {
    /// Reads a token; percent-encoded characters are accepted. Verifies nothing.
    ///
    /// Layers, from outside: base64 with its own alphabet, zlib (RFC 1950, any level), JSON.
    ///
    /// # Errors
    /// [`SigError::Empty`], [`SigError::Encoding`], [`SigError::Document`] and [`SigError::Content`].
    pub fn decode(token: &str) -> Result<Self, SigError> {
        if token.is_empty() {
            return Err(SigError::Empty);
        }
        if token.len() > TOKEN_BYTES {
            return Err(SigError::Encoding("it is too long"));
        }
        let document: Document = serde_json::from_slice(&inflate(&undo_base64(token)?)?)?;
        if document.ver != VERSION {
            return Err(SigError::Content("TLS.ver is not 2.0"));
        }
        let base64 = |text: String, wrong| STANDARD.decode(text).map_err(|_| SigError::Content(wrong));
        Ok(Self {
            account: document.identifier,
            sdkappid: document.sdkappid,
            time: document.time,
            expire: document.expire,
            userbuf: document.userbuf.map(|text| base64(text, "TLS.userbuf is not base64")).transpose()?,
            mac: base64(document.sig, "TLS.sig is not base64")?,
        })
    }

    /// Writes the token; [`Self::decode`] of it gives an equal signature.
    pub fn encode(&self) -> String {
        let document = Document {
            ver: VERSION.to_owned(),
            identifier: self.account.clone(),
            sdkappid: self.sdkappid,
            time: self.time,
            expire: self.expire,
            userbuf: self.userbuf.as_ref().map(|bytes| STANDARD.encode(bytes)),
            sig: STANDARD.encode(&self.mac),
        };
        let json = serde_json::to_vec(&document).expect("a struct of texts and numbers has a JSON form");
        let mut zlib = ZlibEncoder::new(Vec::new(), Compression::default());
        let written = zlib.write_all(&json).and_then(|()| zlib.finish());
        let mut token = TOKEN_BASE64.encode(written.expect("writing to memory does not fail"));
        while !token.len().is_multiple_of(4) {
            token.push('_');
        }
        token
    }
}

fn undo_base64(token: &str) -> Result<Vec<u8>, SigError> {
    let token = undo_percent(token.as_bytes())?;
    let padding = token.iter().rev().take(2).take_while(|byte| **byte == b'_').count();
    TOKEN_BASE64.decode(&token[..token.len() - padding]).map_err(|_| SigError::Encoding("it is not base64"))
}

/// Undoes `%2A` and the like, which some HTTP clients make of characters that need it not. No token has a `%` of its own.
fn undo_percent(token: &[u8]) -> Result<Cow<'_, [u8]>, SigError> {
    if !token.contains(&b'%') {
        return Ok(Cow::Borrowed(token));
    }
    let mut out = Vec::with_capacity(token.len());
    let mut rest = token;
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        if byte != b'%' {
            out.push(byte);
            continue;
        }
        let digits = after.split_first_chunk::<2>().ok_or(SigError::Encoding("a percent sign stands alone"))?;
        out.push(hex(*digits.0).ok_or(SigError::Encoding("a percent sign stands alone"))?);
        rest = digits.1;
    }
    Ok(Cow::Owned(out))
}

fn hex([high, low]: [u8; 2]) -> Option<u8> {
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(high)? << 4 | digit(low)?).ok()
}

/// Inflates at most [`DOCUMENT_BYTES`], so that a small token cannot fill the memory.
fn inflate(bytes: &[u8]) -> Result<Vec<u8>, SigError> {
    let mut document = Vec::with_capacity(512);
    let limit = DOCUMENT_BYTES as u64 + 1;
    ZlibDecoder::new(bytes)
        .take(limit)
        .read_to_end(&mut document)
        .map_err(|_| SigError::Encoding("it is not zlib, or cut short"))?;
    if document.len() > DOCUMENT_BYTES {
        return Err(SigError::Encoding("it inflates to too much"));
    }
    Ok(document)
}
