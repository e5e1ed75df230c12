"""The paths of the table in benches/RESULTS.md, one function for each row or pair of rows."""
