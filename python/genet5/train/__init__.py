"""Supervised training: the loop, its optimizer, checkpoints and logs."""
