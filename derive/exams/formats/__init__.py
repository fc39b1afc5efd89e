"""Exams in the formats that others read."""
