//! Velostream.
