"""Printed mathematics: terms, definitions and matrix forms become one tree, printed as LaTeX or text."""
