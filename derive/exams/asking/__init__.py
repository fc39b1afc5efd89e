"""What can be asked: numbers, formulas, lines of a derivation."""
