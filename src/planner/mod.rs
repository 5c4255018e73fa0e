//! A bound statement to a plan that can be run. In reading order:
//! - `session`: DataFusion's settings and functions
//! - `attempt`: a query to its plans, or to what is told when there are none
//! - `names`, `narrow`: what the names of a query mean, and where its error is
//! - `sql`: syntax tree to logical plan
//! - `shadowed`, `joins`, `merged`, `wildcard`, `within`, `within_using`: what is resolved in the syntax tree before that
//! - `windows`: groups of `tumble` and `hop`, and their `window_start` and `window_end`
//! - `sessions`: groups of `session`, in the logical plan
//! - `carry`: key and event time for sinks that ask for them
//! - `not_in`: `NOT IN` where NULL would be forgotten
//! - `unfolding`: limits of how large expressions get while they are optimised
//! - `plan_error`, `plain_text`, `function_text`: DataFusion's errors as ours, with a place and without its dumps
//! - `logical`, `rewrite`: the forms that a stream needs operators of our own for (stream mode only)
//! - `exact`: numbers stay exact
//! - `total_order`: what decides where ORDER BY doesn't
//! - `guard`: rows whose expression fails don't fail the batch
//! - `epoch_safety`: refuses what may not be executed again and again
//! - `job_plan`: the result

mod attempt;
mod carry;
mod epoch_safety;
mod exact;
mod function_text;
mod guard;
mod job_plan;
mod joins;
mod logical;
mod merged;
mod names;
mod narrow;
mod not_in;
mod plain_text;
mod plan_error;
mod rewrite;
mod session;
mod sessions;
mod shadowed;
mod sql;
mod total_order;
mod unfolding;
mod wildcard;
mod windows;
mod within;
mod within_using;

pub use job_plan::{DEFAULT_TTL, EventTime, ExecutionMode, JobPlan, LeafColumn, LeafPlan, LookupPlan, PlanRequest, Results, TableInput, plan_job};
pub(crate) use plan_error::sentence as error_sentence;
pub use session::task_context;
