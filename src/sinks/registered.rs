//! Sinks of kinds that an application registers.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use crate::error::Result;
use crate::stream::DataSink;

/// A kind of sink that an application adds to those of this build: `'X.type' = '<its name>'`.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Arc;
/// use std::sync::atomic::{AtomicUsize, Ordering};
///
/// use velostream::arrow::array::RecordBatch;
/// use velostream::arrow::datatypes::SchemaRef;
/// use velostream::async_trait::async_trait;
/// use velostream::error::Result;
/// use velostream::ids::Epoch;
/// use velostream::server::StreamJobServer;
/// use velostream::sinks::SinkKind;
/// use velostream::stream::{DataSink, DataWriter, SinkContext, WriteReport};
///
/// /// Counts rows.
/// #[derive(Clone, Debug, Default)]
/// struct Counter {
///     name: String,
///     rows: Arc<AtomicUsize>,
///     epoch: Epoch,
/// }
///
/// impl SinkKind for Counter {
///     fn create(&self, name: &str, _: &BTreeMap<String, String>) -> Result<Arc<dyn DataSink>> {
///         Ok(Arc::new(Self { name: name.to_owned(), ..self.clone() }))
///     }
/// }
///
/// impl DataSink for Counter {
///     fn name(&self) -> &str {
///         &self.name
///     }
///     fn describe(&self) -> String {
///         "a counter".to_owned()
///     }
///     fn check_schema(&self, _: &SchemaRef) -> Result<()> {
///         Ok(())
///     }
///     fn open(&self, _: SchemaRef, _: SinkContext) -> Result<Box<dyn DataWriter>> {
///         Ok(Box::new(self.clone()))
///     }
/// }
///
/// #[async_trait]
/// impl DataWriter for Counter {
///     async fn write(&mut self, _: Epoch, batch: &RecordBatch) -> Result<WriteReport> {
///         self.rows.fetch_add(batch.num_rows(), Ordering::Relaxed);
///         Ok(WriteReport::default())
///     }
///     async fn end_epoch(&mut self, epoch: Epoch) -> Result<()> {
///         self.epoch = epoch;
///         Ok(())
///     }
///     async fn sync(&mut self) -> Result<()> {
///         Ok(())
///     }
///     fn acked(&self) -> Epoch {
///         self.epoch // counted is as durable as it gets here
///     }
///     async fn close(&mut self) -> Result<()> {
///         Ok(())
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let counter = Counter::default();
/// let server = StreamJobServer::builder().register_sink("counter", counter.clone()).build()?;
/// # let path = std::env::temp_dir().join(format!("velo-sink-doc-{}.csv", std::process::id()));
/// std::fs::write(&path, "id\n1\n2\n")?;
/// let sql = format!("SELECT id FROM x INTO y WITH ('x.type' = 'file', 'x.path' = '{}', 'y.type' = 'counter')", path.display());
/// let job = &server.deploy(&sql).await?[0];
/// server.wait(job).await?;
/// assert_eq!(counter.rows.load(Ordering::Relaxed), 2);
/// # std::fs::remove_file(&path)?;
/// # Ok(())
/// # }
/// ```
pub trait SinkKind: Debug + Send + Sync {
    /// The keys it takes, besides those that every sink has; any other key is refused.
    fn keys(&self) -> &[&str] {
        &[]
    }

    /// Checks the settings and returns the sink that statements call `name`; nothing is created yet.
    ///
    /// **Errors**: of kind `Config` where a setting is wrong.
    fn create(&self, name: &str, keys: &BTreeMap<String, String>) -> Result<Arc<dyn DataSink>>;
}

/// A sink of such a kind, with its settings.
#[derive(Clone, Debug)]
pub struct RegisteredSink {
    /// Name of the kind.
    pub kind: String,
    /// The kind.
    pub factory: Arc<dyn SinkKind>,
    /// The settings.
    pub keys: BTreeMap<String, String>,
}
