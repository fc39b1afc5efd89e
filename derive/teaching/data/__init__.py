"""Explanations and certificates as data, for other programs."""
