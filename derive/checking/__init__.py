"""What a person wrote, read and decided: whether two formulas are one, which line of a derivation does not follow."""
