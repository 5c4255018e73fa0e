//! A branch without a stream, emitted in the first epoch only.

mod exec;

pub use exec::OnceExec;
