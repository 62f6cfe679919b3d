//! The vectors were made by the vendor's signing libraries for npm and PyPI, with a fixed clock.

use std::io::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use duolog_topics::Account;
use flate2::Compression;
use flate2::write::ZlibEncoder;
use proptest::prelude::*;

use super::*;
use crate::error::Code;

const KEY: &str = "5bd2850fff3ecb11d7c805251c51ee463a25727bddc2385f3fa8bfee1bb93b5e";
const APP: u64 = 1_400_000_000;
const TIME: u64 = 1_557_480_000;
const EXPIRE: u64 = 15_552_000;

const MAC: &str = "ck3V9POY8iRewOPII1d7KymRbMkpkfj/hDk+QlzaKlY=";
const MAC_ABC: &str = "5WIfh8AtDOeia0JqFhIeL+uvgl/7Jkv5i822hoOofw0=";
const NPM: &str = "eJyrVgrxCdYrSy1SslIy0jNQ0gHzM1NS80oy0zLBwhWZiflZpXlQqeKU7MSCgswUJStDEwMogMiUZOamKlkZmpqam1ggRFMrCjKLIOKmRnDR4sx0JSul5GzjMMsA-0iLzKDUcv8AT0-DFHPvytygJN-sguy0LP0Ml2ztwJyqRO*cSFulWgCmATKP";
const PYPI: &str = "eJyrVgrxCdYrSy1SslJQMtIzUNJRAItkpqTmlWSmZUIkKjIT87NK82CSxSnZiQUFmSlAKUMTAyiAyqVWFGQWpYJkTE1NjRDiJZm5UFFzEwsk9cWZ6SAbkrONwywD-CMtMoNSy-0DPD0NU8y9K3ODknyzC7LTsvQzXLK1A3OqEr1zIm2VagEgCDPv";
const NPM_ABC: &str = "eJxFzEELgkAUBOD-8q6FrYuLstAhkEARPBRIR8O3*rTcTV0Tov8eqNXc5huYF5yTkzNiBxK4w2A7dyqwHUjRzBPlurbtOvVFkxtDBUjXY2uWZaA7gnSF8L3grzgZ6hYX-Ke2x*5qFUi4ZHH9vaYSJIgsUlVwGMIUKWfx41hFmGzsWN52ftyMggLOK51q9WR7eH8A94I4hA__";

fn key() -> AppKey {
    AppKey::new(APP, KEY)
}

fn xiaojun() -> Account {
    Account::new("xiaojun").unwrap()
}

fn code(result: Result<Verified, SigError>) -> Code {
    result.expect_err("the signature is refused").code()
}

fn wrap(json: &str, level: Compression) -> String {
    let mut zlib = ZlibEncoder::new(Vec::new(), level);
    zlib.write_all(json.as_bytes()).unwrap();
    let text = STANDARD.encode(zlib.finish().unwrap());
    text.replace('+', "*").replace('/', "-").replace('=', "_")
}

fn document() -> String {
    format!(
        r#"{{"TLS.sig":"{MAC}","TLS.expire":{EXPIRE},"TLS.time":{TIME},"TLS.sdkappid":{APP},"TLS.identifier":"xiaojun","TLS.ver":"2.0"}}"#
    )
}

#[test]
fn verifies_the_tokens_of_the_libraries() {
    for token in [NPM, PYPI, NPM_ABC] {
        let verified = key().verify(token, &xiaojun(), TIME).unwrap();
        assert_eq!(verified, Verified { account: xiaojun(), signed_at: TIME, expires_at: TIME + EXPIRE });
    }
}

#[test]
fn decodes_what_the_libraries_wrote() {
    for (token, mac, userbuf) in [(NPM, MAC, None), (PYPI, MAC, None), (NPM_ABC, MAC_ABC, Some(b"abc".to_vec()))] {
        let signature = Signature::decode(token).unwrap();
        assert_eq!(STANDARD.encode(&signature.mac), mac);
        assert_eq!((signature.account.as_str(), signature.sdkappid), ("xiaojun", APP));
        assert_eq!((signature.time, signature.expire, signature.userbuf), (TIME, EXPIRE as i64, userbuf));
    }
}

#[test]
fn signs_as_the_libraries_do() {
    let signed = Signature::decode(&key().sign(&xiaojun(), TIME, EXPIRE)).unwrap();
    assert_eq!(signed, Signature::decode(NPM).unwrap());
    let signed = key().sign_with(&xiaojun(), TIME, EXPIRE, Some(b"abc".to_vec()));
    assert_eq!(Signature::decode(&signed).unwrap(), Signature::decode(NPM_ABC).unwrap());
}

#[test]
fn is_valid_to_the_last_second() {
    assert!(key().verify(NPM, &xiaojun(), TIME + EXPIRE).is_ok());
    assert_eq!(code(key().verify(NPM, &xiaojun(), TIME + EXPIRE + 1)), Code::USER_SIG_EXPIRED);
    assert!(key().verify(NPM, &xiaojun(), 0).is_ok(), "made in the future is no reason to refuse");
}

#[test]
fn refuses_what_is_not_the_callers() {
    let other = Account::new("xiaojuN").unwrap();
    assert_eq!(code(key().verify(NPM, &other, TIME)), Code::USER_SIG_ACCOUNT);
    assert_eq!(code(AppKey::new(APP + 1, KEY).verify(NPM, &xiaojun(), TIME)), Code::USER_SIG_APP);
    assert_eq!(code(AppKey::new(APP, &KEY[1..]).verify(NPM, &xiaojun(), TIME)), Code::USER_SIG_MISMATCH);
}

#[test]
fn refuses_a_changed_document() {
    let good = document();
    assert!(key().verify(&wrap(&good, Compression::best()), &xiaojun(), TIME).is_ok());
    let longer = good.replace(&EXPIRE.to_string(), &(EXPIRE + 1).to_string());
    assert_eq!(code(key().verify(&wrap(&longer, Compression::best()), &xiaojun(), TIME)), Code::USER_SIG_MISMATCH);
    let with_userbuf = good.replacen('{', r#"{"TLS.userbuf":"YWJj","#, 1);
    let token = wrap(&with_userbuf, Compression::best());
    assert_eq!(code(key().verify(&token, &xiaojun(), TIME)), Code::USER_SIG_MISMATCH, "its line is signed too");
    let shorter_mac = good.replace(MAC, &MAC[..40]);
    assert_eq!(code(key().verify(&wrap(&shorter_mac, Compression::best()), &xiaojun(), TIME)), Code::USER_SIG_MISMATCH);
}

#[test]
fn accepts_stored_blocks_and_white_space() {
    let spaced = document().replace(',', " ,\n ").replace(':', " : ");
    assert!(key().verify(&wrap(&spaced, Compression::none()), &xiaojun(), TIME).is_ok());
}

#[test]
fn accepts_percent_encoded_tokens() {
    let every: String = NPM.bytes().map(|byte| format!("%{byte:02X}")).collect();
    let some = NPM_ABC.replace('*', "%2a").replace('-', "%2D").replace('_', "%5f");
    for token in [every, some] {
        assert!(key().verify(&token, &xiaojun(), TIME).is_ok(), "{token}");
    }
    for broken in ["%", "%2", "%zz", "%+1"] {
        assert_eq!(code(key().verify(&format!("{NPM}{broken}"), &xiaojun(), TIME)), Code::USER_SIG_ENCODING);
    }
}

#[test]
fn padding_may_be_missing() {
    assert!(key().verify(NPM_ABC.trim_end_matches('_'), &xiaojun(), TIME).is_ok());
    assert_eq!(code(key().verify(&format!("{NPM_ABC}_"), &xiaojun(), TIME)), Code::USER_SIG_ENCODING);
}

#[test]
fn names_what_is_malformed() {
    let refused = |token: &str| code(key().verify(token, &xiaojun(), TIME));
    assert_eq!(refused(""), Code::USER_SIG_EMPTY);
    assert_eq!(refused("xiaojun"), Code::USER_SIG_ENCODING);
    assert_eq!(refused(&NPM[..NPM.len() / 2]), Code::USER_SIG_ENCODING);
    assert_eq!(refused(&NPM.replace('*', "+")), Code::USER_SIG_ENCODING);
    assert_eq!(refused(&"A".repeat(TOKEN_BYTES + 1)), Code::USER_SIG_ENCODING);
    assert_eq!(refused(&wrap("[]", Compression::best())), Code::USER_SIG_CONTENT);
    assert_eq!(refused(&wrap("{}", Compression::best())), Code::USER_SIG_CONTENT);
    assert_eq!(refused(&wrap(&document().replace("2.0", "1.0"), Compression::best())), Code::USER_SIG_CONTENT);
    assert_eq!(refused(&wrap(&document().replace(MAC, "?"), Compression::best())), Code::USER_SIG_CONTENT);
}

#[test]
fn a_small_token_cannot_inflate_to_much() {
    let bomb = wrap(&" ".repeat(64 * DOCUMENT_BYTES), Compression::best());
    assert!(bomb.len() < TOKEN_BYTES);
    assert!(matches!(Signature::decode(&bomb), Err(SigError::Encoding("it inflates to too much"))));
}

#[test]
fn a_negative_validity_has_ended_before_it_began() {
    let token = wrap(&document().replace(&EXPIRE.to_string(), "-1"), Compression::best());
    assert_eq!(code(key().verify(&token, &xiaojun(), TIME)), Code::USER_SIG_EXPIRED);
}

#[test]
fn the_key_is_not_printed() {
    assert!(!format!("{:?}", key()).contains(&KEY[..8]));
}

fn token_text() -> impl Strategy<Value = String> {
    prop_oneof![
        any::<String>(),
        "[A-Za-z0-9*_%-]{0,300}",
        any::<Vec<u8>>().prop_map(|bytes| { wrap(&String::from_utf8_lossy(&bytes), Compression::fast()) })
    ]
}

proptest! {
    #[test]
    fn no_text_makes_it_panic(token in token_text(), now: u64) {
        prop_assert!(key().verify(&token, &xiaojun(), now).is_err());
    }

    #[test]
    fn a_damaged_token_is_refused_or_the_same(place in 0..NPM.len(), with in "[A-Za-z0-9*-]") {
        let mut token = NPM.to_owned();
        token.replace_range(place..=place, &with);
        if let Ok(verified) = key().verify(&token, &xiaojun(), TIME) {
            prop_assert_eq!(Signature::decode(&token).unwrap(), Signature::decode(NPM).unwrap());
            prop_assert_eq!(verified.signed_at, TIME);
        }
    }

    #[test]
    fn what_is_signed_verifies(
        name in "[ -~]{1,32}", time in 0..u64::from(u32::MAX), expire: u32,
        userbuf: Option<Vec<u8>>, secret: Vec<u8>,
    ) {
        let account = Account::new(&name).unwrap();
        let key = AppKey::new(APP, secret);
        let token = key.sign_with(&account, time, expire.into(), userbuf);
        let expires_at = time + u64::from(expire);
        let verified = key.verify(&token, &account, expires_at).unwrap();
        prop_assert_eq!(verified, Verified { account: account.clone(), signed_at: time, expires_at });
        prop_assert_eq!(code(key.verify(&token, &account, expires_at + 1)), Code::USER_SIG_EXPIRED);
    }
}
