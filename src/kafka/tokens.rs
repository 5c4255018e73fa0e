//! Tokens for OAUTHBEARER from an endpoint over HTTP, as OIDC has it for clients (client credentials). The client library can do it only where it finds a curl to link.

use std::ffi::{CStr, CString, c_char, c_void};
use std::io::Read;
use std::path::PathBuf;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use rdkafka_sys as sys;
use reqwest::Url;
use reqwest::blocking::Client;
use serde_json::Value;

use super::context::Context;
use super::words::TokenMethod;
use crate::error::{Error, Result, deepest, excerpt, io_text};
use crate::options::Secret;

/// Stands in the text of a refusal, which no later try will change.
pub(super) const REFUSES: &str = "refuses the client";
/// Most bytes of an answer.
const LARGEST: u64 = 1 << 20;

/// What the keys of a connector say of its tokens.
#[derive(Clone, Debug, Default)]
pub struct TokenSettings<'a> {
    /// Name of the connector.
    pub owner: &'a str,
    /// `sasl.oauthbearer.method`.
    pub method: Option<TokenMethod>,
    /// `sasl.oauthbearer.token.endpoint.url`.
    pub url: Option<&'a str>,
    /// `sasl.oauthbearer.client.id`.
    pub client: Option<&'a str>,
    /// `sasl.oauthbearer.client.secret`.
    pub secret: Option<&'a Secret>,
    /// `sasl.oauthbearer.scope`.
    pub scope: Option<&'a str>,
    /// `sasl.oauthbearer.extensions`: `name=value`, several separated by commas.
    pub extensions: Option<&'a str>,
    /// `https.ca.location`.
    pub ca: Option<&'a PathBuf>,
    /// Longest wait for a token.
    pub timeout: Duration,
}

/// Where tokens come from.
#[derive(Clone, Debug)]
pub struct TokenEndpoint {
    url: Url,
    client: String,
    secret: Secret,
    scope: Option<String>,
    extensions: Vec<CString>,
    ca: Option<Vec<u8>>,
    timeout: Duration,
}

struct Token {
    value: String,
    /// Milliseconds since 1970.
    ends: i64,
    principal: String,
}

fn now() -> i64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}

impl TokenEndpoint {
    /// Checks the settings; asks nobody. `None`: tokens are made otherwise.
    pub fn new(settings: &TokenSettings<'_>) -> Result<Option<Self>> {
        if settings.method.is_none_or(|method| method.as_str() != "oidc") {
            return Ok(None);
        }
        let wrong = |key: &str, what: String| Error::setting(settings.owner, key, what);
        let missing = |key: &str| wrong("sasl.oauthbearer.method", format!(" = 'oidc' needs '{}.{key}'", settings.owner));
        let url = settings.url.ok_or_else(|| missing("sasl.oauthbearer.token.endpoint.url"))?;
        let url = Url::parse(url.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url =
            url.ok_or_else(|| wrong("sasl.oauthbearer.token.endpoint.url", " is no address of an endpoint".to_owned()).with_help("https://host/token"))?;
        let mut extensions = Vec::new();
        for part in settings.extensions.unwrap_or_default().split(',').filter(|part| !part.trim().is_empty()) {
            let pair = part.split_once('=').and_then(|(name, value)| Some([CString::new(name.trim()).ok()?, CString::new(value.trim()).ok()?]));
            let wrong = || wrong("sasl.oauthbearer.extensions", " is not of the form name=value,name=value".to_owned());
            extensions.extend(pair.ok_or_else(wrong)?);
        }
        let ca = settings.ca.map(|path| {
            let wrong = |why: &str| wrong("https.ca.location", format!(": {} {why}", path.display()));
            let bytes = std::fs::read(path).map_err(|error| wrong(&format!("can't be read: {}", io_text(&error))))?;
            let found = reqwest::Certificate::from_pem_bundle(&bytes).is_ok_and(|found| !found.is_empty());
            if found { Ok(bytes) } else { Err(wrong("holds no certificate in PEM form")) }
        });
        Ok(Some(Self {
            url,
            client: settings.client.ok_or_else(|| missing("sasl.oauthbearer.client.id"))?.to_owned(),
            secret: settings.secret.ok_or_else(|| missing("sasl.oauthbearer.client.secret"))?.clone(),
            scope: settings.scope.map(str::to_owned),
            extensions,
            ca: ca.transpose()?,
            timeout: settings.timeout,
        }))
    }

    /// The address without user, password and query.
    fn shown(&self) -> String {
        let mut url = self.url.clone();
        let _no_user = url.set_username("");
        let _no_password = url.set_password(None);
        url.set_query(None);
        url.to_string()
    }

    fn fetch(&self) -> Result<Token, String> {
        self.ask().map_err(|reason| format!("token endpoint {}: {reason}", self.shown()))
    }

    fn ask(&self) -> Result<Token, String> {
        let mut builder = Client::builder().timeout(self.timeout).user_agent("velostream").no_proxy();
        if let Some(ca) = &self.ca {
            let authorities = reqwest::Certificate::from_pem_bundle(ca).map_err(|error| deepest(&error))?;
            builder = authorities.into_iter().fold(builder.tls_built_in_root_certs(false), |builder, authority| builder.add_root_certificate(authority));
        }
        let client = builder.build().map_err(|error| deepest(&error))?;
        let mut body = "grant_type=client_credentials".to_owned();
        if let Some(scope) = &self.scope {
            body.push_str("&scope=");
            body.extend(form(scope));
        }
        let request = client.post(self.url.clone()).basic_auth(&self.client, Some(self.secret.reveal())).header("Accept", "application/json");
        let response = request.header("Content-Type", "application/x-www-form-urlencoded").body(body).send();
        let response = response.map_err(|error| if error.is_timeout() { "no answer in time".to_owned() } else { deepest(&error) })?;
        let status = response.status().as_u16();
        let mut text = String::new();
        response.take(LARGEST).read_to_string(&mut text).map_err(|error| deepest(&error))?;
        let answer: Value = serde_json::from_str(&text).unwrap_or_default();
        let told = ["error", "error_description"].iter().filter_map(|name| answer[*name].as_str()).map(excerpt).collect::<Vec<_>>().join(", ");
        let told = if told.is_empty() { String::new() } else { format!(": {told}") };
        match status {
            200..=299 => token(&answer, &self.client),
            400 | 401 | 403 => Err(format!("it {REFUSES} (HTTP {status}{told})")),
            _ => Err(format!("HTTP {status}{told}")),
        }
    }

    /// Gives a client its token, or tells it that there is none.
    ///
    /// # Safety
    /// The client is alive.
    unsafe fn supply(&self, client: *mut sys::rd_kafka_t) {
        let mut extensions: Vec<*const c_char> = self.extensions.iter().map(|part| part.as_ptr()).collect();
        let mut why = [0 as c_char; 512];
        let given = self.fetch().and_then(|token| {
            let text = |text: String| CString::new(text).map_err(|_| "a token with a NUL byte".to_owned());
            let (value, principal) = (text(token.value)?, text(token.principal)?);
            // SAFETY: the client is alive; texts and arrays live during the call, which copies them.
            let code = unsafe {
                sys::rd_kafka_oauthbearer_set_token(
                    client,
                    value.as_ptr(),
                    token.ends,
                    principal.as_ptr(),
                    extensions.as_mut_ptr(),
                    extensions.len(),
                    why.as_mut_ptr(),
                    why.len(),
                )
            };
            let ok = code == sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_NO_ERROR;
            // SAFETY: the library ends its text with a NUL.
            if ok { Ok(()) } else { Err(unsafe { CStr::from_ptr(why.as_ptr()) }.to_string_lossy().into_owned()) }
        });
        if let Err(reason) = given {
            let reason = CString::new(reason.replace('\0', " ")).unwrap_or_default();
            // SAFETY: as above.
            unsafe { sys::rd_kafka_oauthbearer_set_token_failure(client, reason.as_ptr()) };
        }
    }
}

/// The token of an answer. One that is no JWT says nothing of itself.
fn token(answer: &Value, client: &str) -> Result<Token, String> {
    let value = answer["access_token"].as_str().ok_or("its answer holds no access_token")?;
    let claims = value.split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part.trim_end_matches('=')).ok());
    let claims: Value = claims.and_then(|claims| serde_json::from_slice(&claims).ok()).unwrap_or_default();
    let seconds = |value: &Value| value.as_f64().or_else(|| value.as_str()?.parse().ok());
    let ends = seconds(&claims["exp"]).map(|end| (end * 1_000.0) as i64).or_else(|| Some(now() + (seconds(&answer["expires_in"])? * 1_000.0) as i64));
    let ends = ends.ok_or("its token does not say when it ends")?;
    Ok(Token { value: value.to_owned(), ends, principal: claims["sub"].as_str().unwrap_or(client).to_owned() })
}

/// A text as a value of a form.
fn form(text: &str) -> impl Iterator<Item = char> + '_ {
    text.bytes().flat_map(|byte| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => char::from(byte).to_string().chars().collect::<Vec<_>>(),
        byte => format!("%{byte:02X}").chars().collect(),
    })
}

/// A client wants a token; called on a thread of the client's own, which may wait for the answer.
pub(super) unsafe extern "C" fn token_callback(client: *mut sys::rd_kafka_t, _: *const c_char, opaque: *mut c_void) {
    // SAFETY: clients with this callback are made with a `Context`, and are alive during it.
    unsafe {
        if let Some(endpoint) = Context::of(opaque).and_then(|context| context.tokens.as_ref()) {
            endpoint.supply(client);
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;
    use crate::options::OptionValue;

    #[test]
    fn tokens_say_themselves_when_they_end_or_their_answer_does() {
        let jwt = format!("e30.{}.x", URL_SAFE_NO_PAD.encode("{\"sub\":\"carol\",\"exp\":2000000000}"));
        let found = token(&serde_json::json!({"access_token": jwt, "expires_in": 5}), "c").unwrap();
        assert_eq!((found.principal.as_str(), found.ends), ("carol", 2_000_000_000_000));
        let found = token(&serde_json::json!({"access_token": "opaque", "expires_in": 60}), "c").unwrap();
        assert!(found.principal == "c" && (now() + 50_000..=now() + 60_000).contains(&found.ends));
        assert!(token(&serde_json::json!({"access_token": "opaque"}), "c").is_err());
        assert!(token(&serde_json::json!({}), "c").is_err());
        assert_eq!(form("a b/ü").collect::<String>(), "a%20b%2F%C3%BC");
    }

    #[test]
    fn what_is_missing_is_told() {
        let secret = Secret::parse("hunter2-sentinel").unwrap();
        let all = TokenSettings {
            owner: "t",
            method: TokenMethod::parse("OIDC").ok(),
            url: Some("https://h/t"),
            client: Some("c"),
            secret: Some(&secret),
            ..TokenSettings::default()
        };
        assert!(TokenEndpoint::new(&all).unwrap().is_some());
        assert!(TokenEndpoint::new(&TokenSettings { method: None, ..all.clone() }).unwrap().is_none());
        for (settings, told) in [
            (TokenSettings { url: None, ..all.clone() }, "needs 't.sasl.oauthbearer.token.endpoint.url'"),
            (TokenSettings { url: Some("h/t"), ..all.clone() }, "is no address"),
            (TokenSettings { client: None, ..all.clone() }, "needs 't.sasl.oauthbearer.client.id'"),
            (TokenSettings { secret: None, ..all.clone() }, "needs 't.sasl.oauthbearer.client.secret'"),
            (TokenSettings { extensions: Some("a"), ..all.clone() }, "name=value"),
        ] {
            let error = TokenEndpoint::new(&settings).unwrap_err();
            assert!(error.message().contains(told), "{}", error.message());
        }
        assert!(!format!("{:?}", TokenEndpoint::new(&all)).contains("sentinel"));
    }
}
