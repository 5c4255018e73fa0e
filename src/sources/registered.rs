//! Sources of kinds that an application registers.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;

use crate::error::Result;
use crate::stream::DataSource;

/// A kind of source that an application adds to those of this build: `'X.type' = '<its name>'`.
///
/// ```
/// use std::collections::BTreeMap;
/// use std::sync::Arc;
///
/// use velostream::arrow::array::{ArrayRef, Int64Array, RecordBatch};
/// use velostream::arrow::datatypes::SchemaRef;
/// use velostream::async_trait::async_trait;
/// use velostream::error::{Error, Result};
/// use velostream::server::StreamJobServer;
/// use velostream::sources::SourceKind;
/// use velostream::stream::{Boundedness, DataReader, DataSource, Position, ReadRequest, SourceBatch};
///
/// /// Some numbers, and then no more.
/// #[derive(Clone, Debug)]
/// struct Numbers {
///     name: String,
///     rows: RecordBatch,
/// }
///
/// impl SourceKind for Numbers {
///     fn create(&self, name: &str, _: &BTreeMap<String, String>) -> Result<Arc<dyn DataSource>> {
///         Ok(Arc::new(Self { name: name.to_owned(), ..self.clone() }))
///     }
/// }
///
/// impl DataSource for Numbers {
///     fn name(&self) -> &str {
///         &self.name
///     }
///     fn schema(&self) -> SchemaRef {
///         self.rows.schema()
///     }
///     fn boundedness(&self) -> Boundedness {
///         Boundedness::Bounded
///     }
///     fn estimated_bytes(&self) -> u64 {
///         self.rows.get_array_memory_size() as u64
///     }
///     fn describe(&self) -> String {
///         "some numbers".to_owned()
///     }
///     fn open(&self, request: ReadRequest) -> Result<Box<dyn DataReader>> {
///         let internal = |error| Error::internal("a column that is not there").with_source(error);
///         let rows = self.rows.project(&request.columns).map_err(internal)?;
///         Ok(Box::new(Reader { rows: Some(rows) }))
///     }
/// }
///
/// struct Reader {
///     rows: Option<RecordBatch>,
/// }
///
/// #[async_trait]
/// impl DataReader for Reader {
///     async fn next(&mut self) -> Result<Option<SourceBatch>> {
///         let Some(rows) = self.rows.take() else { return Ok(None) };
///         let position = Position::of(&Arc::from("all"), rows.num_rows() as u64);
///         Ok(Some(SourceBatch { bytes: 8 * rows.num_rows() as u64, rows, skipped: 0, rejected: Vec::new(), position }))
///     }
///     async fn seek(&mut self, _: &Position) -> Result<()> {
///         self.rows = None; // all of it was read
///         Ok(())
///     }
/// }
///
/// # #[tokio::main]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let rows = RecordBatch::try_from_iter([("n", Arc::new(Int64Array::from(vec![1, 2, 3])) as ArrayRef)])?;
/// let server = StreamJobServer::builder().register_source("numbers", Numbers { name: String::new(), rows }).build()?;
/// let job = &server.deploy("SELECT n FROM x WHERE n > 1 WITH ('x.type' = 'numbers')").await?[0];
/// assert_eq!(server.wait(job).await?.metrics.records_processed, 3);
/// # Ok(())
/// # }
/// ```
pub trait SourceKind: Debug + Send + Sync {
    /// The keys it takes, besides those that every source has; any other key is refused.
    fn keys(&self) -> &[&str] {
        &[]
    }

    /// Checks the settings and creates the source that statements call `name`.
    ///
    /// **Errors**: of kind `Config` where a setting is wrong, of kind `Source` where there is nothing to read.
    fn create(&self, name: &str, keys: &BTreeMap<String, String>) -> Result<Arc<dyn DataSource>>;
}

/// A source of such a kind, with its settings.
#[derive(Clone, Debug)]
pub struct RegisteredSource {
    /// Name of the kind.
    pub kind: String,
    /// The kind.
    pub factory: Arc<dyn SourceKind>,
    /// The settings.
    pub keys: BTreeMap<String, String>,
}
