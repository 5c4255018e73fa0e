//! Rows grouped by sessions of time, and by keys: rows of a key that follow each other by less than a gap are one session, which comes out once, when its time is over.
//!
//! A session reaches from its first row to its last one and the gap behind that, its end not included: a row at the end begins another session. (Flink and Kafka Streams let a row
//! exactly at the end join. Here a window is what lies before its end, as everywhere else, and a watermark that has reached the end closes it.)
//!
//! ```text
//!   GROUP BY k, session(ts, INTERVAL '30' SECONDS)                                            watermark of ts: 10:01:25
//!
//!   k=a  10:00:05  10:00:20  10:00:49            one session: 10:00:05 to 10:01:19, 3 rows    over: comes out
//!   k=a                                10:01:19  another one: 10:01:19 to 10:01:49, 1 row     open
//!   k=b       10:00:10             10:00:59      two; a row of 10:00:35 would make them one   the second is open: 10:00:59 to 10:01:29
//!   k=b            10:00:35                      comes now: it is before the watermark, but joins the open session, and so is not late
//!   k=a  10:00:30                                comes now: its own window has ended, and no open session is near: late
//! ```
//!
//! Each batch is aggregated at once, by what it adds to each session, a *fragment*: keys, and the states of the aggregates, which are Arrow arrays. A session is a list of fragments,
//! so that two become one by joining their lists. The aggregates of a session are merged when it comes out, of many sessions together; and now and then for all that are kept, so that
//! there are never many more fragments than sessions.
//! - `counts`: how often there is what, least first
//! - `line`: the sessions of one key, in order
//! - `sessions`: which session of a key an instant belongs to, and which are over
//! - `fragments`: what the rows of a batch have come to, and the merging of that
//! - `saving`: open sessions as tables, and back
//! - `state`: one batch, and the end of an epoch
//! - `exec`: the plan node

mod counts;
mod exec;
mod fragments;
mod line;
mod saving;
mod sessions;
mod state;

pub use exec::{SessionAggregateExec, SessionAggregateSpec, SessionGroup, SessionTime};

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests;
