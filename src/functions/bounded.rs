//! Functions whose results may be of any size, whatever their arguments are (`repeat('x', 1000000000)`, `range(0, 1000000000)`): a result that is too large is refused before it is made.

use std::any::Any;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::exec_err;
use datafusion::error::Result;
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature};

/// Bytes of results that are made in one call. Rows that fit by themselves are computed one by one where they don't fit together.
const MOST: u64 = 64 << 20;

/// The size of the results for some rows, in bytes.
type Size = fn(&[ArrayRef], usize) -> u64;

/// A function of DataFusion with the size of its results.
#[derive(Debug)]
struct Bounded {
    inner: Arc<ScalarUDF>,
    size: Size,
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
}

/// Takes the place of functions that are registered already.
pub fn bounded<'a>(known: impl Fn(&str) -> Option<Arc<ScalarUDF>> + 'a) -> impl Iterator<Item = ScalarUDF> + 'a {
    const ALL: [(&str, Size); 7] = [
        ("repeat", repeated),
        ("lpad", padded),
        ("rpad", padded),
        ("range", counted),
        ("generate_series", counted),
        ("array_repeat", repeated_elements),
        ("array_resize", resized),
    ];
    ALL.into_iter().filter_map(move |(name, size)| Some(ScalarUDF::from(Bounded { inner: known(name)?, size })))
}

/// The whole numbers of an argument; of one that is none, nothing is known.
fn numbers(arguments: &[ArrayRef], at: usize) -> Option<Int64Array> {
    let argument = arguments.get(at).filter(|argument| argument.data_type().is_integer())?;
    Some(cast(argument, &DataType::Int64).ok()?.as_primitive_opt::<Int64Type>()?.clone())
}

fn number(numbers: &Int64Array, row: usize) -> i64 {
    if numbers.is_valid(row) { numbers.value(row) } else { 0 }
}

fn sum(rows: usize, size: impl Fn(usize) -> u64) -> u64 {
    (0..rows).map(size).fold(0, u64::saturating_add)
}

/// Mean bytes of a value.
fn width(values: &ArrayRef) -> u64 {
    (values.to_data().get_slice_memory_size().unwrap_or(0) / values.len().max(1)) as u64
}

fn repeated(arguments: &[ArrayRef], rows: usize) -> u64 {
    let Some(times) = numbers(arguments, 1) else { return 0 };
    let lengths =
        arguments.first().and_then(|texts| arrow::compute::kernels::length::length(texts).ok()).and_then(|lengths| cast(&lengths, &DataType::Int64).ok());
    let Some(lengths) = lengths.as_ref().and_then(|lengths| lengths.as_primitive_opt::<Int64Type>()) else { return 0 };
    sum(rows, |row| number(&times, row).max(0).unsigned_abs().saturating_mul(number(lengths, row).max(0).unsigned_abs()))
}

fn padded(arguments: &[ArrayRef], rows: usize) -> u64 {
    numbers(arguments, 1).map_or(0, |lengths| sum(rows, |row| number(&lengths, row).max(0).unsigned_abs()))
}

/// Of a series of whole numbers; that of one argument begins with 0.
fn counted(arguments: &[ArrayRef], rows: usize) -> u64 {
    const WIDTH: u64 = 8;
    let (begin, end) = if arguments.len() < 2 { (None, numbers(arguments, 0)) } else { (numbers(arguments, 0), numbers(arguments, 1)) };
    let (Some(end), step) = (end, numbers(arguments, 2)) else { return 0 };
    sum(rows, |row| {
        let begin = begin.as_ref().map_or(0, |begin| number(begin, row));
        let step = step.as_ref().map_or(1, |step| number(step, row)).unsigned_abs().max(1);
        (number(&end, row).abs_diff(begin) / step).saturating_mul(WIDTH)
    })
}

fn repeated_elements(arguments: &[ArrayRef], rows: usize) -> u64 {
    let (Some(times), Some(elements)) = (numbers(arguments, 1), arguments.first()) else { return 0 };
    let width = width(elements).max(1);
    sum(rows, |row| number(&times, row).max(0).unsigned_abs().saturating_mul(width))
}

fn resized(arguments: &[ArrayRef], rows: usize) -> u64 {
    const WIDTH: u64 = 8;
    numbers(arguments, 1).map_or(0, |lengths| sum(rows, |row| number(&lengths, row).max(0).unsigned_abs().saturating_mul(WIDTH)))
}

impl ScalarUDFImpl for Bounded {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn return_field_from_args(&self, arguments: ReturnFieldArgs<'_>) -> Result<FieldRef> {
        self.inner.return_field_from_args(arguments)
    }

    fn coerce_types(&self, arguments: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(arguments)
    }

    fn simplify(&self, arguments: Vec<Expr>, info: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.simplify(arguments, info)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        // Of values that are the same for all rows the result is made once.
        let rows = if args.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_))) { 1 } else { args.number_rows };
        let arrays = args.args.iter().map(|argument| argument.to_array(rows)).collect::<Result<Vec<_>>>()?;
        let bytes = (self.size)(&arrays, rows);
        if bytes > MOST {
            return exec_err!("{}() would make {} MB, and no more than {} MB are made at once", self.name(), bytes / 1_000_000, MOST / 1_000_000);
        }
        self.inner.invoke_with_args(args)
    }
}
