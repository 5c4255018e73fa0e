//! A record as bytes: a mark, the length of a header, the header as JSON, the tables as Arrow streams, and a checksum (CRC-32) of all of that.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow_ipc::CompressionType;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::{IpcWriteOptions, StreamWriter};
use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::operators::Changes;
use crate::operators::slice_bytes::compacted;

/// What a file begins with; the last sign is the version of the format.
const MARK: &[u8; 8] = b"VELOREC1";

/// How far an input was read.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::runtime) struct InputState {
    /// Job and source.
    pub name: String,
    /// Offsets by partition.
    pub offsets: BTreeMap<String, u64>,
    /// How far its event time has come.
    pub time: Option<i64>,
    /// The latest event time of each partition that has rows.
    pub partitions: Vec<(String, i32, Option<i64>)>,
}

/// What stands before the tables.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Header {
    /// What the jobs do.
    pub statement: String,
    /// The last epoch that is in it.
    pub epoch: u64,
    pub inputs: Vec<InputState>,
    /// Names of the parts that tables belong to.
    pub parts: Vec<String>,
    /// Part, name and length of each table.
    pub tables: Vec<(usize, String, u64)>,
}

/// A record: changes of each part since the one before.
#[derive(Clone, Debug, Default)]
pub(super) struct Record {
    pub header: Header,
    pub parts: Vec<Changes>,
}

fn internal(error: arrow::error::ArrowError) -> Error {
    Error::internal("a saved table").with_source(error)
}

fn damaged(what: &str) -> Error {
    Error::config(format!("is damaged: {what}"))
}

impl Record {
    /// The bytes of it.
    pub(super) fn encode(&self) -> Result<Vec<u8>> {
        let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME)).map_err(internal)?;
        let mut header = Header { tables: Vec::new(), ..self.header.clone() };
        let mut body = Vec::new();
        for (part, changes) in self.parts.iter().enumerate() {
            for (name, rows) in &changes.tables {
                let begin = body.len();
                // Texts of a slice would be written with those of all other rows.
                let rows = compacted(rows.clone()).map_err(internal)?;
                let mut writer = StreamWriter::try_new_with_options(&mut body, &rows.schema(), options.clone()).map_err(internal)?;
                writer.write(&rows).and_then(|()| writer.finish()).map_err(internal)?;
                drop(writer);
                header.tables.push((part, name.clone(), (body.len() - begin) as u64));
            }
        }
        let header = serde_json::to_vec(&header).map_err(|error| Error::internal("the header of a record").with_source(error))?;
        let mut bytes = Vec::with_capacity(MARK.len() + 4 + header.len() + body.len() + 4);
        bytes.extend_from_slice(MARK);
        bytes.extend_from_slice(&(header.len() as u32).to_le_bytes());
        bytes.extend_from_slice(&header);
        bytes.extend_from_slice(&body);
        let sum = crc32fast::hash(&bytes);
        bytes.extend_from_slice(&sum.to_le_bytes());
        Ok(bytes)
    }

    /// A record of its bytes.
    ///
    /// **Errors**: the bytes are not those of a record, or not all of them.
    pub(super) fn decode(bytes: &[u8]) -> Result<Self> {
        let (header, mut body) = split(bytes)?;
        let mut parts = vec![Changes::default(); header.parts.len()];
        for (part, name, length) in &header.tables {
            let end = usize::try_from(*length).ok().filter(|end| *end <= body.len()).ok_or_else(|| damaged("a table is cut off"))?;
            let (own, rest) = body.split_at(end);
            body = rest;
            let reader = StreamReader::try_new(own, None).map_err(|error| damaged(&error.to_string()))?;
            let changes = parts.get_mut(*part).ok_or_else(|| damaged("a table belongs to nothing"))?;
            for rows in reader {
                let rows: RecordBatch = rows.map_err(|error| damaged(&error.to_string()))?;
                changes.tables.push((name.clone(), rows));
            }
        }
        Ok(Self { header, parts })
    }
}

fn split(bytes: &[u8]) -> Result<(Header, &[u8])> {
    let (all, sum) = bytes.split_last_chunk::<4>().ok_or_else(|| damaged("it is too short"))?;
    let rest = all.strip_prefix(MARK).ok_or_else(|| damaged("it is no record of this version"))?;
    if crc32fast::hash(all) != u32::from_le_bytes(*sum) {
        return Err(damaged("its checksum is wrong"));
    }
    let (length, rest) = rest.split_first_chunk::<4>().ok_or_else(|| damaged("it is too short"))?;
    let length = u32::from_le_bytes(*length) as usize;
    if length > rest.len() {
        return Err(damaged("its header is cut off"));
    }
    let (header, body) = rest.split_at(length);
    let header = serde_json::from_slice(header).map_err(|error| damaged(&format!("its header: {error}")))?;
    Ok((header, body))
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use std::sync::Arc;

    use arrow::array::{ArrayRef, Int64Array, StringViewArray};

    use super::*;

    fn record() -> Record {
        let texts = ["a text that is longer than a view", "b"].repeat(50);
        let rows = RecordBatch::try_from_iter([
            ("n", Arc::new(Int64Array::from_iter(0..100)) as ArrayRef),
            ("text", Arc::new(StringViewArray::from(texts)) as ArrayRef),
        ])
        .unwrap();
        let changes = Changes { tables: vec![("rows".to_owned(), rows.slice(10, 20)), ("more".to_owned(), rows)] };
        let inputs = vec![InputState { name: "j.s".to_owned(), offsets: [("t-0".to_owned(), 7)].into(), time: Some(5), partitions: Vec::new() }];
        let header = Header { statement: "SELECT".to_owned(), epoch: 3, inputs, parts: vec!["a".to_owned(), "b".to_owned()], tables: Vec::new() };
        Record { header, parts: vec![Changes::default(), changes] }
    }

    #[test]
    fn a_record_is_read_as_it_was_written() {
        let record = record();
        let read = Record::decode(&record.encode().unwrap()).unwrap();
        assert_eq!(Header { tables: Vec::new(), ..read.header }, record.header);
        assert_eq!(read.parts.iter().map(|part| part.tables.clone()).collect::<Vec<_>>(), record.parts.into_iter().map(|part| part.tables).collect::<Vec<_>>());
    }

    #[test]
    fn any_damage_is_seen() {
        let bytes = record().encode().unwrap();
        for at in (0..bytes.len()).step_by(7) {
            let mut other = bytes.clone();
            other[at] ^= 0x10;
            assert!(Record::decode(&other).is_err(), "byte {at}");
        }
        for length in (0..bytes.len()).step_by(11) {
            assert!(Record::decode(&bytes[..length]).is_err(), "cut to {length}");
        }
    }
}
