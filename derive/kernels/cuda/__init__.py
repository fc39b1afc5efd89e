"""The CUDA target: launches of rows, cells and numbers."""
