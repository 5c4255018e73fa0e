//! `demo`.

use super::arguments::{Arguments, DemoCommand};
use super::exit::ExitStatus;

pub(super) async fn demo(_: &DemoCommand, _: &Arguments) -> ExitStatus {
    ExitStatus::Refused
}
