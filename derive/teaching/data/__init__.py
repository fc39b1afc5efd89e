"""The same as data, for other programs."""
