//! Tests of the lookup join.
