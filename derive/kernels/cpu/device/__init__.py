"""The elementary functions of CPU kernels, in Numba."""
