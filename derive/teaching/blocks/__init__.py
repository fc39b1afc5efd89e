"""Blocks of a document, each made from a derivation, a run or a graph."""
