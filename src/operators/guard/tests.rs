//! Tests of the guarded operators.
