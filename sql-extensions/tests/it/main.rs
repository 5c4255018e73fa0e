//! The language as its users meet it:
//! - `forms`, `forms_by_clause`: statements of every form, and what the analysis finds in them
//! - `rejects`, `rejects_by_clause`: every kind of mistake, with its message and place
//! - `round_trip`: what is printed parses back to the same; `statements` makes the statements
//! - `hostile`: texts made to crash a parser
//! - `fuzz_loop`: mutated statements; `property` is what must hold for any text

mod forms;
mod forms_by_clause;
mod fuzz_loop;
mod hostile;
mod property;
mod rejects;
mod rejects_by_clause;
mod round_trip;
mod statements;
