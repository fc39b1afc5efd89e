"""Whole documents: explanations and certificates."""
