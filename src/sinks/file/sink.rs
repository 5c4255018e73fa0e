//! The configured sink.

use std::collections::{HashMap, HashSet};
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;

use super::closed::check_replaceable;
use super::encrypted::EncryptionKey;
use super::format::SinkFormat;
use super::lock::OutputLock;
use super::names::{FileNames, PartitionFolders};
use super::options::{Codec, FileSinkOptions};
use super::output::{OutputOptions, make_folders};
use super::partitions::Partitioning;
use super::path_template::PathTemplate;
use super::progress::Losses;
use super::temporary::TemporaryNames;
use super::writer::{FileWriter, MOST_BUFFERED, Rolling};
use crate::clock::EpochClock;
use crate::error::{Error, Result};
use crate::formats::FormatName;
use crate::options::{OptionValue, Secret};
use crate::stream::{DataSink, DataWriter, SinkContext};

/// Files as a sink.
#[derive(Debug)]
pub struct FileSink {
    name: String,
    options: FileSinkOptions,
    format: FormatName,
    key: Option<EncryptionKey>,
}

impl FileSink {
    /// Checks the settings; creates nothing. `default_key` is the value of VELO_ENCRYPTION_KEY.
    pub fn create(name: &str, options: FileSinkOptions, default_key: Option<&str>) -> Result<Self> {
        let format = options.file_format();
        check_combinations(name, &options, format)?;
        check_target(name, &options, format)?;
        let key = match &options.encryption {
            Some(_) => Some(key(name, options.encryption_key.as_ref(), default_key)?),
            None => None,
        };
        let sink = Self { name: name.to_owned(), options, format, key };
        for unknown in sink.options.template().unknown() {
            tracing::warn!(
                "sink '{name}': {unknown} in its path is not a placeholder and stays as it is; known are {{date}} {{hour}} {{year}} {{month}} {{day}} {{timestamp}} {{batch_id}}"
            );
        }
        Ok(sink)
    }

    /// The output options and the lock of the whole output; a file in place holds a lock itself.
    fn output(&self, columnar: bool, names: &FileNames) -> Result<(OutputOptions, Option<OutputLock>)> {
        let path = match &names.partitions {
            Some(partitions) => format!("{}/{}", partitions.root, partitions.file),
            None => self.options.path.to_string(),
        };
        let (folder, name) = PathTemplate::new(&path, None, false).fixed_folder();
        let output = OutputOptions {
            // Numbered files are always new ones.
            append: self.options.append && !names.numbered,
            compression: if columnar { Codec::None } else { self.options.text_compression() },
            encryption: self.key.clone(),
            buffer_bytes: usize::try_from(self.options.buffer_size_bytes.0).unwrap_or(usize::MAX),
            columnar,
            temporaries: Arc::new(TemporaryNames::new(&name)),
        };
        if output.in_place() && !names.many() {
            return Ok((output, None));
        }
        make_folders(&Path::new(&folder).join("file"))?;
        let lock = OutputLock::take(Path::new(&folder), &name, &self.options.path)?;
        Ok((output, Some(lock)))
    }

    /// The writer of [`DataSink::open`].
    pub(super) fn writer(&self, schema: &SchemaRef, clock: Arc<EpochClock>, most_buffered: u64) -> Result<FileWriter> {
        let partitioning = self.partitioning(schema)?;
        partitioning.warn_of_missing(&self.name);
        let format = SinkFormat::new(&self.name, self.format, &self.options, &partitioning.schema)?;
        let partitions = self.options.partition_columns.is_some().then(|| PartitionFolders {
            root: self.options.partitions_root().to_owned(),
            beginnings: partitioning.folder_beginnings(),
            file: self.options.partition_file(),
        });
        let numbered = self.options.rolls() || partitions.is_some();
        let names = FileNames::new(self.options.template(), partitions, self.options.rotation, numbered, self.options.append);
        let (output, lock) = self.output(matches!(format, SinkFormat::Columnar(_)), &names)?;
        let mut writer = FileWriter {
            names,
            partitioning,
            format,
            output,
            rolling: Rolling {
                rotation: self.options.rotation,
                size: self.options.roll_size.map(|size| size.0),
                interval: self.options.roll_interval.map(|interval| interval.0),
                max_files: self.options.max_files.map(|most| most.0),
            },
            clock,
            lock,
            files: HashMap::new(),
            complete: Vec::new(),
            swept: HashSet::new(),
            losses: Losses::default(),
            last_ended: 0,
            uses: 0,
            most_buffered: MOST_BUFFERED.min(most_buffered),
            closing: false,
        };
        writer.prepare()?;
        Ok(writer)
    }

    fn partitioning(&self, schema: &SchemaRef) -> Result<Partitioning> {
        Partitioning::new(&self.name, schema, self.options.partition_columns.as_ref().map_or(&[], |names| names.0.as_slice()))
    }
}

fn key(name: &str, own: Option<&Secret>, default_key: Option<&str>) -> Result<EncryptionKey> {
    let (text, whose) = match (own, default_key) {
        (Some(own), _) => (own.reveal().to_owned(), format!("'{name}.encryption.key'")),
        (None, Some(default)) => {
            // Registered, so that it is masked wherever it might be printed.
            let secret = Secret::parse(default).map_err(Error::config)?;
            (secret.reveal().to_owned(), "environment variable VELO_ENCRYPTION_KEY".to_owned())
        }
        (None, None) => {
            return Err(Error::setting(name, "encryption", " is set, but there is no key")
                .with_help(format!("set '{name}.encryption.key' or the variable VELO_ENCRYPTION_KEY to 32 bytes in base64 (openssl rand -base64 32)")));
        }
    };
    EncryptionKey::from_base64(&text)
        .ok_or_else(|| Error::config(format!("{whose} is not base64 of 32 bytes")).about(name, "encryption.key").with_help("openssl rand -base64 32 makes one"))
}

fn check_combinations(name: &str, options: &FileSinkOptions, format: FormatName) -> Result<()> {
    let refuse = |key: &str, what: &str, help: &str| Err(Error::setting(name, key, what).with_help(help));
    let rolls = options.rolls();
    let numbered = rolls || options.partition_columns.is_some();
    if options.path.trim().is_empty() || options.path.ends_with('/') && options.partition_columns.is_none() {
        return refuse("path", &format!(" = '{}' names no file", options.path), "give the path of a file, or add 'partition_columns' for a folder");
    }
    if *options.path == *"-" {
        return refuse("path", " = '-': a statement without INTO writes to standard output", "leave INTO out, or name a file");
    }
    if options.append && format.readable_when_closed() && !numbered {
        return refuse(
            "append",
            &format!(": nothing can be appended to a {} file", format.as_str()),
            "add 'roll.interval' or 'partition_columns', which begin further files, or write json lines",
        );
    }
    if options.append && options.encryption.is_some() && !numbered {
        return refuse("append", ": nothing can be appended to an encrypted file", "add 'roll.interval' or 'partition_columns', which begin further files");
    }
    if options.compression.is_none() && options.path.to_ascii_lowercase().ends_with(".bz2") {
        return refuse("path", &format!(" = '{}': bzip2 can only be read", options.path), "end the path with .gz or .zst");
    }
    if options.max_files.is_some() && !(rolls || options.rotation.is_some()) {
        return refuse("max_files", " needs files that are begun anew", "add 'rotation', 'roll.size' or 'roll.interval'");
    }
    if options.encryption_key.is_some() && options.encryption.is_none() {
        return refuse("encryption.key", " is set, but 'encryption' is not, so the file would be plain", "add 'encryption' = 'AES256'");
    }
    Ok(())
}

/// Refuses a path at which there is something that the sink can't write to.
fn check_target(name: &str, options: &FileSinkOptions, format: FormatName) -> Result<()> {
    let path = Path::new(&*options.path);
    if options.partition_columns.is_some() {
        return if path.exists() && !path.is_dir() {
            Err(Error::setting(name, "path", format!(" = '{}' is no folder", options.path)).with_help("give it another path"))
        } else {
            Ok(())
        };
    }
    if options.rolls() || options.rotation.is_some() {
        return Ok(());
    }
    let in_place = !format.readable_when_closed() && options.text_compression() == Codec::None && options.encryption.is_none();
    if in_place && !path.is_dir() {
        return Ok(());
    }
    check_replaceable(path)
        .map_err(|error| Error::setting(name, "path", format!(": {}", error.message())).with_help(error.help().unwrap_or_default().to_owned()))
}

impl DataSink for FileSink {
    fn name(&self) -> &str {
        &self.name
    }

    fn describe(&self) -> String {
        let partitions = self.options.partition_columns.as_ref().map(|names| format!(" by {}", names.0.join(", "))).unwrap_or_default();
        let encrypted = if self.key.is_some() { ", encrypted" } else { "" };
        format!("file {} {}{partitions}{encrypted}", self.options.path, self.format.as_str())
    }

    fn replaces(&self) -> bool {
        !self.options.append
    }

    fn check_schema(&self, schema: &SchemaRef) -> Result<()> {
        let partitioning = self.partitioning(schema)?;
        SinkFormat::new(&self.name, self.format, &self.options, &partitioning.schema).map(|_| ())
    }

    fn open(&self, schema: SchemaRef, context: SinkContext) -> Result<Box<dyn DataWriter>> {
        Ok(Box::new(self.writer(&schema, context.clock, context.most_buffered)?))
    }
}
