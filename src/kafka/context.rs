//! What a client tells of itself.

use std::ffi::{CStr, c_char, c_int, c_void};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use parking_lot::Mutex;
use rdkafka::client::{Client, ClientContext, OAuthToken};
use rdkafka_sys as sys;

use super::assignment::Assignment;
use super::fault::cause;
use crate::stream::Health;
use crate::telemetry::LineLimit;

/// Shared by a client and its callbacks.
pub(super) struct Context {
    /// Begins every line: `job 'x', source 'orders'`.
    pub(super) place: String,
    pub(super) health: Arc<Health>,
    /// Partitions of a consumer.
    pub(super) assignment: Mutex<Assignment>,
    /// Incremented when partitions come or go.
    version: AtomicU64,
    /// Since when no broker answers, and why.
    away: Mutex<Option<(Instant, String)>>,
    limit: LineLimit,
    quiet: bool,
}

impl Context {
    pub(super) fn new(place: String, health: Arc<Health>, assignment: Assignment) -> Self {
        Self {
            place,
            health,
            assignment: Mutex::new(assignment),
            version: AtomicU64::new(0),
            away: Mutex::default(),
            limit: LineLimit::default(),
            quiet: false,
        }
    }

    /// Tells nothing in the log.
    pub(super) fn quiet(self) -> Self {
        Self { quiet: true, ..self }
    }

    /// The callbacks that every client has; they run on the thread that polls.
    pub(super) fn register(conf: *mut sys::rd_kafka_conf_t) {
        // SAFETY: `conf` is a live configuration; the functions match the types that the library declares.
        unsafe {
            sys::rd_kafka_conf_set_error_cb(conf, Some(error_callback));
            sys::rd_kafka_conf_set_log_cb(conf, Some(log_callback));
            sys::rd_kafka_conf_enable_sasl_queue(conf, 1);
        }
    }

    /// Lets a thread of the client renew OAUTHBEARER tokens, so that nobody has to poll for it. Clients with another mechanism have none.
    pub(super) fn renew_tokens(client: &Client<Self>) {
        // SAFETY: the client is alive; an error is ours to destroy.
        unsafe {
            let error = sys::rd_kafka_sasl_background_callbacks_enable(client.native_ptr());
            if !error.is_null() {
                sys::rd_kafka_error_destroy(error);
            }
        }
    }

    /// The context of a client, from the pointer that a callback is given.
    ///
    /// # Safety
    /// `opaque` is the pointer of a client that was made with a `Context`, and the client is alive.
    pub(super) unsafe fn of<'a>(opaque: *mut c_void) -> Option<&'a Self> {
        // SAFETY: see above; the client keeps the context alive.
        unsafe { opaque.cast::<Self>().as_ref() }
    }

    /// Takes note of a fault of the connection.
    pub(super) fn fault(&self, code: sys::rd_kafka_resp_err_t, reason: &str) {
        use sys::rd_kafka_resp_err_t as Code;
        match code {
            // Of several brokers some may still answer. What the last one said is the reason.
            Code::RD_KAFKA_RESP_ERR__ALL_BROKERS_DOWN => {
                let reason = self.health.last_error().unwrap_or_else(|| reason.to_owned());
                self.away.lock().get_or_insert_with(|| (Instant::now(), cause(&reason)));
                if self.health.reconnecting(&reason) && !self.quiet {
                    tracing::warn!("{}: connection lost ({reason}); status Reconnecting", self.place);
                }
            }
            _ => {
                if let Some((_, why)) = &mut *self.away.lock() {
                    *why = cause(reason);
                }
                self.health.note_error(reason);
                self.note(reason);
            }
        }
    }

    /// Since when no broker answers, and why; `None`: they do, as far as is known.
    pub(super) fn away(&self) -> Option<(Instant, String)> {
        self.away.lock().clone()
    }

    /// Partitions have come or gone.
    pub(super) fn changed(&self) {
        self.version.fetch_add(1, Ordering::Relaxed);
    }

    /// Tells whether they have since the last time.
    pub(super) fn version(&self) -> u64 {
        self.version.load(Ordering::Relaxed)
    }

    /// Logs something that may come often.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet && self.limit.allows() {
            tracing::warn!("{}: {text}", self.place);
        }
    }

    /// The brokers answer again.
    pub(super) fn answered(&self) {
        *self.away.lock() = None;
        if self.health.connected() {
            tracing::info!("{}: status Connected", self.place);
        }
    }
}

impl ClientContext for Context {
    const ENABLE_REFRESH_OAUTH_TOKEN: bool = false;

    fn generate_oauth_token(&self, _: Option<&str>) -> Result<OAuthToken, Box<dyn std::error::Error>> {
        Err("tokens are made by the client library".into())
    }
}

/// A text of the library; empty for NULL.
pub(super) fn text(pointer: *const c_char) -> String {
    if pointer.is_null() {
        return String::new();
    }
    // SAFETY: the library hands out NUL-terminated texts that live during the callback.
    unsafe { CStr::from_ptr(pointer) }.to_string_lossy().into_owned()
}

unsafe extern "C" fn error_callback(_: *mut sys::rd_kafka_t, code: c_int, reason: *const c_char, opaque: *mut c_void) {
    // SAFETY: clients with this callback are made with a `Context`.
    let Some(context) = (unsafe { Context::of(opaque) }) else { return };
    let code = sys::rd_kafka_resp_err_t::try_from(code).unwrap_or(sys::rd_kafka_resp_err_t::RD_KAFKA_RESP_ERR_UNKNOWN);
    context.fault(code, &text(reason));
}

unsafe extern "C" fn log_callback(client: *const sys::rd_kafka_t, level: c_int, facility: *const c_char, line: *const c_char) {
    // SAFETY: the client is alive during its callbacks.
    let Some(context) = (unsafe { Context::of(sys::rd_kafka_opaque(client)) }) else { return };
    let (facility, line) = (text(facility), text(line));
    // What fails is told by the error callback, in words for users.
    const ERROR: c_int = 3;
    if level < ERROR {
        tracing::error!("{}: {facility} {line}", context.place);
    } else {
        tracing::debug!(target: "librdkafka", "{}: {facility} {line}", context.place);
    }
}
