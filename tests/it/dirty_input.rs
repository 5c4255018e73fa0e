//! dirty_input
