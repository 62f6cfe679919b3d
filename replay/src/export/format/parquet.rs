use std::sync::Arc;

use anyhow::{Context as _, Result};
use duolog_topics::Account;
use parquet::basic::Compression;
use parquet::data_type::{ByteArray, ByteArrayType, DataType, Int32Type, Int64Type};
use parquet::file::properties::WriterProperties;
use parquet::file::writer::{SerializedFileWriter, SerializedRowGroupWriter};
use parquet::schema::parser::parse_message_type;

use super::super::message::Message;
use super::{Out, Sink};

/// The columns of [`Message`].
const SCHEMA: &str = "message message {
    required int32 partition;
    required int64 offset;
    required binary id (UTF8);
    required binary from (UTF8);
    required group to (LIST) { repeated group list { required binary element (UTF8); } }
    required group not_delivered (LIST) { repeated group list { required binary element (UTF8); } }
    required int64 time (TIMESTAMP(MILLIS, true));
    required int64 time_ms;
    required binary key (UTF8);
    required binary body (JSON);
    optional binary custom (UTF8);
    required binary origin (UTF8);
    required binary flags (JSON);
}";

/// A row group has about so many messages, and bytes of bodies, at most: what is held in memory.
const GROUP_MESSAGES: usize = 100_000;
const GROUP_BYTES: usize = 64 << 20;

pub struct Parquet {
    writer: SerializedFileWriter<Out>,
    group: Group,
}

impl Parquet {
    /// # Errors
    /// If the file's beginning cannot be written.
    pub fn begin(out: Out) -> Result<Self> {
        let properties = WriterProperties::builder().set_compression(Compression::SNAPPY).build();
        let writer = SerializedFileWriter::new(out, Arc::new(parse_message_type(SCHEMA)?), Arc::new(properties))?;
        Ok(Self { writer, group: Group::default() })
    }

    fn write_group(&mut self) -> Result<()> {
        let group = std::mem::take(&mut self.group);
        if group.offset.is_empty() {
            return Ok(());
        }
        let mut writer = self.writer.next_row_group()?;
        group.write(&mut writer)?;
        writer.close()?;
        Ok(())
    }
}

impl Sink for Parquet {
    fn add(&mut self, message: &Message<'_>) -> Result<()> {
        self.group.add(message)?;
        if self.group.offset.len() >= GROUP_MESSAGES || self.group.bytes >= GROUP_BYTES {
            self.write_group()?;
        }
        Ok(())
    }

    fn end(mut self: Box<Self>) -> Result<()> {
        self.write_group()?;
        self.writer.finish()?;
        std::io::Write::flush(self.writer.inner_mut())?;
        Ok(())
    }
}

/// The columns of a row group, gathered.
#[derive(Default)]
struct Group {
    bytes: usize,
    partition: Vec<i32>,
    offset: Vec<i64>,
    id: Vec<ByteArray>,
    from: Vec<ByteArray>,
    to: Lists,
    not_delivered: Lists,
    time: Vec<i64>,
    key: Vec<ByteArray>,
    body: Vec<ByteArray>,
    custom: Vec<ByteArray>,
    /// 1 where a message has custom data.
    has_custom: Vec<i16>,
    origin: Vec<ByteArray>,
    flags: Vec<ByteArray>,
}

impl Group {
    fn add(&mut self, message: &Message<'_>) -> Result<()> {
        self.bytes += message.body.get().len() + message.custom.map_or(0, str::len);
        self.partition.push(i32::try_from(message.partition)?);
        self.offset.push(i64::try_from(message.offset)?);
        self.id.push(message.id.as_str().into());
        self.from.push(message.from.as_str().into());
        self.to.add(message.to);
        self.not_delivered.add(&message.not_delivered);
        self.time.push(i64::try_from(message.time_ms)?);
        self.key.push(message.key.as_str().into());
        self.body.push(message.body.get().into());
        self.custom.extend(message.custom.map(ByteArray::from));
        self.has_custom.push(message.custom.is_some().into());
        self.origin.push(message.origin().into());
        self.flags.push(serde_json::to_string(&message.flags)?.as_str().into());
        Ok(())
    }

    /// In the order of the schema.
    fn write(self, group: &mut SerializedRowGroupWriter<'_, Out>) -> Result<()> {
        column::<Int32Type>(group, &self.partition, None, None)?;
        column::<Int64Type>(group, &self.offset, None, None)?;
        column::<ByteArrayType>(group, &self.id, None, None)?;
        column::<ByteArrayType>(group, &self.from, None, None)?;
        self.to.write(group)?;
        self.not_delivered.write(group)?;
        column::<Int64Type>(group, &self.time, None, None)?;
        column::<Int64Type>(group, &self.time, None, None)?;
        column::<ByteArrayType>(group, &self.key, None, None)?;
        column::<ByteArrayType>(group, &self.body, None, None)?;
        column::<ByteArrayType>(group, &self.custom, Some(&self.has_custom), None)?;
        column::<ByteArrayType>(group, &self.origin, None, None)?;
        column::<ByteArrayType>(group, &self.flags, None, None)
    }
}

/// A column of lists, as Parquet has them: the items of all lists, and for each whether it is one (an empty list has a
/// place without an item) and whether it goes on with the list before it.
#[derive(Default)]
struct Lists {
    items: Vec<ByteArray>,
    is_item: Vec<i16>,
    goes_on: Vec<i16>,
}

impl Lists {
    fn add(&mut self, list: &[Account]) {
        if list.is_empty() {
            self.is_item.push(0);
            self.goes_on.push(0);
        }
        for (place, item) in list.iter().enumerate() {
            self.items.push(item.as_str().into());
            self.is_item.push(1);
            self.goes_on.push((place > 0).into());
        }
    }

    fn write(&self, group: &mut SerializedRowGroupWriter<'_, Out>) -> Result<()> {
        column::<ByteArrayType>(group, &self.items, Some(&self.is_item), Some(&self.goes_on))
    }
}

/// Writes the next column; the levels are Parquet's definition and repetition levels.
fn column<T: DataType>(
    group: &mut SerializedRowGroupWriter<'_, Out>,
    values: &[T::T],
    definition: Option<&[i16]>,
    repetition: Option<&[i16]>,
) -> Result<()> {
    let mut column = group.next_column()?.context("the schema has a column for each that is written")?;
    column.typed::<T>().write_batch(values, definition, repetition)?;
    Ok(column.close()?)
}
