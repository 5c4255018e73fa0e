//! `BYTE_LENGTH(x)`: the bytes of a text (in UTF-8) or binary value.

use std::any::Any;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array};
use arrow::datatypes::DataType;
use datafusion::common::{exec_err, plan_err};
use datafusion::error::Result;
use datafusion::logical_expr::{ColumnarValue, ScalarFunctionArgs, ScalarUDFImpl, Signature, Volatility};

/// The function. NULL in, NULL out.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct ByteLength {
    signature: Signature,
}

impl ByteLength {
    pub(super) fn new() -> Self {
        Self { signature: Signature::any(1, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for ByteLength {
    fn as_any(&self) -> &dyn Any {
        self
    }

    fn name(&self) -> &str {
        "byte_length"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        use DataType::{Binary, BinaryView, LargeBinary, LargeUtf8, Null, Utf8, Utf8View};
        match arguments {
            [Utf8 | LargeUtf8 | Utf8View | Binary | LargeBinary | BinaryView | Null] => Ok(DataType::Int64),
            [other] => plan_err!("byte_length takes text or binary, not {other}; write byte_length(CAST(… AS VARCHAR)) for the length of its text"),
            _ => plan_err!("byte_length takes one argument"),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = matches!(args.args.first(), Some(ColumnarValue::Scalar(_)));
        let Some(argument) = args.args.into_iter().next() else { return exec_err!("byte_length takes one argument") };
        let lengths: ArrayRef = Arc::new(lengths(&argument.into_array(if scalar { 1 } else { args.number_rows })?)?);
        if scalar { Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&lengths, 0)?)) } else { Ok(ColumnarValue::Array(lengths)) }
    }
}

fn lengths(values: &ArrayRef) -> Result<Int64Array> {
    let count = |bytes: Option<usize>| bytes.map(|n| n as i64);
    Ok(match values.data_type() {
        DataType::Utf8 => values.as_string::<i32>().iter().map(|v| count(v.map(str::len))).collect(),
        DataType::LargeUtf8 => values.as_string::<i64>().iter().map(|v| count(v.map(str::len))).collect(),
        DataType::Utf8View => values.as_string_view().iter().map(|v| count(v.map(str::len))).collect(),
        DataType::Binary => values.as_binary::<i32>().iter().map(|v| count(v.map(<[u8]>::len))).collect(),
        DataType::LargeBinary => values.as_binary::<i64>().iter().map(|v| count(v.map(<[u8]>::len))).collect(),
        DataType::BinaryView => values.as_binary_view().iter().map(|v| count(v.map(<[u8]>::len))).collect(),
        DataType::Null => Int64Array::new_null(values.len()),
        other => return exec_err!("byte_length takes text or binary, not {other}"),
    })
}

#[cfg(test)]
mod tests {
    use arrow::array::{BinaryArray, StringViewArray};

    use super::*;

    #[test]
    fn bytes_are_counted_not_characters() {
        let texts: ArrayRef = Arc::new(StringViewArray::from(vec![Some("né"), None, Some("")]));
        assert_eq!(lengths(&texts).expect("text"), Int64Array::from(vec![Some(3), None, Some(0)]));
        let bytes: ArrayRef = Arc::new(BinaryArray::from(vec![&[0u8, 255][..]]));
        assert_eq!(lengths(&bytes).expect("binary"), Int64Array::from(vec![2]));
    }
}
