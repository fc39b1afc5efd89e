"""What the text of kernels has in common on every target."""
