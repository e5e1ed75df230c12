"""Batches for the model: `batch` makes them from sequences, `reader` from a baked folder."""
