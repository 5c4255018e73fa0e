//! The operands of an expression that must have one type.

use arrow::datatypes::DataType;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::Result;
use datafusion::logical_expr::expr::{Between, Case, Cast, InList, InSubquery, ScalarFunction, SetComparison};
use datafusion::logical_expr::expr_schema::cast_subquery;
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, Subquery};

use super::common_type::{Change, Operand, Usage, changes};

/// Changes the operands of a node.
pub(super) fn unify(mut node: Expr, schema: &DFSchema) -> Result<Transformed<Expr>> {
    match node {
        Expr::InSubquery(InSubquery { expr, subquery, negated }) => {
            let (expr, subquery, changed) = with_subquery(*expr, subquery, Usage::Equality, schema)?;
            let node = Expr::InSubquery(InSubquery::new(Box::new(expr), subquery, negated));
            Ok(Transformed::new_transformed(node, changed))
        }
        Expr::SetComparison(SetComparison { expr, subquery, op, quantifier }) => {
            let (expr, subquery, changed) = with_subquery(*expr, subquery, usage_of(op, &op.to_string()).unwrap_or(Usage::Equality), schema)?;
            let node = Expr::SetComparison(SetComparison::new(Box::new(expr), subquery, op, quantifier));
            Ok(Transformed::new_transformed(node, changed))
        }
        _ => {
            let operator = if let Expr::BinaryExpr(BinaryExpr { op, .. }) = &node { op.to_string() } else { String::new() };
            let mut changed = false;
            for (usage, mut operands) in groups(&mut node, &operator) {
                changed |= unify_group(&mut operands, usage, schema)?;
            }
            Ok(Transformed::new_transformed(node, changed))
        }
    }
}

/// Operands of one type, and what for.
type Group<'a> = (Usage<'a>, Vec<&'a mut Expr>);

fn groups<'a>(node: &'a mut Expr, operator: &'a str) -> Vec<Group<'a>> {
    match node {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => {
            usage_of(*op, operator).map(|usage| (usage, vec![left.as_mut(), right.as_mut()])).into_iter().collect()
        }
        Expr::Between(Between { expr, low, high, .. }) => vec![(Usage::Order("BETWEEN"), vec![expr.as_mut(), low.as_mut(), high.as_mut()])],
        Expr::InList(InList { expr, list, .. }) => vec![(Usage::Equality, std::iter::once(expr.as_mut()).chain(list).collect())],
        Expr::Case(Case { expr, when_then_expr, else_expr }) => {
            let (mut compared, mut results) = (Vec::new(), Vec::new());
            let simple = expr.is_some();
            compared.extend(expr.as_deref_mut());
            for (when, then) in when_then_expr {
                if simple {
                    compared.push(when.as_mut());
                }
                results.push(then.as_mut());
            }
            results.extend(else_expr.as_deref_mut());
            vec![(Usage::Equality, compared), (Usage::Branch, results)]
        }
        Expr::ScalarFunction(ScalarFunction { func, args }) => {
            let first = match func.name() {
                "coalesce" | "nvl" | "nullif" | "greatest" | "least" | "make_array" => 0,
                "nvl2" => 1,
                _ => return Vec::new(),
            };
            vec![(Usage::Argument, args.iter_mut().skip(first).collect())]
        }
        _ => Vec::new(),
    }
}

fn usage_of(operator: Operator, text: &str) -> Option<Usage<'_>> {
    Some(match operator {
        Operator::Eq | Operator::NotEq | Operator::IsDistinctFrom | Operator::IsNotDistinctFrom => Usage::Equality,
        Operator::Lt | Operator::LtEq | Operator::Gt | Operator::GtEq => Usage::Order(text),
        Operator::Plus | Operator::Multiply | Operator::Divide | Operator::Modulo => Usage::Arithmetic,
        Operator::Minus => Usage::Difference,
        _ => return None,
    })
}

fn unify_group(operands: &mut [&mut Expr], usage: Usage<'_>, schema: &DFSchema) -> Result<bool> {
    if operands.len() < 2 {
        return Ok(false);
    }
    // DataFusion says what has no type.
    let Ok(described) = operands.iter().map(|expr| describe(expr, schema)).collect::<Result<Vec<_>>>() else { return Ok(false) };
    let mut changed = false;
    for (expr, change) in operands.iter_mut().zip(changes(&described, usage)?) {
        if change != Change::Keep {
            let old = std::mem::replace(*expr, Expr::Literal(ScalarValue::Null, None));
            **expr = apply(old, change);
            changed = true;
        }
    }
    Ok(changed)
}

/// The operands of a join's key.
pub(super) fn unify_key(left: Expr, left_schema: &DFSchema, right: Expr, right_schema: &DFSchema) -> Result<(Expr, Expr)> {
    let (Ok(first), Ok(second)) = (describe(&left, left_schema), describe(&right, right_schema)) else { return Ok((left, right)) };
    let mut changes = changes(&[first, second], Usage::Equality)?.into_iter();
    let mut next = |expr| apply(expr, changes.next().unwrap_or(Change::Keep));
    Ok((next(left), next(right)))
}

fn with_subquery(expr: Expr, subquery: Subquery, usage: Usage<'_>, schema: &DFSchema) -> Result<(Expr, Subquery, bool)> {
    let (Ok(outer), Some(column)) = (describe(&expr, schema), subquery.subquery.schema().fields().first()) else { return Ok((expr, subquery, false)) };
    let inner = Operand { data_type: column.data_type().clone(), literal: None };
    let mut changes = changes(&[outer, inner], usage)?.into_iter();
    let (outer, inner) = (changes.next().unwrap_or(Change::Keep), changes.next().unwrap_or(Change::Keep));
    let changed = outer != Change::Keep || inner != Change::Keep;
    let subquery = match inner {
        Change::Cast(to) => cast_subquery(subquery, &to)?,
        _ => subquery,
    };
    Ok((apply(expr, outer), subquery, changed))
}

fn describe(expr: &Expr, schema: &DFSchema) -> Result<Operand> {
    let literal = if let Expr::Literal(value, _) = expr { Some(value.clone()) } else { None };
    Ok(Operand { data_type: expr.get_type(schema)?, literal })
}

fn apply(expr: Expr, change: Change) -> Expr {
    match change {
        Change::Keep => expr,
        Change::Cast(to) => cast(expr, to),
        Change::Literal(value) => Expr::Literal(value, None),
    }
}

fn cast(expr: Expr, to: DataType) -> Expr {
    Expr::Cast(Cast::new(Box::new(expr), to))
}
