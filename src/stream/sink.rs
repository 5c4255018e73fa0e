//! What stands at the end of a job.

use std::fmt::Debug;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use tokio_util::sync::CancellationToken;

use super::{FailurePolicy, Health, RejectedRecord};
use crate::clock::EpochClock;
use crate::error::{Error, Result};
use crate::ids::Epoch;

/// What a writer needs of its job.
#[derive(Clone, Debug)]
pub struct SinkContext {
    /// Begins lines of the log: `job 'x', sink 'y'`.
    pub place: String,
    /// The job's clock.
    pub clock: Arc<EpochClock>,
    /// Where the writer tells the state of its connection.
    pub health: Arc<Health>,
    /// How failures are met; for writers that learn of them after they have taken the rows.
    pub failure: FailurePolicy,
    /// The time to finish is over: a writer that waits lets go of what it has, and says by its error that it did.
    pub stop: CancellationToken,
    /// Bytes that a writer may keep of rows that it has taken, where it collects them.
    pub most_buffered: u64,
}

/// What can't be done with rows that change.
pub(crate) const UPDATES: &str = "GROUP BY without a window of the event time tells of its groups again and again, and this sink keeps all rows";

/// A configured sink.
pub trait DataSink: Send + Sync + Debug {
    /// The name of the statement's `INTO`.
    fn name(&self) -> &str;

    /// One phrase for `explain` and the start line, e.g. `file audit/orders.jsonl`.
    fn describe(&self) -> String;

    /// Whether rows of this schema can be written (partition columns exist, types the format knows); creates nothing.
    fn check_schema(&self, schema: &SchemaRef) -> Result<()>;

    /// Whether rows may take the place of earlier ones that are the same in the columns `keys`. Unless a sink says so it keeps all rows, and would hold every state that a group has been through.
    fn check_updates(&self, _keys: &[String]) -> Result<()> {
        Err(Error::sql(UPDATES).with_help(
            "group by a window of the event time, like tumble(ts, INTERVAL '1' MINUTE), or write to a Kafka sink whose 'key' is the columns of GROUP BY",
        ))
    }

    /// Whether what stands at its output is replaced when it is opened: a job that goes on where an earlier run stopped would lose what that has written.
    fn replaces(&self) -> bool {
        false
    }

    /// Whether it wants the columns of [`super::Carried`], where there are any, behind those of the statement.
    fn wants_carried(&self) -> bool {
        false
    }

    /// Looks whether it can be opened, where its settings want something to be there; changes nothing. A statement whose sink is wrong leaves nothing behind that way.
    fn look(&self, _schema: &SchemaRef) -> Result<()> {
        Ok(())
    }

    /// Creates what is needed to write and returns the writer.
    fn open(&self, schema: SchemaRef, context: SinkContext) -> Result<Box<dyn DataWriter>>;
}

/// What became of a batch.
#[derive(Debug, Default)]
pub struct WriteReport {
    /// Rows that this sink refuses for good (the others were taken).
    pub rejected: Vec<RejectedRecord>,
    /// Why rows that were taken, of this batch or earlier ones, are lost; [`DataWriter::take_lost`] says how many.
    pub failed: Option<Error>,
}

/// Moves batches into a sink.
///
/// What was taken may still be lost, for instance when the file that it went to can't be completed. A writer tells it once, by the next report or error (without retry), goes on with
/// later rows, and holds [`Self::acked`] back before the first lost row until the loss was counted by [`Self::take_lost`]. A caller that goes on without the rows counts them; one
/// that does not stops, and nothing after them was acknowledged.
#[async_trait]
pub trait DataWriter: Send {
    /// Takes the rows of an epoch; they need not be durable on return. Epochs never go back. `batch_id` numbers the job's batches from 1.
    ///
    /// **Errors**: nothing of the batch was kept; with [`crate::error::Error::retry`] the same call may be repeated.
    async fn write(&mut self, epoch: Epoch, batch: &RecordBatch) -> Result<WriteReport>;

    /// All rows of `epoch` have been written; called once an epoch, also when it had no rows.
    async fn end_epoch(&mut self, epoch: Epoch) -> Result<()>;

    /// Makes durable what can be made durable now without closing files that are only readable when closed; called about once a second and never for an epoch alone.
    async fn sync(&mut self) -> Result<()>;

    /// Whether `sync` is to be called now and then while nothing is written, too: a lost connection is noticed there.
    fn watches(&self) -> bool {
        false
    }

    /// Rows of earlier calls that were refused later, by a system that answers late; asked after every other call.
    fn take_rejected(&mut self) -> Vec<RejectedRecord> {
        Vec::new()
    }

    /// The newest epoch of which every row is durable and visible to readers of the output; 0 if none. Never goes back.
    fn acked(&self) -> Epoch;

    /// Counts the rows that were taken and are lost; they are not counted again. After [`Self::close`] has failed for good these are all that are not durable. `None`: this writer
    /// does not know; what is not acknowledged is then to be taken for lost.
    fn take_lost(&mut self) -> Option<u64> {
        None
    }

    /// Gives up what is not completed, since the job has failed; returns the rows that were taken and go with it, those that [`Self::take_lost`] would count among them. `None`: this
    /// writer does not know. Nothing is asked of the writer afterwards.
    fn abandon(&mut self) -> Option<u64> {
        None
    }

    /// Finishes all output, as much of it as can be; everything is durable on success.
    async fn close(&mut self) -> Result<()>;
}
