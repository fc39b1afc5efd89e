"""The CPU target: regions of loops for Numba, matrix products for BLAS."""
