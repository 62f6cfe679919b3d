use super::notice::{DEFAULT_SOUND, Notice};

/// The largest payload that APNs and FCM take, in bytes; both providers' documents say 4 KB.
pub const PAYLOAD_BYTES: usize = 4096;
/// The text is cut to fewer characters than this only when everything else that can go has gone.
const TEXT_CHARS: usize = 64;
/// Ends a text that was cut.
const ELLIPSIS: char = '…';

/// Makes a notice small enough for a payload, whatever its sender put in: first the text is shortened, at the boundary
/// of a character; where that is not enough the picture goes, then the app's data, then the other texts.
///
/// `size` gives the bytes of the payload. Cost: one call of it, unless the notice is too long.
pub fn fit(mut notice: Notice, size: impl Fn(&Notice) -> usize) -> Notice {
    if size(&notice) <= PAYLOAD_BYTES {
        return notice;
    }
    let whole = notice.body.clone();
    let drops: [fn(&mut Notice); 4] = [
        |_| {},
        |notice| notice.image = None,
        |notice| notice.ext = None,
        |notice| {
            (notice.title, notice.subtitle) = (None, None);
            (notice.channel, notice.interruption) = (None, None);
            notice.sound = notice.sound.take().map(|_| DEFAULT_SOUND.to_owned());
        },
    ];
    for drop in drops {
        drop(&mut notice);
        if shorten(&mut notice, &whole, &size) {
            break;
        }
    }
    notice
}

/// Gives the notice as much of the text as fits; whether that is enough of it to be worth the rest.
fn shorten(notice: &mut Notice, whole: &str, size: &impl Fn(&Notice) -> usize) -> bool {
    let chars = whole.chars().count();
    let mut with = |kept: usize| {
        notice.body = if kept == chars { whole.to_owned() } else { cut(whole, kept) };
        size(notice)
    };
    if with(chars) <= PAYLOAD_BYTES {
        return true;
    }
    let least = TEXT_CHARS.min(chars);
    let (mut fits, mut too_long) = (least, chars);
    if with(fits) > PAYLOAD_BYTES {
        return false;
    }
    while too_long - fits > 1 {
        let middle = fits + (too_long - fits) / 2;
        if with(middle) <= PAYLOAD_BYTES { fits = middle } else { too_long = middle }
    }
    with(fits);
    true
}

fn cut(text: &str, chars: usize) -> String {
    let mut kept: String = text.chars().take(chars.saturating_sub(1)).collect();
    kept.push(ELLIPSIS);
    kept
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::super::notice::System;
    use super::super::notice::tests::{notice, text};
    use super::*;

    /// A payload that holds everything, escaped as JSON does it.
    fn size(notice: &Notice) -> usize {
        let Notice { title, subtitle, body, sound, ext, image, channel, interruption, .. } = notice;
        json!([title, subtitle, body, sound, ext, image, channel, interruption]).to_string().len()
    }

    fn fitted(body: &str, info: &serde_json::Value) -> Notice {
        fit(notice(&text(body), Some(info), System::Apple).unwrap(), size)
    }

    #[test]
    fn what_fits_is_left_alone() {
        assert_eq!(fitted("hi", &json!({"Ext": "e"})).body, "hi");
    }

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        let notice = fitted(&"é".repeat(4000), &json!({"Ext": "e", "Title": "t"}));
        assert!(notice.body.ends_with("é…"));
        assert!((4090..=PAYLOAD_BYTES).contains(&size(&notice)), "{}", size(&notice));
        assert_eq!((notice.ext.as_deref(), notice.title.as_deref()), (Some("e"), Some("t")));
    }

    #[test]
    fn what_is_too_long_beside_the_text_goes() {
        let long = "x".repeat(5000);
        let notice = fitted(&"é".repeat(100), &json!({"Ext": long, "Title": "t", "ApnsInfo": {"Image": "i"}}));
        assert_eq!((notice.body.chars().count(), notice.title.as_deref()), (100, Some("t")));
        assert_eq!((notice.ext, notice.image), (None, None));
        let notice = fitted("hi", &json!({"Title": long, "ApnsInfo": {"Sound": long}}));
        assert_eq!((notice.body.as_str(), notice.title, notice.sound.as_deref()), ("hi", None, Some("default")));
    }

    proptest! {
        #[test]
        fn it_always_fits(body in ".{1,3000}", title in ".{0,3000}", ext in ".{0,3000}", image in ".{0,3000}") {
            let info = json!({"Title": title, "Ext": ext, "ApnsInfo": {"Image": image}});
            if let Some(notice) = notice(&text(&body), Some(&info), System::Apple) {
                let fitted = fit(notice, size);
                prop_assert!(size(&fitted) <= PAYLOAD_BYTES);
                prop_assert!(!fitted.body.is_empty());
            }
        }
    }
}
