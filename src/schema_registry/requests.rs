//! Questions over HTTP. A question that got no answer is asked again, of the next address if there are several.

use std::io::Read;
use std::time::Duration;

use reqwest::Url;
use reqwest::blocking::{Client, RequestBuilder};
use reqwest::header::{ACCEPT, CONTENT_TYPE};
use serde_json::Value;

use super::settings::RegistrySettings;
use crate::error::{Error, ErrorKind, Fault, Result, deepest, excerpt};
use crate::options::{MASK, Secret};

const MEDIA_TYPE: &str = "application/vnd.schemaregistry.v1+json";
/// Waits before a question is asked again.
const WAITS: [Duration; 2] = [Duration::from_millis(200), Duration::from_millis(800)];
/// Most bytes of an answer.
const LARGEST: u64 = 32 << 20;

/// A registry's answer.
#[derive(Debug)]
pub(super) enum Answer {
    /// What was asked for.
    Found(Value),
    /// There is no such thing.
    Missing,
    /// The schema does not go with earlier ones of its subject; in the registry's words.
    Incompatible(String),
}

/// Asks a registry.
#[derive(Debug)]
pub(super) struct Requests {
    client: Client,
    urls: Vec<Url>,
    user: Option<(String, Secret)>,
    kind: ErrorKind,
    owner: String,
}

/// Why an address gave no answer, and whether it may give one later.
struct Unanswered {
    reason: String,
    help: Option<String>,
    passes: bool,
}

impl Requests {
    /// Checks the settings; asks nothing.
    pub(super) fn new(settings: &RegistrySettings) -> Result<Self> {
        let owner = settings.owner.clone();
        let parsed = |text: &str| Url::parse(text.trim()).ok().filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let wrong = |text: &str| {
            // A user and a password may stand before the host, even without a protocol.
            let shown = text.trim().rsplit_once('@').map_or_else(|| excerpt(text.trim()), |(_, host)| format!("{MASK}@{}", excerpt(host)));
            Error::setting(&owner, "schema.registry.url", format!(" = '{shown}' is no address of a schema registry")).with_help("http://host:8081")
        };
        let urls: Result<Vec<Url>> = settings.url.split(',').map(|text| parsed(text).ok_or_else(|| wrong(text))).collect();
        let urls = urls?;
        let user = settings.user_info.as_ref().map(|info| user(info, &owner)).transpose()?;
        let mut builder = Client::builder().timeout(settings.timeout).connect_timeout(settings.timeout).user_agent("velostream").no_proxy();
        if let Some(path) = &settings.ca {
            let wrong = |what: String| Error::setting(&owner, "schema.registry.ssl.ca.location", what);
            let bytes = std::fs::read(path).map_err(|error| wrong(format!(": cannot read {}: {}", path.display(), crate::error::io_text(&error))))?;
            let wrong = || wrong(format!(": {} holds no certificate in PEM form", path.display()));
            let authorities = reqwest::Certificate::from_pem_bundle(&bytes).map_err(|_| wrong())?;
            if authorities.is_empty() {
                return Err(wrong());
            }
            builder = authorities.into_iter().fold(builder.tls_built_in_root_certs(false), |builder, authority| builder.add_root_certificate(authority));
        }
        let client = aside(move || builder.build())?.map_err(|error| Error::internal("the HTTP client can't be made").with_source(error))?;
        Ok(Self { client, urls, user, kind: settings.kind, owner })
    }

    /// The addresses as they may be printed.
    pub(super) fn place(&self) -> String {
        self.urls.iter().map(shown).collect::<Vec<_>>().join(", ")
    }

    /// Asks for what is at a path.
    pub(super) fn get(&self, path: &[&str]) -> Result<Answer> {
        self.ask(path, None)
    }

    /// Sends something to a path.
    pub(super) fn post(&self, path: &[&str], body: &Value) -> Result<Answer> {
        self.ask(path, Some(body.to_string()))
    }

    fn ask(&self, path: &[&str], body: Option<String>) -> Result<Answer> {
        aside(|| {
            let mut tries = 0;
            loop {
                let mut last = None;
                for base in &self.urls {
                    match self.ask_one(base, path, body.as_ref()) {
                        Ok(answer) => return Ok(answer),
                        Err(unanswered) if unanswered.passes => last = Some((base, unanswered)),
                        Err(unanswered) => return Err(self.error(base, unanswered)),
                    }
                }
                let Some(wait) = WAITS.get(tries) else {
                    return Err(last.map_or_else(|| Error::internal("a registry without an address"), |(base, unanswered)| self.error(base, unanswered)));
                };
                tries += 1;
                std::thread::sleep(*wait);
            }
        })?
    }

    fn ask_one(&self, base: &Url, path: &[&str], body: Option<&String>) -> Result<Answer, Unanswered> {
        let mut url = base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let request: RequestBuilder = match body {
            Some(body) => self.client.post(url).header(CONTENT_TYPE, MEDIA_TYPE).body(body.clone()),
            None => self.client.get(url),
        };
        let request = request.header(ACCEPT, format!("{MEDIA_TYPE}, application/json"));
        let request = match &self.user {
            Some((user, password)) => request.basic_auth(user, Some(password.reveal())),
            None => request,
        };
        let later = |error: &dyn std::error::Error| Unanswered { reason: deepest(error), help: None, passes: true };
        let response = request.send().map_err(|error| if error.is_timeout() { too_slow() } else { later(&error) })?;
        let status = response.status();
        let mut text = String::new();
        response.take(LARGEST).read_to_string(&mut text).map_err(|error| later(&error))?;
        let json: Option<Value> = serde_json::from_str(&text).ok();
        let told = json.as_ref().and_then(|json| json.get("message")).and_then(Value::as_str).map(excerpt_of_message);
        let code = json.as_ref().and_then(|json| json.get("error_code")).and_then(Value::as_i64);
        let refused = |reason: String, help: Option<&str>, passes: bool| Err(Unanswered { reason, help: help.map(str::to_owned), passes });
        match (status.as_u16(), json) {
            (200..=299, Some(json)) => Ok(Answer::Found(json)),
            (200..=299, None) => refused("what answers is no schema registry".to_owned(), Some("check the path of the address"), false),
            (404, _) if code.is_some() => Ok(Answer::Missing),
            (404, _) => refused("what answers is no schema registry (HTTP 404)".to_owned(), Some("check the path of the address"), false),
            (409, _) => Ok(Answer::Incompatible(told.unwrap_or_else(|| "the registry gives no reason".to_owned()))),
            (401 | 403, _) => refused(format!("the user is refused (HTTP {})", status.as_u16()), Some("check 'schema.registry.basic.auth.user.info'"), false),
            (number, _) => {
                let reason = format!("HTTP {number}{}", told.map(|told| format!(": {told}")).unwrap_or_default());
                refused(reason, None, matches!(number, 408 | 429 | 500..=599))
            }
        }
    }

    fn error(&self, base: &Url, unanswered: Unanswered) -> Error {
        let Unanswered { reason, help, passes } = unanswered;
        let fault = if passes { Fault::External } else { Fault::User };
        let error = Error::new(self.kind, fault, format!("schema registry {}: {reason}", shown(base))).with_retry(passes);
        error.with_help(help.unwrap_or_else(|| format!("check '{}.schema.registry.url'", self.owner)))
    }
}

/// Runs something that blocks on a thread of its own: the HTTP client refuses to block a thread of an executor.
fn aside<T: Send>(run: impl FnOnce() -> T + Send) -> Result<T> {
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("schema-registry".to_owned()).spawn_scoped(scope, run);
        let thread = thread.map_err(|error| Error::internal("cannot start a thread").with_source(error))?;
        thread.join().map_err(|_| Error::internal("the schema registry's client failed"))
    })
}

fn user(info: &Secret, owner: &str) -> Result<(String, Secret)> {
    let wrong = || Error::setting(owner, "schema.registry.basic.auth.user.info", " is not of the form user:password");
    let (user, password) = info.reveal().split_once(':').ok_or_else(wrong)?;
    let password = crate::options::OptionValue::parse(password).map_err(|_| wrong())?;
    Ok((user.to_owned(), password))
}

/// An address without user and password.
fn shown(url: &Url) -> String {
    let mut url = url.clone();
    let _no_user = url.set_username("");
    let _no_password = url.set_password(None);
    url.set_query(None);
    url.as_str().trim_end_matches('/').to_owned()
}

fn too_slow() -> Unanswered {
    Unanswered { reason: "no answer in time".to_owned(), help: None, passes: true }
}

/// Registries put long lists of differences into their messages.
fn excerpt_of_message(message: &str) -> String {
    let message = message.split_whitespace().collect::<Vec<_>>().join(" ");
    message.as_bytes().chunks(320).next().map_or(String::new(), |start| String::from_utf8_lossy(start).into_owned())
        + if message.len() > 320 { "…" } else { "" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::options::OptionValue;

    fn requests(url: &str, user_info: Option<&str>) -> Result<Requests> {
        Requests::new(&RegistrySettings {
            url: url.to_owned(),
            user_info: user_info.map(|info| Secret::parse(info).expect("any text")),
            ca: None,
            timeout: Duration::from_secs(1),
            kind: ErrorKind::Source,
            owner: "k".to_owned(),
        })
    }

    #[test]
    fn addresses_are_checked_and_shown_without_users() {
        for wrong in ["", "registry:8081", "ftp://h", "http://", "http://a, b"] {
            assert!(requests(wrong, None).is_err(), "{wrong}");
        }
        let requests = requests("http://bob:hunter2@h:1/api/, https://h2", None).expect("addresses");
        assert_eq!(requests.place(), "http://h:1/api, https://h2");
        assert!(!format!("{requests:?}").contains("sentinel"));
        assert!(self::requests("http://h", Some("bob")).is_err());
    }

    #[test]
    fn nobody_there_is_told_in_the_words_of_the_system() {
        let requests = requests("http://bob:hunter2-sentinel@127.0.0.1:1", None).expect("an address");
        let error = requests.get(&["subjects"]).expect_err("nobody answers");
        assert_eq!(error.message(), "schema registry http://127.0.0.1:1: Connection refused");
        assert!(error.retry());
    }
}
