"""Faces of any number of photos as a table in Parquet, which goes on where it was stopped. The only
place that knows pyarrow."""
