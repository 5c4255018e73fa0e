//! How the values of one schema become those of another: what the writer wrote, as what the reader wants.

use arrow::datatypes::{DataType, Field, Fields, TimeUnit};

use super::default::encode_default;
use super::tree::{Id, Kind, Logical, RecordField, Tree};
use crate::formats::schema_text::print_type;

/// How to read one value of the writer into a column.
#[derive(Debug)]
pub(super) enum Plan {
    Null,
    Boolean,
    Int,
    Long,
    Date,
    /// Microseconds of a unit; whether the number has 32 bits.
    Time {
        factor: i64,
        short: bool,
    },
    Instant(TimeUnit),
    Float,
    Double,
    Text,
    Bytes(Option<usize>),
    /// Size (with none, it stands before the bytes), and scale.
    Decimal(Option<usize>, i8),
    /// The text of each symbol; `None`: the reader does not know it.
    Enum(Vec<Option<Box<str>>>),
    List(Box<Plan>),
    Map(Box<Plan>),
    Record(RecordPlan),
    Union(Vec<Plan>),
    /// The value of one branch of a union that is a STRUCT: the column of the branch.
    Branch(usize, Box<Plan>),
    /// A value that is passed over.
    Skip(Id),
    /// A value that has no place in the column; why.
    Unfit(String),
}

/// How to read a record.
#[derive(Debug)]
pub(super) struct RecordPlan {
    /// The writer's fields, in order: their columns, if they are wanted.
    pub(super) steps: Vec<(Option<usize>, Plan)>,
    /// Columns that the writer does not have.
    pub(super) absent: Vec<(usize, Absent)>,
}

/// What stands for a field that the writer does not have.
#[derive(Debug)]
pub(super) enum Absent {
    Null,
    /// Its default, as the reader's schema would write it, and how that is read.
    Default(Vec<u8>, Plan),
}

/// Plans the reading of a writer's schema.
#[derive(Clone, Copy)]
pub(super) struct Planner<'a> {
    pub(super) writer: &'a Tree,
    /// The reader's schema; its aliases, defaults and symbols count. Without one the columns are all that is known of the reader.
    pub(super) reader: Option<&'a Tree>,
}

impl Planner<'_> {
    /// A plan for whole values. Errors go on after "the schema".
    pub(super) fn root(self, columns: &Fields) -> Result<Plan, String> {
        let fields = self.writer.fields(self.writer.root).ok_or("is not a record")?;
        self.record(fields, columns, self.reader.map(|reader| reader.root), "").map(Plan::Record)
    }

    fn record(self, fields: &[RecordField], columns: &Fields, reader: Option<Id>, path: &str) -> Result<RecordPlan, String> {
        let wanted = reader.and_then(|id| self.reader?.fields(id));
        let of_reader = |name: &str| wanted.and_then(|wanted| wanted.iter().find(|field| field.name == name));
        let mut column_of = vec![None; fields.len()];
        let mut absent = Vec::new();
        for (at, column) in columns.iter().enumerate() {
            let reader = of_reader(column.name());
            let same = |field: &RecordField| field.name == *column.name();
            let alias = |field: &RecordField| reader.is_some_and(|reader| reader.aliases.contains(&field.name));
            match fields.iter().position(same).or_else(|| fields.iter().position(alias)) {
                Some(found) => column_of[found] = Some(at),
                None => absent.push((at, self.absent(column, reader, path)?)),
            }
        }
        let step = |(field, column): (&RecordField, Option<usize>)| match column {
            None => Ok((None, Plan::Skip(field.id))),
            Some(at) => {
                let target = &columns[at];
                let path = format!("{path}{}", target.name());
                let plan = self.value(field.id, target.data_type(), of_reader(target.name()).map(|field| field.id), &path)?;
                Ok((Some(at), plan))
            }
        };
        let steps = fields.iter().zip(column_of).map(step).collect::<Result<_, String>>()?;
        Ok(RecordPlan { steps, absent })
    }

    fn absent(self, column: &Field, reader: Option<&RecordField>, path: &str) -> Result<Absent, String> {
        if let (Some(tree), Some(field)) = (self.reader, reader)
            && let Some(default) = &field.default
        {
            let name = column.name();
            let wrong = |cause| format!("can't be read: the default of '{path}{name}' {cause}");
            let mut bytes = Vec::new();
            encode_default(tree, field.id, default, &mut bytes).map_err(wrong)?;
            let plan = Planner { writer: tree, reader: self.reader }.value(field.id, column.data_type(), Some(field.id), name)?;
            return Ok(Absent::Default(bytes, plan));
        }
        if column.is_nullable() { Ok(Absent::Null) } else { Err(format!("has no field '{path}{}', which is NOT NULL", column.name())) }
    }

    /// A plan for a value of type `id`; `reader` is the reader's type, if there is one.
    fn value(self, id: Id, target: &DataType, reader: Option<Id>, path: &str) -> Result<Plan, String> {
        // Of a union with NULL the other branch is meant.
        let reader_values = reader.and_then(|id| self.reader?.values_of(id));
        let reader = match reader_values.as_deref() {
            Some([one]) => Some(*one),
            _ => reader,
        };
        let several = reader_values.filter(|values| values.len() > 1);
        let writer_values = self.writer.values_of(id);
        if let DataType::Struct(columns) = target {
            let branches = several.as_deref();
            let named = |id: &Id| columns.iter().any(|column| column.name() == self.writer.branch_name(*id));
            let undeclared = reader.is_none() && writer_values.as_ref().is_some_and(|values| values.len() > 1 && values.iter().all(named));
            if branches.is_some() || undeclared {
                return self.branches(id, columns, branches, path);
            }
        }
        match &self.writer.node(id).kind {
            Kind::Union(branches) => {
                let one = |branch: &Id| self.value(*branch, target, reader, path);
                let mut plans: Vec<Result<Plan, String>> = branches.iter().map(one).collect();
                let none = plans.iter().zip(branches).all(|(plan, branch)| plan.is_err() || matches!(self.writer.node(*branch).kind, Kind::Null));
                if none && let Some(at) = plans.iter().position(Result::is_err) {
                    return plans.swap_remove(at);
                }
                Ok(Plan::Union(plans.into_iter().map(|plan| plan.unwrap_or_else(Plan::Unfit)).collect()))
            }
            Kind::Null => Ok(Plan::Null),
            Kind::Array(items) => match target {
                DataType::List(item) => {
                    let inner = reader.and_then(|id| match self.reader?.node(id).kind {
                        Kind::Array(items) => Some(items),
                        _ => None,
                    });
                    Ok(Plan::List(Box::new(self.value(*items, item.data_type(), inner, &format!("{path}[]"))?)))
                }
                _ => Err(self.unfit(id, target, path)),
            },
            Kind::Map(values) => match map_value(target) {
                Some(value) => {
                    let inner = reader.and_then(|id| match self.reader?.node(id).kind {
                        Kind::Map(values) => Some(values),
                        _ => None,
                    });
                    Ok(Plan::Map(Box::new(self.value(*values, value.data_type(), inner, &format!("{path}.value"))?)))
                }
                None => Err(self.unfit(id, target, path)),
            },
            Kind::Record(fields) => match target {
                DataType::Struct(columns) => self.record(fields, columns, reader, &format!("{path}.")).map(Plan::Record),
                _ => Err(self.unfit(id, target, path)),
            },
            _ => self.plain(id, target, reader).ok_or_else(|| self.unfit(id, target, path)),
        }
    }

    /// A plan for the STRUCT that stands for a union of several types. `readers`: the reader's branches, one a column.
    fn branches(self, id: Id, columns: &Fields, readers: Option<&[Id]>, path: &str) -> Result<Plan, String> {
        let one = |branch: Id| -> Result<Plan, String> {
            if matches!(self.writer.node(branch).kind, Kind::Null) {
                return Ok(Plan::Null);
            }
            let name = self.writer.branch_name(branch);
            let reader_of = |at: usize| readers.and_then(|readers| readers.get(at).copied());
            let plan = |at: usize| self.value(branch, columns[at].data_type(), reader_of(at), path).map(|plan| Plan::Branch(at, Box::new(plan)));
            let same = columns.iter().position(|column| column.name() == name).and_then(|at| plan(at).ok());
            let other = || (0..columns.len()).find_map(|at| plan(at).ok()).filter(|_| readers.is_some());
            same.or_else(other).ok_or_else(|| format!("has the type {name} for '{path}', for which the union of the columns has no branch"))
        };
        match &self.writer.node(id).kind {
            Kind::Union(branches) => Ok(Plan::Union(branches.iter().map(|branch| one(*branch).unwrap_or_else(Plan::Unfit)).collect())),
            _ => one(id),
        }
    }

    fn plain(self, id: Id, target: &DataType, reader: Option<Id>) -> Option<Plan> {
        use DataType::{Binary, Boolean, Date32, Float32, Float64, Time64, Timestamp, Utf8, Utf8View};
        let node = self.writer.node(id);
        let size = match node.kind {
            Kind::Fixed(size) => Some(size),
            _ => None,
        };
        let whole = target.is_integer() || target.is_decimal();
        Some(match (&node.kind, node.logical, target) {
            (Kind::Boolean, _, Boolean) => Plan::Boolean,
            (_, Some(Logical::Date), Date32) => Plan::Date,
            (kind, Some(Logical::Time(unit)), Time64(TimeUnit::Microsecond)) => {
                Plan::Time { factor: if unit == TimeUnit::Millisecond { 1_000 } else { 1 }, short: matches!(kind, Kind::Int) }
            }
            (_, Some(Logical::Instant(unit)), Timestamp(_, Some(_))) | (_, Some(Logical::Local(unit)), Timestamp(..)) => Plan::Instant(unit),
            (Kind::Int, _, Float32 | Float64) => Plan::Int,
            (Kind::Long, _, Float32 | Float64) => Plan::Long,
            (Kind::Int, _, _) if whole => Plan::Int,
            (Kind::Long, _, _) if whole => Plan::Long,
            (Kind::Float, _, Float32 | Float64) => Plan::Float,
            (Kind::Double, _, Float32 | Float64) => Plan::Double,
            (_, Some(Logical::Decimal(_, scale)), _) if whole => Plan::Decimal(size, scale),
            (Kind::Text, _, Utf8 | Utf8View | Binary) => Plan::Text,
            (Kind::Bytes | Kind::Fixed(_), None | Some(Logical::Duration), Utf8 | Utf8View) | (Kind::Bytes | Kind::Fixed(_), _, Binary) => Plan::Bytes(size),
            (Kind::Enum(symbols), _, Utf8 | Utf8View) => {
                let known = reader.and_then(|id| match &self.reader?.node(id).kind {
                    Kind::Enum(known) => Some(known),
                    _ => None,
                });
                let text = |symbol: &String| match known {
                    Some(known) if !known.all.contains(symbol) => known.default.as_deref().map(Box::from),
                    _ => Some(Box::from(symbol.as_str())),
                };
                Plan::Enum(symbols.all.iter().map(text).collect())
            }
            _ => return None,
        })
    }

    fn unfit(self, id: Id, target: &DataType, path: &str) -> String {
        let node = self.writer.node(id);
        let logical = match node.logical {
            Some(Logical::Decimal(precision, scale)) => format!(" (decimal {precision},{scale})"),
            Some(Logical::Date) => " (date)".to_owned(),
            Some(Logical::Time(_)) => " (time)".to_owned(),
            Some(Logical::Instant(_)) => " (timestamp)".to_owned(),
            Some(Logical::Local(_)) => " (local timestamp)".to_owned(),
            Some(Logical::Duration) => " (duration)".to_owned(),
            None => String::new(),
        };
        format!("has the type {}{logical} for '{path}', whose column is {}", self.writer.branch_name(id), print_type(target))
    }
}

fn map_value(target: &DataType) -> Option<&Field> {
    match target {
        DataType::Map(entries, _) => match entries.data_type() {
            DataType::Struct(fields) if fields.len() == 2 && matches!(fields[0].data_type(), DataType::Utf8 | DataType::Utf8View) => Some(&fields[1]),
            _ => None,
        },
        _ => None,
    }
}
