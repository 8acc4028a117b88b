"""Exports: the members of a run, or those who entered and left since an earlier run, as CSV or parquet, each with a manifest."""
