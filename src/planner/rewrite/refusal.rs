//! What is refused in stream mode, and what to write instead.

use datafusion::error::DataFusionError;

use crate::error::Error;

/// A form that a stream can't have in this build.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Refused {
    Aggregate,
    Distinct,
    Early,
    Sort,
    StreamJoin,
    SetOperation,
    Recursive,
    Subquery,
    Other(&'static str),
}

impl Refused {
    /// The error, with advice.
    pub(super) fn error(self) -> DataFusionError {
        let (what, instead) = match self {
            Self::Aggregate => (
                "GROUP BY and aggregate functions over a stream need a window of its event time, where more is done with the groups than to choose columns",
                "group by tumble(ts, INTERVAL '1' MINUTE), hop(…), session(…) or date_bin(…) of the column that '<source>.event_time' names; or select all columns of GROUP BY as they are, and do nothing else with the result; or run it over bounded sources with 'execution.mode' = 'batch'",
            ),
            Self::Early => (
                "'emit' = 'changes' needs a GROUP BY at the end of the statement, all of whose groups are selected",
                "select window_start and the other groups, do no more with the result than choose columns, and group by tumble, hop or date_bin; or leave 'emit' out",
            ),
            Self::Distinct => (
                "DISTINCT over a stream would remember every row it has seen",
                "select the event time, or a window of it, among its columns, or run it over bounded sources with 'execution.mode' = 'batch'",
            ),
            Self::Sort => {
                ("ORDER BY over a stream would wait for its end", "leave ORDER BY out, or run it over bounded sources with 'execution.mode' = 'batch'")
            }
            Self::StreamJoin => (
                "a join of two sources that may never end needs a bound of their times",
                "add WITHIN INTERVAL … behind ON, or a condition like b.ts BETWEEN a.ts AND a.ts + INTERVAL '1' HOUR on the columns that 'a.event_time' and 'b.event_time' name; or let one side be bounded ('until' = 'latest'), or run it with 'execution.mode' = 'batch'",
            ),
            Self::SetOperation => (
                "EXCEPT and INTERSECT over a stream would remember every row they have seen",
                "write NOT EXISTS or EXISTS over a table, or run it with 'execution.mode' = 'batch'",
            ),
            Self::Recursive => ("a recursive query can't be run over a stream", "run it over bounded sources with 'execution.mode' = 'batch'"),
            Self::Subquery => ("this form of subquery can't be run over a stream", "write it as a join with a table, or as IN or EXISTS over a table"),
            Self::Other(name) => {
                return wrap(Error::sql(format!("{name} can't be run over a stream")).with_help("run it over bounded sources with 'execution.mode' = 'batch'"));
            }
        };
        wrap(Error::sql(what).with_help(instead))
    }
}

fn wrap(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
