//! The one table of configuration keys: what the file, the environment, `duolog config` and the docs know comes from it.

use std::fmt;

/// One key of the configuration.
#[derive(Clone, Copy, Debug)]
pub struct Key {
    /// Such as `log.kafka`.
    pub section: &'static str,
    pub name: &'static str,
    /// The value if nobody sets one, as it would stand in the file. `{data}` stands for `data.dir`.
    pub default: &'static str,
    pub allowed: Allowed,
    pub shape: Shape,
    /// One sentence for the docs.
    pub says: &'static str,
}

/// What a key takes, for messages and docs.
#[derive(Clone, Copy, Debug)]
pub enum Allowed {
    What(&'static str),
    Number { from: u64, until: u64 },
}

/// How a value is written where there is no TOML around it: in the environment and in flags.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Shape {
    /// As it is.
    Text,
    /// As it is, and never shown.
    Secret,
    /// A TOML array, or items between commas.
    List,
    /// As in TOML.
    Other,
}

/// A table of the file and its keys.
#[derive(Clone, Copy, Debug)]
pub struct Section {
    pub name: &'static str,
    pub keys: &'static [Key],
    /// Written as `[[name]]`, any number of times; the environment cannot set it.
    pub repeated: bool,
    /// One sentence for the docs.
    pub says: &'static str,
}

impl Key {
    /// The key with its section, such as `server.listen`.
    pub fn path(&self) -> String {
        format!("{}.{}", self.section, self.name)
    }

    /// What the key takes, in words.
    pub fn allowed_words(&self) -> String {
        match self.shape {
            Shape::List => format!("a list, and each item is {}", self.allowed),
            _ => self.allowed.to_string(),
        }
    }

    /// The environment variable that sets it, such as `DUOLOG_LOG__KAFKA__BROKERS`.
    pub fn variable(&self) -> String {
        format!("DUOLOG_{}", self.path().replace('.', "__").to_uppercase())
    }
}

impl fmt::Display for Allowed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::What(what) => f.write_str(what),
            Self::Number { from, until } => write!(f, "a whole number from {from} to {until}"),
        }
    }
}

/// Makes a typed section and its rows of the catalogue from one table, so that they cannot differ.
///
/// A row reads `name: Type = "default in TOML", "sentence";`, with `in from..=until` after the type of a number.
macro_rules! sections {
    ($( $(#[doc = $says:literal])+ $kind:ident $type:ident $name:literal {
        $( $key:ident : $value:ty $(, in $from:literal ..= $until:literal)? = $default:literal, $sentence:literal; )+
    } )+) => {
        $(
            $(#[doc = $says])+
            #[derive(Clone, PartialEq, Eq, Debug)]
            pub struct $type {
                $( #[doc = $sentence] pub $key: $value, )+
            }

            impl $type {
                pub const SECTION: Section = Section {
                    name: $name,
                    repeated: sections!(@repeated $kind),
                    says: concat!($($says),+).trim_ascii(),
                    keys: &[$( Key {
                        section: $name,
                        name: stringify!($key),
                        default: $default,
                        allowed: sections!(@allowed $value $(, $from, $until)?),
                        shape: <$value as Setting>::SHAPE,
                        says: $sentence,
                    }, )+],
                };

                /// Reads the section at a path, which is its name unless it is repeated.
                pub(super) fn read(reader: &mut Reader<'_>, at: &str) -> Self {
                    let mut keys = Self::SECTION.keys.iter();
                    $( let $key = reader.get(at, keys.next().expect("one key in the catalogue a field")); )+
                    Self { $( $key, )+ }
                }
            }
        )+

        /// Every section, in the order of the docs.
        pub const SECTIONS: &[Section] = &[$( $type::SECTION, )+];
    };
    (@repeated section) => { false };
    (@repeated repeated) => { true };
    (@allowed $value:ty) => { Allowed::What(<$value as Setting>::ALLOWED) };
    (@allowed $value:ty, $from:literal, $until:literal) => { Allowed::Number { from: $from, until: $until } };
}

pub(super) use sections;
