"""Compiled kernels: derivations lowered to loops and printed as Python modules that need only numpy and numba."""
