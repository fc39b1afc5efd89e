"""The graph language: text read into a Graph, never evaluated.  Start at `read.read`."""
