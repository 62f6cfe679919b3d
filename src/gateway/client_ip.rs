//! Where a request came from, behind proxies too.

use std::net::{IpAddr, SocketAddr};

use axum::extract::ConnectInfo;
use axum::http::{Extensions, HeaderMap};

/// The header in which each proxy appends whom it got the request from.
const FORWARDED_FOR: &str = "x-forwarded-for";

/// The caller's address; unknown where the server was not told of connections.
///
/// `X-Forwarded-For` is read from its end, as far as the addresses are proxies that are trusted: what a stranger wrote
/// into it stands further in front, and counts for nothing.
pub fn client_ip(extensions: &Extensions, headers: &HeaderMap, trusted: &[IpAddr]) -> Option<IpAddr> {
    let peer = extensions.get::<ConnectInfo<SocketAddr>>()?.0.ip().to_canonical();
    let mut client = peer;
    let texts = headers.get_all(FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok());
    let forwarded: Vec<&str> = texts.flat_map(|text| text.split(',')).map(str::trim).collect();
    for hop in forwarded.iter().rev() {
        if !trusted.contains(&client) {
            break;
        }
        match hop.parse::<IpAddr>() {
            Ok(address) => client = address.to_canonical(),
            Err(_) => break,
        }
    }
    Some(client)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(peer: &str, forwarded: &[&str], trusted: &[&str]) -> String {
        let mut extensions = Extensions::new();
        extensions.insert(ConnectInfo(SocketAddr::new(peer.parse().unwrap(), 1)));
        let mut headers = HeaderMap::new();
        forwarded.iter().for_each(|value| {
            headers.append(FORWARDED_FOR, value.parse().unwrap());
        });
        let trusted: Vec<IpAddr> = trusted.iter().map(|address| address.parse().unwrap()).collect();
        client_ip(&extensions, &headers, &trusted).unwrap().to_string()
    }

    #[test]
    fn strangers_are_not_believed() {
        assert_eq!(found("9.9.9.9", &[], &[]), "9.9.9.9");
        assert_eq!(found("9.9.9.9", &["1.1.1.1"], &[]), "9.9.9.9");
        assert_eq!(found("9.9.9.9", &["1.1.1.1"], &["10.0.0.1"]), "9.9.9.9");
    }

    #[test]
    fn trusted_proxies_are_passed_over() {
        assert_eq!(found("10.0.0.1", &["1.1.1.1"], &["10.0.0.1"]), "1.1.1.1");
        assert_eq!(found("::ffff:10.0.0.1", &["1.1.1.1"], &["10.0.0.1"]), "1.1.1.1");
        assert_eq!(found("10.0.0.1", &["6.6.6.6, 1.1.1.1", "10.0.0.2"], &["10.0.0.1", "10.0.0.2"]), "1.1.1.1");
        assert_eq!(found("10.0.0.1", &["6.6.6.6, unknown"], &["10.0.0.1"]), "10.0.0.1");
        assert_eq!(found("10.0.0.1", &[], &["10.0.0.1"]), "10.0.0.1");
    }

    #[test]
    fn without_a_connection_there_is_no_address() {
        assert_eq!(client_ip(&Extensions::new(), &HeaderMap::new(), &[]), None);
    }
}
