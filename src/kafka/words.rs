//! Settings of the client library that have a few words for values.

use crate::options::OptionValue;

/// A type for the values of one setting; they are passed on as they are listed, however they were written.
macro_rules! words {
    ($(#[doc = $doc:expr])+ $name:ident, $type_name:literal, [$first:literal $(, $word:literal)* $(,)?]) => {
        $(#[doc = $doc])+
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name(&'static str);

        impl $name {
            /// The word.
            pub fn as_str(self) -> &'static str {
                self.0
            }
        }

        impl OptionValue for $name {
            const TYPE: &'static str = $type_name;
            const NAMES: &'static [&'static str] = &[$first $(, $word)*];

            fn parse(text: &str) -> Result<Self, String> {
                crate::options::word_of(Self::NAMES, text).map(Self)
            }
        }
    };
}

words! {
    /// How a connection is secured.
    SecurityProtocol, "security protocol", ["plaintext", "ssl", "sasl_plaintext", "sasl_ssl"]
}
words! {
    /// How a client says who it is.
    SaslMechanism, "mechanism", ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "OAUTHBEARER"]
}
words! {
    /// Where tokens come from.
    TokenMethod, "method", ["default", "oidc"]
}
words! {
    /// Replicas that must have a message.
    Acks, "number of replicas", ["all", "1", "0", "-1"]
}
words! {
    /// How messages are compressed.
    CompressionType, "compression", ["none", "gzip", "snappy", "lz4", "zstd"]
}
