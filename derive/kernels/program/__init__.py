"""Derivations as programs: simple assignments, made stable, then statements over axes."""
