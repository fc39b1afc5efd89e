"""Numbers: terms and graphs at a point, exact or in float64, forward and backward."""
