//! The nodes' operators.

use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::common::{DFSchema, NullEquality};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{LogicalPlan, UserDefinedLogicalNode};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_planner::{ExtensionPlanner, PhysicalPlanner};

use super::{LimitNode, LookupJoinNode, OnceNode};
use crate::error::Error;
use crate::operators::guard::RowFaults;
use crate::operators::limit::{LimitState, StreamLimitExec};
use crate::operators::lookup_join::{LookupJoinExec, LookupKind, LookupSpec, ResidualFilter, Side};
use crate::operators::once::OnceExec;
use crate::planner::exact::checked;

/// Plans the nodes of this folder.
#[derive(Debug)]
pub(in crate::planner) struct StreamNodePlanner {
    /// The job's failing rows.
    pub faults: Arc<RowFaults>,
}

#[async_trait]
impl ExtensionPlanner for StreamNodePlanner {
    async fn plan_extension(
        &self,
        planner: &dyn PhysicalPlanner,
        node: &dyn UserDefinedLogicalNode,
        _: &[&LogicalPlan],
        inputs: &[Arc<dyn ExecutionPlan>],
        state: &SessionState,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let faults = || Arc::clone(&self.faults);
        if let Some(node) = node.as_any().downcast_ref::<LimitNode>()
            && let [input] = inputs
        {
            let limit = Arc::new(LimitState::new(node.skip, node.fetch));
            return Ok(Some(Arc::new(StreamLimitExec::new(Arc::clone(input), limit, faults()))));
        }
        if let Some(node) = node.as_any().downcast_ref::<OnceNode>() {
            let plan = planner.create_physical_plan(&node.plan, state).await?;
            return Ok(Some(Arc::new(OnceExec::new(plan, Arc::clone(&self.faults)))));
        }
        if let Some(node) = node.as_any().downcast_ref::<LookupJoinNode>()
            && let [stream] = inputs
        {
            let table = planner.create_physical_plan(&node.table, state).await?;
            let spec = spec(planner, node, state)?;
            let schema: SchemaRef = Arc::new(node.join.schema.as_arrow().clone());
            return Ok(Some(Arc::new(LookupJoinExec::new(Arc::clone(stream), table, spec, schema, faults()))));
        }
        Ok(None)
    }
}

fn spec(planner: &dyn PhysicalPlanner, node: &LookupJoinNode, state: &SessionState) -> Result<LookupSpec> {
    let join = &node.join;
    let (stream_schema, table_schema) = (node.stream.schema(), node.table.schema());
    let mut stream_keys = Vec::with_capacity(join.on.len());
    let mut table_keys = Vec::with_capacity(join.on.len());
    for (left, right) in &join.on {
        let (stream, table) = if node.stream_is_left { (left, right) } else { (right, left) };
        stream_keys.push(checked(planner.create_physical_expr(stream, stream_schema, state)?, stream_schema.as_arrow())?);
        table_keys.push(checked(planner.create_physical_expr(table, table_schema, state)?, table_schema.as_arrow())?);
    }
    let residual = match &join.filter {
        Some(filter) => {
            let both = stream_schema.join(table_schema)?;
            let expression = checked(planner.create_physical_expr(filter, &both, state)?, both.as_arrow())?;
            Some(residual(expression, &both, stream_schema.fields().len())?)
        }
        None => None,
    };
    if join.null_aware && (residual.is_some() || stream_keys.len() != 1) {
        let error = Error::sql("NOT IN (SELECT …) of a constant, or with a condition on columns of both queries, can't be run over a stream");
        return Err(DataFusionError::External(Box::new(error.with_help("write NOT EXISTS (SELECT … WHERE <inner column> = <outer column>)"))));
    }
    Ok(LookupSpec {
        kind: LookupKind::from_join(join.join_type, node.stream_is_left),
        stream_keys,
        table_keys,
        residual,
        stream_is_left: node.stream_is_left,
        null_equals_null: join.null_equality == NullEquality::NullEqualsNull,
        null_aware: join.null_aware,
    })
}

/// The condition over just the columns it reads.
fn residual(expression: Arc<dyn datafusion::physical_expr::PhysicalExpr>, both: &DFSchema, stream_columns: usize) -> Result<ResidualFilter> {
    let mut read: Vec<usize> = collect_columns(&expression).iter().map(|column| column.index()).collect();
    read.sort_unstable();
    let fields: Vec<_> = read.iter().map(|index| both.field(*index).as_ref().clone()).collect();
    // Columns are reassigned by name, so each gets a name of its own.
    let names: Vec<String> = read.iter().map(|index| format!("c{index}")).collect();
    let schema = Arc::new(Schema::new(fields.iter().zip(&names).map(|(field, name)| field.clone().with_name(name)).collect::<Vec<_>>()));
    let renamed = rename(expression, &read, &names)?;
    let expression = reassign_expr_columns(renamed, &schema)?;
    let columns = read.iter().map(|index| if *index < stream_columns { (Side::Stream, *index) } else { (Side::Table, index - stream_columns) }).collect();
    Ok(ResidualFilter { expression, columns, schema })
}

fn rename(
    expression: Arc<dyn datafusion::physical_expr::PhysicalExpr>,
    read: &[usize],
    names: &[String],
) -> Result<Arc<dyn datafusion::physical_expr::PhysicalExpr>> {
    use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
    use datafusion::physical_expr::expressions::Column;
    expression
        .transform_up(|node| {
            let Some(column) = node.as_any().downcast_ref::<Column>() else { return Ok(Transformed::no(node)) };
            Ok(match read.iter().position(|index| *index == column.index()) {
                Some(at) => Transformed::yes(Arc::new(Column::new(&names[at], at)) as _),
                None => Transformed::no(node),
            })
        })
        .data()
}
