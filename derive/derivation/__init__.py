"""The reverse sweep, recorded: derivatives as lists of rewrites, of the first order and of the second."""
