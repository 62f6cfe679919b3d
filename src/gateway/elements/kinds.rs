//! The members that each known kind of element has, with their types, as in the API that ours follows.
//!
//! Required is only what every revision of the clients sends: older ones lack the URLs and the download flags, and back
//! ends that send a file of their own have no UUID for it.

use serde::{Deserialize, Deserializer, de};

use super::Members;

pub const CUSTOM: &str = "TIMCustomElem";

/// A JSON string; its text is not kept.
pub struct Text;

/// A JSON number of any kind.
pub struct Number;

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl de::Visitor<'_> for Visitor {
            type Value = Text;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("a string")
            }

            fn visit_str<E>(self, _: &str) -> Result<Text, E> {
                Ok(Text)
            }
        }
        deserializer.deserialize_str(Visitor)
    }
}

impl<'de> Deserialize<'de> for Number {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        f64::deserialize(deserializer).map(|_| Number)
    }
}

/// Makes a struct for each kind that exists only to be deserialized: its fields check the members of a content.
macro_rules! kinds {
    ($( $kind:literal $name:ident $( with $first:ident or $second:ident )? {
        $( $member:literal $field:ident: $type:ty, )*
    } )*) => {
        $(
            #[derive(Deserialize)]
            #[expect(dead_code, reason = "deserializing it is the check")]
            struct $name { $( #[serde(rename = $member)] $field: $type, )* }

            impl $name {
                fn complete(&self) -> Result<(), serde_json::Error> {
                    $( if self.$first.is_none() && self.$second.is_none() {
                        return Err(de::Error::custom("it has neither a UUID nor a URL"));
                    } )?
                    Ok(())
                }
            }
        )*

        /// Checks the content of an element; one of an unknown kind passes.
        pub fn check(kind: &str, content: &str) -> Result<(), serde_json::Error> {
            match kind {
                $( $kind => serde_json::from_str::<$name>(content)?.complete(), )*
                _ => Ok(()),
            }
        }
    };
}

kinds! {
    "TIMTextElem" TextElement {
        "Text" text: Text,
    }
    "TIMLocationElem" LocationElement {
        "Desc" desc: Option<Text>,
        "Latitude" latitude: Number,
        "Longitude" longitude: Number,
    }
    "TIMFaceElem" FaceElement {
        "Index" index: Number,
        "Data" data: Option<Text>,
    }
    "TIMCustomElem" CustomElement {
        "Data" data: Option<Text>,
        "Desc" desc: Option<Text>,
        "Ext" ext: Option<Text>,
        "Sound" sound: Option<Text>,
    }
    "TIMSoundElem" SoundElement with uuid or url {
        "UUID" uuid: Option<Text>,
        "Size" size: Option<Number>,
        "Second" second: Option<Number>,
        "Url" url: Option<Text>,
        "Download_Flag" download_flag: Option<Number>,
    }
    "TIMImageElem" ImageElement {
        "UUID" uuid: Option<Text>,
        "ImageFormat" format: Option<Number>,
        "ImageInfoArray" images: Vec<Members<ImageInfo>>,
    }
    "TIMFileElem" FileElement with uuid or url {
        "UUID" uuid: Option<Text>,
        "FileSize" size: Option<Number>,
        "FileName" name: Option<Text>,
        "Url" url: Option<Text>,
        "Download_Flag" download_flag: Option<Number>,
    }
    "TIMVideoFileElem" VideoElement with uuid or url {
        "VideoUUID" uuid: Option<Text>,
        "VideoUrl" url: Option<Text>,
        "VideoSize" size: Option<Number>,
        "VideoSecond" second: Option<Number>,
        "VideoFormat" format: Option<Text>,
        "VideoDownloadFlag" download_flag: Option<Number>,
        "ThumbUUID" thumb_uuid: Option<Text>,
        "ThumbUrl" thumb_url: Option<Text>,
        "ThumbSize" thumb_size: Option<Number>,
        "ThumbWidth" thumb_width: Option<Number>,
        "ThumbHeight" thumb_height: Option<Number>,
        "ThumbFormat" thumb_format: Option<Text>,
        "ThumbDownloadFlag" thumb_download_flag: Option<Number>,
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
#[expect(dead_code, reason = "deserializing it is the check")]
struct ImageInfo {
    r#type: Number,
    size: Option<Number>,
    width: Option<Number>,
    height: Option<Number>,
    #[serde(rename = "URL")]
    url: Option<Text>,
}
