"""Lectures: Markdown with directives, read and built."""
