//! Instants have microseconds. DataFusion would take a date or a text beside one as nanoseconds, which end in 2262, and has nanoseconds for `TIMESTAMP`.

use arrow::datatypes::{DataType, TimeUnit};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::Transformed;
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Cast, TryCast};
use datafusion::logical_expr::planner::TypePlanner;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::sql::sqlparser::ast::{DataType as SqlType, TimezoneInfo};

use super::common_type::{Change, Operand, Usage};

/// The type of `TIMESTAMP` without further words: what a column that is declared so has.
#[derive(Debug)]
pub(in crate::planner) struct InstantType;

fn instant(unit: TimeUnit) -> DataType {
    DataType::Timestamp(unit, Some("UTC".into()))
}

impl TypePlanner for InstantType {
    fn plan_type(&self, sql_type: &SqlType) -> Result<Option<DataType>> {
        Ok(match sql_type {
            SqlType::Timestamp(None, TimezoneInfo::None | TimezoneInfo::Tz | TimezoneInfo::WithTimeZone) => Some(instant(TimeUnit::Microsecond)),
            _ => None,
        })
    }
}

/// A whole number that is cast to TIMESTAMP counts seconds.
pub(super) fn seconds(node: Expr, schema: &DFSchema) -> Transformed<Expr> {
    let (Expr::Cast(Cast { expr, data_type }) | Expr::TryCast(TryCast { expr, data_type })) = &node else { return Transformed::no(node) };
    if *data_type != instant(TimeUnit::Microsecond) || !expr.get_type(schema).is_ok_and(|found| found.is_integer()) {
        return Transformed::no(node);
    }
    let counted = |expr: Box<Expr>| Box::new(Expr::Cast(Cast::new(expr, instant(TimeUnit::Second))));
    Transformed::yes(match node {
        Expr::Cast(Cast { expr, data_type }) => Expr::Cast(Cast::new(counted(expr), data_type)),
        Expr::TryCast(TryCast { expr, data_type }) => Expr::TryCast(TryCast::new(counted(expr), data_type)),
        other => other,
    })
}

/// Dates, and texts where they are taken for instants, get the type of the instant that they stand beside.
pub(super) fn change(operands: &[Operand], usage: Usage<'_>, changes: &mut [Change]) {
    let Some(instant) = operands.iter().map(|operand| &operand.data_type).find(|data_type| matches!(data_type, DataType::Timestamp(..))) else { return };
    let (dates, texts) = match usage {
        Usage::Equality | Usage::Order(_) | Usage::Branch => (true, true),
        Usage::Argument | Usage::Difference => (true, false),
        Usage::Arithmetic => (false, false),
    };
    for (operand, change) in operands.iter().zip(changes) {
        let is_date = matches!(operand.data_type, DataType::Date32 | DataType::Date64);
        if dates && is_date || texts && operand.data_type.is_string() {
            *change = Change::Cast(instant.clone());
        }
    }
}
