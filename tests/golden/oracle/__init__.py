"""Parts of regenerate.py: the dialect, the sample data, and DuckDB as an independent engine."""
