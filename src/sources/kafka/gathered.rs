//! Polled messages as a batch of rows.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BinaryViewArray, BinaryViewBuilder, Int32Array, Int64Array, MapBuilder, RecordBatch, RecordBatchOptions, StringBuilder, StringViewBuilder,
    TimestampMicrosecondArray, UInt32Array,
};
use arrow::buffer::Buffer;
use arrow::compute::take;
use arrow::datatypes::{Field, Schema, SchemaRef};

use crate::error::{Error, Result};
use crate::formats::{KeyFormat, MessageDecoder, Messages};
use crate::kafka::{Message, PartitionId};
use crate::stream::{MetadataColumn, Position, RecordPlace, RejectedRecord, SourceBatch};

/// How messages become rows.
#[derive(Debug)]
pub(super) struct Decoding {
    pub decoder: Arc<dyn MessageDecoder>,
    pub metadata: Vec<MetadataColumn>,
    /// What `_key` has to be.
    pub key_format: KeyFormat,
    /// The columns of the batches, metadata included.
    pub schema: SchemaRef,
}

/// Keys by message, in one buffer.
#[derive(Debug, Default)]
struct Keys {
    bytes: Vec<u8>,
    /// Where each begins and how long it is.
    spans: Vec<Option<(u32, u32)>>,
}

impl Keys {
    /// Takes in the key of the message with this number (from 1), once.
    fn set(&mut self, number: usize, key: Option<&[u8]>) {
        if self.spans.len() == number {
            return;
        }
        let number = |length: usize| u32::try_from(length).unwrap_or(u32::MAX);
        self.spans.push(key.map(|key| (number(self.bytes.len()), number(key.len()))));
        self.bytes.extend_from_slice(key.unwrap_or_default());
    }

    fn is_text(&self, at: usize) -> bool {
        self.spans[at].is_none_or(|(start, length)| simdutf8::basic::from_utf8(&self.bytes[start as usize..(start + length) as usize]).is_ok())
    }

    fn is_json(&self, at: usize) -> bool {
        self.spans[at]
            .is_none_or(|(start, length)| serde_json::from_slice::<serde::de::IgnoredAny>(&self.bytes[start as usize..(start + length) as usize]).is_ok())
    }

    /// The keys of these messages; the buffer becomes theirs.
    fn column(&self, buffer: Buffer, messages: impl Iterator<Item = usize>) -> Result<BinaryViewArray> {
        let mut keys = BinaryViewBuilder::new();
        let block = keys.append_block(buffer);
        for at in messages {
            match self.spans[at] {
                Some((start, length)) => {
                    keys.try_append_view(block, start, length).map_err(|error| Error::internal("keys can't be put together").with_source(error))?;
                }
                None => keys.append_null(),
            }
        }
        Ok(keys.finish())
    }
}

/// Messages that wait to be decoded.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    payloads: Vec<u8>,
    ends: Vec<usize>,
    /// By message: the number of its partition, and its offset.
    partitions: Vec<u32>,
    offsets: Vec<i64>,
    /// Filled only where asked for.
    timestamps: Vec<Option<i64>>,
    keys: Keys,
    headers: Vec<Vec<(String, Option<Vec<u8>>)>>,
    /// By number: the partition, and the offset after its last message here.
    seen: Vec<Option<(PartitionId, Arc<str>, i64)>>,
    /// Partitions that were read up to an offset that no message has.
    passed: Position,
    tombstones: u64,
}

impl Gathered {
    /// Empty, with room for as much as another one holds, so that what comes next is not copied while it grows.
    pub(super) fn like(other: &Self) -> Self {
        Self {
            payloads: Vec::with_capacity(other.payloads.len()),
            ends: Vec::with_capacity(other.ends.len()),
            partitions: Vec::with_capacity(other.partitions.len()),
            offsets: Vec::with_capacity(other.offsets.len()),
            ..Self::default()
        }
    }

    /// Messages with a value.
    pub(super) fn messages(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of their values and keys.
    pub(super) fn bytes(&self) -> usize {
        self.payloads.len() + self.keys.bytes.len()
    }

    /// Nothing was polled.
    pub(super) fn is_empty(&self) -> bool {
        self.seen.is_empty() && self.passed.offsets.is_empty()
    }

    /// Takes in a message of the partition with this number.
    pub(super) fn push(&mut self, message: &Message<'_>, number: usize, partition: &(PartitionId, Arc<str>), metadata: &[MetadataColumn]) {
        if self.seen.len() <= number {
            self.seen.resize(number + 1, None);
        }
        self.seen[number].get_or_insert_with(|| (partition.0.clone(), Arc::clone(&partition.1), 0)).2 = message.offset() + 1;
        let number = u32::try_from(number).unwrap_or(u32::MAX);
        let Some(payload) = message.payload() else {
            self.tombstones += 1;
            return;
        };
        self.payloads.extend_from_slice(payload);
        self.ends.push(self.payloads.len());
        self.partitions.push(number);
        self.offsets.push(message.offset());
        for column in metadata {
            match column {
                MetadataColumn::Timestamp => self.timestamps.push(message.timestamp()),
                MetadataColumn::Key | MetadataColumn::KeyBytes => self.keys.set(self.ends.len(), message.key()),
                MetadataColumn::Headers => {
                    let mut headers = Vec::new();
                    message.headers(|name, value| headers.push((name.to_string_lossy().into_owned(), value.map(<[u8]>::to_vec))));
                    self.headers.push(headers);
                }
                MetadataColumn::Partition | MetadataColumn::Offset | MetadataColumn::Topic => {}
            }
        }
    }

    /// A partition was read up to an offset that no message has.
    pub(super) fn passed(&mut self, name: &Arc<str>, offset: i64) {
        self.passed.set(name, u64::try_from(offset).unwrap_or(0));
    }

    /// The rows. `again` is asked whether to try once more when something is missing that is no fault of the messages, such as an answer of the schema registry.
    pub(super) fn decode(mut self, decoding: &Decoding, mut again: impl FnMut(&Error) -> bool) -> Result<Vec<SourceBatch>> {
        let bytes = self.payloads.len() as u64;
        // Texts keep the buffer, however long their rows live.
        if self.payloads.capacity() > 2 * self.payloads.len() {
            self.payloads.shrink_to_fit();
        }
        let messages = Messages { bytes: Buffer::from(std::mem::take(&mut self.payloads)), ends: std::mem::take(&mut self.ends) };
        let decoded = loop {
            match decoding.decoder.decode(&messages) {
                Err(error) if error.retry() && again(&error) => {}
                decoded => break decoded?,
            }
        };
        let mut rejected: Vec<RejectedRecord> = decoded.rejected.into_iter().map(|(number, reason)| self.rejected(number, reason)).collect();
        let mut rows = decoded.rows;
        let mut message_of_row = decoded.message_of_row;
        if !decoding.metadata.is_empty() {
            let unreadable = self.unreadable(&message_of_row, decoding);
            if !unreadable.is_empty() {
                rejected.extend(unreadable.iter().map(|(number, reason)| self.rejected(*number, reason.clone())));
                let bad: Vec<u32> = unreadable.into_iter().map(|(number, _)| number).collect();
                let kept: UInt32Array = (0u32..).zip(&message_of_row).filter(|(_, number)| bad.binary_search(number).is_err()).map(|(row, _)| row).collect();
                rows = take_rows(&rows, &kept)?;
                message_of_row.retain(|number| bad.binary_search(number).is_err());
            }
            rows = self.with_metadata(&rows, &message_of_row, decoding)?;
        }
        let skipped = self.tombstones + decoded.empty;
        let mut position = Position::default();
        self.seen.iter().flatten().for_each(|(_, name, next)| position.set(name, u64::try_from(*next).unwrap_or(0)));
        position.merge(&self.passed);
        Ok(vec![SourceBatch { rows, skipped, rejected, bytes, position }])
    }

    fn partition(&self, at: usize) -> Option<&PartitionId> {
        self.seen.get(self.partitions[at] as usize)?.as_ref().map(|(id, ..)| id)
    }

    fn rejected(&self, number: u32, reason: String) -> RejectedRecord {
        let at = number as usize;
        let place = self.partition(at).map(|id| RecordPlace {
            partition: Arc::from(format!("{}, partition {}", id.topic, id.partition)),
            unit: "offset",
            number: u64::try_from(self.offsets[at]).unwrap_or(0),
        });
        RejectedRecord { place, reason }
    }

    /// Messages whose key or headers, if they are asked for, are no text: their numbers, ascending.
    fn unreadable(&self, message_of_row: &[u32], decoding: &Decoding) -> Vec<(u32, String)> {
        let metadata = &decoding.metadata;
        let json = decoding.key_format == KeyFormat::Json;
        let mut found = Vec::new();
        let mut last = None;
        for number in message_of_row {
            if last == Some(number) {
                continue;
            }
            last = Some(number);
            let at = *number as usize;
            let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().is_none_or(|bytes| simdutf8::basic::from_utf8(bytes).is_ok());
            if metadata.contains(&MetadataColumn::Key) && !self.keys.is_text(at) {
                found.push((*number, "its key is not UTF-8, so '_key' has no text for it; '_key_bytes' has it as it is".to_owned()));
            } else if json && metadata.contains(&MetadataColumn::Key) && !self.keys.is_json(at) {
                found.push((*number, "its key is not JSON, as 'key.format' says; '_key_bytes' has it as it is".to_owned()));
            } else if metadata.contains(&MetadataColumn::Headers)
                && let Some((name, _)) = self.headers[at].iter().find(|(_, value)| !text(value))
            {
                found.push((*number, format!("its header '{name}' is not UTF-8, so '_headers' has no text for it")));
            }
        }
        found
    }

    fn with_metadata(&mut self, rows: &RecordBatch, message_of_row: &[u32], decoding: &Decoding) -> Result<RecordBatch> {
        let messages = || message_of_row.iter().map(|number| *number as usize);
        let keys = if self.keys.spans.is_empty() {
            BinaryViewArray::new_null(0)
        } else {
            let buffer = Buffer::from(std::mem::take(&mut self.keys.bytes));
            self.keys.column(buffer, messages())?
        };
        let name = |at: usize| self.partition(at);
        let text = |bytes: &Option<Vec<u8>>| bytes.as_ref().map(|bytes| String::from_utf8_lossy(bytes).into_owned());
        let column = |column: &MetadataColumn| -> Result<ArrayRef> {
            Ok(match column {
                MetadataColumn::KeyBytes => Arc::new(keys.clone()),
                MetadataColumn::Key => {
                    let texts = keys.clone().to_string_view();
                    Arc::new(texts.map_err(|error| Error::internal("a key that is no text").with_source(error))?)
                }
                MetadataColumn::Partition => Arc::new(Int32Array::from_iter_values(messages().map(|at| name(at).map_or(-1, |id| id.partition)))),
                MetadataColumn::Offset => Arc::new(Int64Array::from_iter_values(messages().map(|at| self.offsets[at]))),
                MetadataColumn::Timestamp => {
                    let micros = messages().map(|at| self.timestamps[at].map(|millis| millis.saturating_mul(1_000)));
                    Arc::new(TimestampMicrosecondArray::from_iter(micros).with_timezone("UTC"))
                }
                MetadataColumn::Topic => {
                    let mut topics = StringViewBuilder::with_capacity(message_of_row.len()).with_deduplicate_strings();
                    messages().for_each(|at| topics.append_value(name(at).map_or("", |id| &id.topic)));
                    Arc::new(topics.finish())
                }
                MetadataColumn::Headers => {
                    let names = arrow::array::MapFieldNames { entry: "entries".to_owned(), key: "keys".to_owned(), value: "values".to_owned() };
                    let mut maps = MapBuilder::new(Some(names), StringBuilder::new(), StringViewBuilder::new());
                    for at in messages() {
                        for (name, value) in &self.headers[at] {
                            maps.keys().append_value(name);
                            maps.values().append_option(text(value));
                        }
                        maps.append(true).map_err(|error| Error::internal("headers can't be put together").with_source(error))?;
                    }
                    Arc::new(maps.finish())
                }
            })
        };
        let mut columns = rows.columns().to_vec();
        for wanted in &decoding.metadata {
            columns.push(column(wanted)?);
        }
        batch(&decoding.schema, columns, rows.num_rows())
    }
}

fn batch(schema: &SchemaRef, columns: Vec<ArrayRef>, rows: usize) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
        .map_err(|error| Error::internal("messages don't fit their columns").with_source(error))
}

fn take_rows(rows: &RecordBatch, kept: &UInt32Array) -> Result<RecordBatch> {
    let columns = rows.columns().iter().map(|column| take(column, kept, None)).collect::<std::result::Result<Vec<_>, _>>();
    let columns = columns.map_err(|error| Error::internal("rows can't be taken out").with_source(error))?;
    batch(&rows.schema(), columns, kept.len())
}

/// The columns of batches with metadata.
pub(super) fn with_metadata_columns(schema: &Schema, metadata: &[MetadataColumn]) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    fields.extend(metadata.iter().map(|column| column.field()));
    Arc::new(Schema::new(fields))
}
