use std::io::{self, Write};

use duolog_topics::{Account, Millis, RawJson};
use flate2::write::GzEncoder;
use flate2::{Compression, GzBuilder};
use md5::{Digest as _, Md5};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Hour;

/// The operating system that a gzip header names: none, so that the same hour is the same bytes wherever it is written.
const NO_SYSTEM: u8 = 255;

/// A message for one receiver, as its sender sent it.
#[derive(Clone, Copy, Debug)]
pub struct RecordedMessage<'a> {
    pub from: &'a Account,
    pub to: &'a Account,
    /// Message time.
    pub time: Millis,
    pub msg_seq: u32,
    pub random: u32,
    pub body: &'a RawJson,
    pub custom: Option<&'a str>,
}

/// Sizes in bytes and MD5 digests (lower-case hexadecimal), before and after gzip.
#[derive(Clone, PartialEq, Eq, Debug, Serialize, Deserialize)]
pub struct Written {
    pub messages: u64,
    pub file_size: u64,
    pub file_md5: String,
    pub gzip_size: u64,
    pub gzip_md5: String,
}

/// Writes the messages of an hour: one JSON document, a message a line, compressed. The same messages give the same bytes.
pub struct HourFile<W: Write> {
    /// What is written here is compressed into the writer inside.
    out: Digesting<GzEncoder<Digesting<W>>>,
    messages: u64,
    line: Vec<u8>,
}

impl<W: Write> HourFile<W> {
    /// Begins with the line that opens the document.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn begin(out: W, sdkappid: u64, hour: Hour) -> io::Result<Self> {
        let gzip = GzBuilder::new().mtime(0).operating_system(NO_SYSTEM);
        let mut out = Digesting::new(gzip.write(Digesting::new(out), Compression::default()));
        write!(out, r#"{{"SdkAppId":{sdkappid},"ChatType":"C2C","MsgTime":"{hour}","MsgList":["#)?;
        Ok(Self { out, messages: 0, line: Vec::new() })
    }

    /// # Errors
    /// If it cannot be written, or its body is no JSON.
    pub fn add(&mut self, message: &RecordedMessage<'_>) -> io::Result<()> {
        self.line.clear();
        self.line.extend_from_slice(if self.messages == 0 { b"\n" } else { b",\n" });
        let body = one_line(message.body.as_str());
        let body: &RawValue = serde_json::from_str(&body)?;
        let line = Line {
            from: message.from,
            to: message.to,
            time: message.time / 1000,
            msg_seq: message.msg_seq,
            random: message.random,
            body,
            custom: message.custom,
        };
        serde_json::to_writer(&mut self.line, &line)?;
        self.messages += 1;
        self.out.write_all(&self.line)
    }

    /// Closes the document; the writer, and what was written into it.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn end(mut self) -> io::Result<(W, Written)> {
        self.out.write_all(b"\n]}\n")?;
        let (gzip, file_size, file_md5) = self.out.end();
        let (out, gzip_size, gzip_md5) = gzip.finish()?.end();
        Ok((out, Written { messages: self.messages, file_size, file_md5, gzip_size, gzip_md5 }))
    }
}

/// A message in the file, as in the API that ours follows. `CloudCustomData` stands only where the message has some.
#[derive(Serialize)]
struct Line<'a> {
    #[serde(rename = "From_Account")]
    from: &'a Account,
    #[serde(rename = "To_Account")]
    to: &'a Account,
    #[serde(rename = "MsgTimestamp")]
    time: u64,
    #[serde(rename = "MsgSeq")]
    msg_seq: u32,
    #[serde(rename = "MsgRandom")]
    random: u32,
    #[serde(rename = "MsgBody")]
    body: &'a RawValue,
    #[serde(rename = "CloudCustomData", skip_serializing_if = "Option::is_none")]
    custom: Option<&'a str>,
}

/// JSON text without the white space between its parts, so that it stands on a line. Bodies are kept as they were
/// received, and some callers send them in many lines. What is inside strings stays, and so do the digits of numbers.
pub fn one_line(json: &str) -> String {
    let (mut in_string, mut escaped) = (false, false);
    let keep = |c: &char| {
        let kept = in_string || !matches!(c, ' ' | '\n' | '\r' | '\t');
        in_string ^= *c == '"' && !escaped;
        escaped = in_string && *c == '\\' && !escaped;
        kept
    };
    json.chars().filter(keep).collect()
}

/// Passes bytes on, counts them and digests them.
struct Digesting<W> {
    out: W,
    bytes: u64,
    md5: Md5,
}

impl<W> Digesting<W> {
    fn new(out: W) -> Self {
        Self { out, bytes: 0, md5: Md5::new() }
    }

    fn end(self) -> (W, u64, String) {
        (self.out, self.bytes, format!("{:x}", self.md5.finalize()))
    }
}

impl<W: Write> Write for Digesting<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.out.write(bytes)?;
        self.bytes += written as u64;
        self.md5.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use serde_json::{Value, json};

    use super::*;

    fn written(bodies: &[&str]) -> (Vec<u8>, Written) {
        let (from, to) = (Account::new("alice").unwrap(), Account::new("bob").unwrap());
        let mut file = HourFile::begin(Vec::new(), 1_400_000_000, "2019051009".parse().unwrap()).unwrap();
        for (body, seq) in bodies.iter().zip(1..) {
            let body = RawJson::from_checked(*body);
            let custom = (seq == 2).then_some("extra");
            let time = 1_557_480_000_123;
            file.add(&RecordedMessage { from: &from, to: &to, time, msg_seq: seq, random: 9, body: &body, custom })
                .unwrap();
        }
        file.end().unwrap()
    }

    fn unpacked(bytes: &[u8]) -> String {
        let mut text = String::new();
        flate2::read::GzDecoder::new(bytes).read_to_string(&mut text).unwrap();
        text
    }

    #[test]
    fn a_message_is_a_line_and_the_whole_is_one_document() {
        let (bytes, written) = written(&["[1.50]", "[\n {\"Text\": \"a \\\" b\\\\\"}\r\n]", "[]"]);
        let text = unpacked(&bytes);
        let expected = concat!(
            r#"{"SdkAppId":1400000000,"ChatType":"C2C","MsgTime":"2019051009","MsgList":["#,
            "\n",
            r#"{"From_Account":"alice","To_Account":"bob","MsgTimestamp":1557480000,"MsgSeq":1,"MsgRandom":9,"MsgBody":[1.50]},"#,
            "\n",
            r#"{"From_Account":"alice","To_Account":"bob","MsgTimestamp":1557480000,"MsgSeq":2,"MsgRandom":9,"MsgBody":[{"Text":"a \" b\\"}],"CloudCustomData":"extra"},"#,
            "\n",
            r#"{"From_Account":"alice","To_Account":"bob","MsgTimestamp":1557480000,"MsgSeq":3,"MsgRandom":9,"MsgBody":[]}"#,
            "\n]}\n",
        );
        assert_eq!(text, expected);
        let document: Value = serde_json::from_str(&text).unwrap();
        assert_eq!(document["MsgList"][1]["MsgBody"], json!([{"Text": "a \" b\\"}]));
        assert_eq!(
            (written.messages, written.file_size, written.gzip_size),
            (3, text.len() as u64, bytes.len() as u64)
        );
        assert_eq!(written.file_md5, format!("{:x}", Md5::digest(&text)));
        assert_eq!(written.gzip_md5, format!("{:x}", Md5::digest(&bytes)));
    }

    #[test]
    fn the_same_messages_give_the_same_bytes() {
        assert_eq!(written(&["[1]", "[2]"]), written(&["[1]", "[2]"]));
        let (bytes, _) = written(&[]);
        assert_eq!(bytes[4..8], [0; 4], "no time of writing");
        serde_json::from_str::<Value>(&unpacked(&bytes)).unwrap();
    }
}
