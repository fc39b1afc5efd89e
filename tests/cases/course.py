"""Definitions of the course."""

from __future__ import annotations

SCORES = "S: [N, C]\nt: label[N, C]\nL = mean(sum(max(0, S[b, j] - S[b, t[b]] + 1) for j in C if j != t[b]) for b in N)"
LAYER = "W: [4, 3]\nh: [3]\nb: [4]\na = W @ h + b"
