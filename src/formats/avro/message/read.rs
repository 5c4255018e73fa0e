//! Values in Avro's binary form into columns.

use super::super::layout::{counted, cut, long};
use super::plan::{Absent, Plan, RecordPlan};
use super::put;
use super::tree::{Id, Kind, Tree};
use crate::error::excerpt;
use crate::formats::schema_text::print_type;
use crate::formats::value::{Column, Data, Fault, Misfit, Parsed, fault};

/// Deepest nesting of a value that is passed over.
const DEEPEST: usize = 400;
/// Most items without bytes in one message: without a limit, few bytes could fill the memory.
const MOST_EMPTY: u64 = 1 << 16;

impl From<&'static str> for Box<Fault> {
    fn from(cause: &'static str) -> Self {
        fault(format!("the value is damaged: {cause}"))
    }
}

/// Bytes that are read.
pub(super) struct Input<'a> {
    /// The writer's schema, for what is passed over; defaults pass nothing over.
    pub(super) tree: Option<&'a Tree>,
    /// What is left.
    pub(super) rest: &'a [u8],
    /// Where in the chunk that text columns point into the bytes end; `None`: they do not lie in it.
    pub(super) end: Option<usize>,
    /// Items without bytes so far.
    pub(super) empty: u64,
}

impl<'a> Input<'a> {
    fn number(&mut self) -> Result<i64, &'static str> {
        // Most numbers have one byte.
        match self.rest {
            [byte, rest @ ..] if *byte < 0x80 => {
                self.rest = rest;
                Ok(i64::from(byte >> 1) ^ -i64::from(byte & 1))
            }
            _ => long(&mut self.rest),
        }
    }

    fn int(&mut self) -> Result<i32, &'static str> {
        i32::try_from(self.number()?).map_err(|_| "a number has more than 32 bits")
    }

    fn bytes(&mut self, size: Option<usize>) -> Result<&'a [u8], &'static str> {
        match size {
            Some(size) => cut(&mut self.rest, size),
            None => counted(&mut self.rest),
        }
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], &'static str> {
        let (bytes, rest) = self.rest.split_first_chunk().ok_or("it ends inside a value")?;
        self.rest = rest;
        Ok(*bytes)
    }

    fn branch(&mut self, branches: usize) -> Result<usize, &'static str> {
        usize::try_from(self.number()?).ok().filter(|branch| *branch < branches).ok_or("a union has an unknown branch")
    }

    /// Runs of items, each with its number of items (negative: followed by its number of bytes), up to an empty run.
    fn items(&mut self, mut item: impl FnMut(&mut Self) -> Parsed) -> Parsed {
        loop {
            let count = self.number()?;
            if count == 0 {
                return Ok(());
            }
            if count < 0 && self.number()? < 0 {
                return Err("a length is negative".into());
            }
            for _ in 0..count.unsigned_abs() {
                let before = self.rest.len();
                item(self)?;
                self.empty += u64::from(before == self.rest.len());
                if self.empty > MOST_EMPTY {
                    return Err("an array has an impossible number of items".into());
                }
            }
        }
    }

    /// Passes over a value.
    fn skip(&mut self, id: Id, depth: usize) -> Parsed {
        if depth > DEEPEST {
            return Err("a value is nested too deeply".into());
        }
        let Some(tree) = self.tree else { return Err(fault("a default that is passed over")) };
        match &tree.node(id).kind {
            Kind::Null => {}
            Kind::Boolean => _ = self.bytes(Some(1))?,
            Kind::Int => _ = self.int()?,
            Kind::Long => _ = self.number()?,
            Kind::Float => _ = self.bytes(Some(4))?,
            Kind::Double => _ = self.bytes(Some(8))?,
            Kind::Bytes | Kind::Text => _ = self.bytes(None)?,
            Kind::Fixed(size) => _ = self.bytes(Some(*size))?,
            Kind::Enum(_) => _ = self.number()?,
            Kind::Array(item) => self.items(|input| input.skip(*item, depth + 1))?,
            Kind::Map(value) => self.items(|input| {
                input.bytes(None)?;
                input.skip(*value, depth + 1)
            })?,
            Kind::Record(fields) => fields.iter().try_for_each(|field| self.skip(field.id, depth + 1))?,
            Kind::Union(branches) => {
                let branch = self.branch(branches.len())?;
                self.skip(branches[branch], depth + 1)?;
            }
        }
        Ok(())
    }
}

/// Reads one value into a column; on an error the column holds a part of it.
pub(super) fn read(plan: &Plan, column: &mut Column, input: &mut Input<'_>) -> Parsed {
    let misfit = |column: &Column, misfit: Misfit, value: &dyn std::fmt::Display| match misfit {
        Misfit::Null => fault("is NOT NULL, but the value is null"),
        Misfit::Type => fault(format!("{} is not {}", excerpt(&value.to_string()), print_type(column.data_type()))),
    };
    match plan {
        Plan::Null => column.push_null().map_err(|found| misfit(column, found, &"null")),
        Plan::Boolean => match input.array::<1>()? {
            [value @ 0..=1] => column.push_bool(value == 1).map_err(|found| misfit(column, found, &value)),
            _ => Err("a boolean is neither 0 nor 1".into()),
        },
        Plan::Int => {
            let value = i64::from(input.int()?);
            put::integer(column, value.into()).map_err(|found| misfit(column, found, &value))
        }
        Plan::Long => {
            let value = input.number()?;
            put::integer(column, value.into()).map_err(|found| misfit(column, found, &value))
        }
        Plan::Date => {
            let days = input.int()?;
            put::date(column, days).map_err(|found| misfit(column, found, &days))
        }
        Plan::Time { factor, short } => {
            let value = if *short { input.int()?.into() } else { input.number()? };
            put::time(column, value, *factor).map_err(|found| misfit(column, found, &value))
        }
        Plan::Instant(unit) => {
            let value = input.number()?;
            put::instant(column, value, *unit).map_err(|found| misfit(column, found, &value))
        }
        Plan::Float => {
            let value = f32::from_le_bytes(input.array()?);
            put::float(column, value.into()).map_err(|found| misfit(column, found, &value))
        }
        Plan::Double => {
            let value = f64::from_le_bytes(input.array()?);
            put::float(column, value).map_err(|found| misfit(column, found, &value))
        }
        Plan::Decimal(size, scale) => {
            let bytes = input.bytes(*size)?;
            put::decimal(column, bytes, *scale).map_err(|found| misfit(column, found, &"a decimal"))
        }
        Plan::Text => text(column, input, None),
        Plan::Bytes(size) => match column.data {
            Data::Text(_) => text(column, input, *size),
            _ => put::bytes(column, input.bytes(*size)?).map_err(|found| misfit(column, found, &"bytes")),
        },
        Plan::Enum(symbols) => {
            let symbol = usize::try_from(input.number()?).ok().and_then(|at| symbols.get(at)).ok_or("an enum has an unknown symbol")?;
            let symbol = symbol.as_deref().ok_or_else(|| fault("a symbol that the schema of the columns does not have"))?;
            column.push_text(symbol.as_bytes()).map_err(|found| misfit(column, found, &symbol))
        }
        Plan::List(items) => list(items, column, input),
        Plan::Map(values) => map(values, column, input),
        Plan::Record(plan) => record(plan, column, input),
        Plan::Union(branches) => {
            let branch = input.branch(branches.len())?;
            read(&branches[branch], column, input)
        }
        Plan::Branch(at, plan) => {
            let Data::Struct(inner, _) = &mut column.data else { return Err(fault("a union in a column that is no STRUCT")) };
            for (other, column) in inner.columns.iter_mut().enumerate() {
                match other == *at {
                    true => read(plan, column, input).map_err(|fault| fault.within(column.name()))?,
                    false => column.push_null().map_err(|found| misfit(column, found, &"null"))?,
                }
            }
            column.set_valid();
            Ok(())
        }
        Plan::Skip(id) => input.skip(*id, 0),
        Plan::Unfit(reason) => Err(fault(format!("its schema {reason}"))),
    }
}

/// Text, which a column may have as bytes, too.
fn text(column: &mut Column, input: &mut Input<'_>, size: Option<usize>) -> Parsed {
    let text = input.bytes(size)?;
    if !matches!(column.data, Data::Text(_)) {
        return put::bytes(column, text).map_err(|_| fault("a text in a column of another type"));
    }
    if simdutf8::basic::from_utf8(text).is_err() {
        return Err("a text is not UTF-8".into());
    }
    let pushed = match input.end {
        Some(end) => column.push_text_at(text, end - input.rest.len() - text.len()),
        None => column.push_text(text),
    };
    pushed.map_err(|_| fault("a text that lies too far back in its batch"))
}

/// Reads a record into a STRUCT.
pub(super) fn record(plan: &RecordPlan, column: &mut Column, input: &mut Input<'_>) -> Parsed {
    let Data::Struct(inner, _) = &mut column.data else { return Err(fault("a record in a column that is no STRUCT")) };
    for (at, plan) in &plan.steps {
        match at.and_then(|at| inner.columns.get_mut(at)) {
            Some(column) => read(plan, column, input).map_err(|fault| fault.within(column.name()))?,
            None => match plan {
                Plan::Skip(id) => input.skip(*id, 0)?,
                _ => return Err(fault("a field without a column")),
            },
        }
    }
    for (at, absent) in &plan.absent {
        let Some(column) = inner.columns.get_mut(*at) else { return Err(fault("a field without a column")) };
        match absent {
            Absent::Null => column.push_null().map_err(|_| fault(format!("field '{}' is NOT NULL, but it is missing", column.name())))?,
            Absent::Default(bytes, plan) => {
                let mut input = Input { tree: None, rest: bytes, end: None, empty: 0 };
                read(plan, column, &mut input).map_err(|fault| fault.within(column.name()))?;
            }
        }
    }
    column.set_valid();
    Ok(())
}

fn list(items: &Plan, column: &mut Column, input: &mut Input<'_>) -> Parsed {
    let Data::List(_, item, _) = &mut column.data else { return Err(fault("an array in a column that is no ARRAY")) };
    input.items(|input| read(items, item, input))?;
    column.end_items()
}

fn map(values: &Plan, column: &mut Column, input: &mut Input<'_>) -> Parsed {
    let Data::Map(_, keys, inner, _) = &mut column.data else { return Err(fault("a map in a column that is no MAP")) };
    input.items(|input| {
        let key = input.bytes(None)?;
        simdutf8::basic::from_utf8(key).map_err(|_| "a text is not UTF-8")?;
        keys.push_text(key).map_err(|_| fault("a key of a map is no text"))?;
        read(values, inner, input)
    })?;
    column.end_items()
}
