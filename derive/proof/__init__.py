"""Every line shown equal to the one before: sizes and points to compare at, the work of it, certificates."""
