"""Wrong and hostile texts: each gives one message that says what, where and what to do, at once, and nothing else happens."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import numpy as np
import pytest

from derive.errors import DeriveError
from derive.language import library
from derive.language.at import bind, read_values
from derive.language.reader import read
from derive.language.words import ELSEWHERE
from oracles.effort import at_once

NOWHERE = None

# (text, line, column of the caret, words of the message or of the hint); where there is no one place: NOWHERE.
UNREADABLE: list[tuple[str, tuple[int, int] | None, str]] = [
    ("", NOWHERE, "Nothing is defined"),
    ("# only a comment", NOWHERE, "Nothing is defined"),
    ("x: [n]", NOWHERE, "Nothing is defined"),
    ("f = (u + v*w", (1, 4), "never closed"),
    ("f = u + v)*w", (1, 9), "closes no ("),
    ("f = [u + v)", (1, 10), "closes no ("),
    ("f = x y", (1, 6), "Write a product as x*y, and that of matrices as x @ y."),
    ("f = log p", (1, 8), "Write log(p)."),
    ("f = u + (1 - y)log(p)", (1, 15), "Write a product as a*b"),
    ("f = a*(u +\n  b c)", (2, 4), "between `b` and `c`"),
    ("f = 1/2 x", (1, 8), "Write a product with *: 2*x."),
    ("L = sum_i x_i", (1, 10), "sum(x[i] for i in n)"),
    ("W: m x n\nf = W", (1, 5), "Write W: [m, n]."),
    ("W: [m × n]\nf = W", (1, 6), "W: [m, n]"),
    ("x: R^n\nf = x", (1, 4), "Declare the axes"),
    ("z ~ N(0, 1)\nf = z", (1, 2), "no random numbers"),
    ("B = A'", (1, 5), "Write the transpose as A.T"),
    ("B = A^T @ A", (1, 5), "Write the transpose as A.T"),
    ("B = A^-1", (1, 5), "inv(A)"),
    ("y = e^x", (1, 5), "exp(x)"),
    ("y = sin^2(x)", (1, 7), "sin(x)**2"),
    ("y = ||x||^2", (1, 4), "norm(x)"),
    ("y = ½*x", (1, 4), "Write 1/2."),
    ("y = x ⊙ w", (1, 6), "a*b"),
    ("y = x₁", (1, 5), "x[i]"),
    ("y = (x)_+", (1, 7), "max(0, x)"),
    ("y = x .* w", (1, 6), "without a dot"),
    ("y := x", (1, 2), "name = expression"),
    ("y = \\frac{a}{b}", (1, 4), "LaTeX is not read"),
    ("f = 3 +", (1, 6), "cannot be read"),
    ("f =", (1, 2), "cannot be read"),
    ("u = v\n  g = 3 + * 2", (2, 10), "cannot be read"),
    ("f = 2x", (1, 4), "Write a product with *"),
    ("f = 2j", (1, 4), "followed by a letter"),
    ("f = 0x10", (1, 4), "followed by a letter"),
    ("f = 1_000", (1, 4), "followed by a letter"),
    ("f = 01", (1, 4), "one zero"),
    ("f = x^2 + 1", (1, 5), "Write a power as x**2"),
    ("f = x\u2212y", (1, 5), "U+2212"),
    ("f = x\u00d7y", (1, 5), "Write a product"),
    ("f = x\u00b2", (1, 5), "x**2"),
    ("f = \uff58 + 1", (1, 4), "Write x"),
    ("f = \u0430 + 1", (1, 4), "U+0430"),
    ("f = \u0391 + 1", (1, 4), "no Latin letter looks like"),
    ("f = x\u200b + 1", (1, 5), "invisible character U+200B"),
    ("f = x\u202e + 1", (1, 5), "invisible character U+202E"),
    ("f = x\x00", (1, 5), "U+0000"),
    ("f = x\u2028g = y", (1, 5), "U+2028"),
    ("f = 'text'", (1, 4), "no text in quotes"),
    ("f = f'{y}'", (1, 5), "no text in quotes"),
    ('f = """', (1, 4), "no text in quotes"),
    ("f = {x}", (1, 4), "grouping"),
    ("f = x % 2", (1, 6), "Operators are"),
    ("f = x\\\n + 1", (1, 5), "parentheses"),
    ("_f = 1", (1, 0), "not a good name"),
    ("f = __x", (1, 4), "not a good name"),
    ("f = " + "a" * 50, (1, 4), "not a good name"),
    ("exp = 3", (1, 0), "word of the language"),
    ("lambda = 3", (1, 0), "λ"),
    ("lambda: real; f = lambda*x", (1, 0), "λ"),
    ("lambda: [n]\nf = sum(lambda)", (1, 0), "λ"),
    ("x: [n]; y[i] = sum(x[j] for j in n if j <= i)", (1, 10), "Declare its axes: y: [n]."),
    ("x: [n]; y[i, j] = x[i]*sum(x[k] for k in n if k <= j)", (1, 13), "Declare its axes: y: [n, n]."),
    ("x: [n]; w: [K]; z[i] = sum(x[j]*w[i - j] for j in n if 0 <= i - j < K)", (1, 18), "Declare its axes: z: [n]."),
    ("x: [T]; c: [A]; y[t] = c[0]*sum(x[s] for s in T if s <= t)", (1, 18), "Declare its axes: y: [T]."),
    ("f = e**x", (1, 4), "Write exp(x)"),
    ("f = 2*e", (1, 6), "declare a name: e: real."),
    ("f = x and y", (1, 4), "`and`, `or` and `not` are not numbers"),
    ("f = 1e400", (1, 4), "too large"),
    ("f = 1e-400", (1, 4), "too small"),
    ("f = 1e999999999", (1, 4), "too large"),
    ("f = " + "9" * 5000, (1, 4), "too long"),
    ("f = " + "(" * 3000 + "x" + ")" * 3000, (1, 54), "Too many brackets"),
    ("f = " + "-" * 5000 + "x", (1, 0), "too"),
    ("f = " + "+".join("x" * 2000), (1, 0), "too long"),
    ("f = " + "x" * 10**6, NOWHERE, "too long"),
    ("f = x" + " " * 20_000, (1, 0), "too long"),
    ("\n".join(f"a{k} = x" for k in range(400)), (301, 0), "300 definitions"),
]

REFUSED: list[tuple[str, tuple[int, int] | None, str]] = [
    ("f = __import__('os').system('id')", (1, 15), "quotes"),
    ("f = __import__(os)", (1, 4), "not known"),
    ("f = eval(x)", (1, 4), "eval is not known"),
    ("f = getattr(x, y)", (1, 4), "getattr is not known"),
    ("f = x.__class__", (1, 4), "only attribute is .T"),
    ("f = np.exp(x)", (1, 4), "without a module"),
    ("f = (lambda: 1)()", (1, 5), "not a function"),
    ("f = lambda x: x", (1, 4), "without a name"),
    ("f = [q for q in x]", (1, 4), "no lists"),
    ("f = (q for q in x)", (1, 4), "inside a reduction"),
    ("f = (y := 3)", (1, 5), "start of a line"),
    ("f = sum(*x)", (1, 8), "`*` cannot stand"),
    ("f = x, y", (1, 4), "one value"),
    ("f = x if x else 1", (1, 4), "where(condition, a, b)"),
    ("x: [n]; w: [K]; z[i] = sum(x[j]*w[i - j] for j in n if 0 <= i - j < K)", (1, 18), "Declare its axes: z: [n]."),
    ("x: [T]; c: [A]; y[t] = c[0]*sum(x[s] for s in T if s <= t)", (1, 18), "Declare its axes: y: [T]."),
    ("f = e**x", (1, 4), "Write exp(x)"),
    ("f = 2*e", (1, 6), "declare a name: e: real."),
    ("f = x and y", (1, 4), "not numbers"),
    ("f = x > 0", (1, 4), "where(a > b, x, y)"),
    ("f = not x", (1, 4), "Operators are"),
    ("f = x // 2", (1, 4), "Operators are"),
    ("f = True", (1, 4), "not a number"),
    ("f = ...", (1, 4), "not a number"),
    ("f = await x", (1, 4), "await"),
    ("f = yield", (1, 4), "yield"),
    ("import os", (1, 0), "neither a definition"),
    ("def f(x): return x", (1, 0), "neither a definition"),
    ("while True: pass", (1, 0), "neither a definition"),
    ("f += 1", (1, 0), "with ="),
    ("f == 1", (1, 0), "single ="),
    ("a, b = 1, 2", (1, 0), "left of ="),
    ("f(x) = x", (1, 0), "left of ="),
    ("x.y = 3", (1, 0), "left of ="),
    ("f = g = x", (1, 0), "One name"),
    ("f = 9**9**9", (1, 7), "exponent"),
    ("f = x**100", (1, 7), "between -99 and 99"),
    ("f = x**(y**2)", (1, 8), "exponent"),
    ("f = ((x**20)**20)**20", (1, 19), "exponent"),
    ("f = exp(exp(exp(99)))", (1, 4), "too large"),
    ("f = where(exp(exp(exp(99))) > 0, 1, 2)", (1, 4), "too large"),
    ("f = 1/0", (1, 4), "division by zero"),
    ("f = x/(2 - 2)", (1, 4), "division by zero"),
    ("f = x + log(-1)", (1, 4), "no real value"),
    ("f = sqrt(-2)", (1, 4), "no real value"),
    ("f = where(log(2) + log(3) > log(6), x, 1)", (1, 4), "cannot be decided"),
]

DECLARATIONS: list[tuple[str, tuple[int, int] | None, str]] = [
    ("x: lable[n]\nf = x", (1, 3), "Did you mean label?"),
    ("x: vector\nf = x", (1, 3), "not a kind"),
    ("x: vector[n]\nf = x", (1, 3), "Write x: [n]."),
    ("x: float\nf = x", (1, 3), "Write x: real."),
    ("k: int\nf = k", (1, 3), "Write k: size."),
    ("z: [n]\ny = z_i", (1, 0), "write an entry as z[i]"),
    ("x: 3\nf = x", (1, 3), "Write x: [m, n]"),
    ("x: [0]\nf = sum(x)", (1, 4), "between one entry"),
    ("x: [n**2]\nf = sum(x)", (1, 4), "An axis is"),
    ("x: [10**9]\nf = sum(x)", (1, 4), "An axis is"),
    ("x: [1000000000]\nf = sum(x)", (1, 4), "1,000,000"),
    ("x: [" + "*".join(["(a + b + 1)"] * 40) + "]\nf = sum(x)", (1, 4), "too complicated"),
    ("x, y: [n]\nf = x + y", (1, 0), "One name"),
    ("x: [n] = 3", (1, 0), "declared and defined"),
    ("x: onehot\nf = x", (1, 3), "x: onehot[C]"),
    ("x: [n]\nx: [m]\nf = sum(x)", (2, 0), "declared in line 1"),
    ("x: [n]\nx = 3", (2, 4), "declared with the axes [n] in line 1, and is defined with no axes. Write x[i] = …"),
    ("x: [n]\ny: [m]\ny = 2*x", (3, 4), "declared with the axes [m] in line 2, and is defined with the axes [n]"),
    ("x: [n]\ny: [m, n]\ny = 2*x", (3, 4), "Write y[i, j] = …"),
    ("x: [n]\ny: [m, n]\ny[i] = x[i]", (3, 0), "axes [m, n] in line 2, and has 1 index here"),
    ("x: [n]\ny: [m]\ny[i] = x[i]", (3, 9), "axis of size m, over which i runs, meets the axis of size n"),
    ("z: [n]\ny: [m]\ny = softmax(z)", (3, 4), "is defined with the axes [n]"),
    ("y: real\nx: [n]\ny = 2*x", (3, 4), "declared with no axes in line 1"),
    ("y: probability[n]\nz: [n]\ny = softmax(z)", (1, 3), "Declare its axes alone, y: [n]"),
    ("y: [n]\ny: [n]\ny[i] = 1", (2, 0), "declared in line 1"),
    ("s: size[n]\nf = s", (1, 3), "A size is one integer"),
    ("s: size\nf = x", (1, 0), "never used"),
    ("s: size\ns = 3", (2, 0), "declared as a size"),
    ("s: size\nx: [n]\nf = sum(x[s] for s in n)", (3, 17), "names an axis"),
    ("f = x\nf = y", (2, 0), "defined in line 1"),
    ("n: [n]\nf = sum(n)", (1, 0), "name of an axis"),
    ("n = 3\nx: [n]\nf = sum(x)", (1, 0), "name of an axis"),
    ("x: [n]\nf = y", (1, 0), "never used"),
    ("t: label\nf = t", NOWHERE, "number of classes"),
    ("f = f + 1", (1, 4), "defined by itself"),
    ("f = g\ng = x", (1, 4), "used before it is defined (in line 2)"),
    ("f = d*x; d = 3", (1, 4), "d is used before it is defined (in line 1)"),
    ("h[i] = tanh(h[i])", (1, 12), "defined by itself"),
]

AXES: list[tuple[str, tuple[int, int] | None, str]] = [
    ("W: [m, n]\nx: [k]\na = W @ x", (3, 4), "`W @ x`: the axis of size n meets the axis of size k"),
    ("W: [m, n]\nx: [m]\na = W @ x", (3, 4), "Did you mean W.T @ x?"),
    ("X: [N, n]\nW: [m, n]\nA = X @ W", (3, 4), "Did you mean X @ W.T?"),
    ("g: [m]\nh: [n]\nG = g @ h", (3, 4), "outer product"),
    ("x: [n]\ny: [k]\nf = 1 + (x + y)", (3, 9), "`x + y`: the axis of size n meets the axis of size k"),
    ("X: [N, n]\nu: [N]\nf = X - u", (3, 4), "Only the last axes"),
    ("x: [3]\ny: [4]\nf = x*y", (3, 4), "size 3 meets the axis of size 4"),
    ("x: [n]\nf = x @ 2", (2, 8), "Write *"),
    ("x: [n]\ny: [n]\nf = x.T @ y.T", (3, 10), "cannot be transposed here"),
    ("A: [m, n]\ny: [n]\nf = A @ y.T", (3, 8), "cannot be transposed here"),
    ("X: [m, n, k]\nf = sum(X[i] for i in m)", (2, 8), "Write its entry, X[i, j, l]."),
    ("W: [m, n]\nf = sum((W @ W.T - 1)**2 for i in m for j in m)", (2, 9), "Write its entry, (W @ W.T)[i, j]."),
    ("pi: [K]\nx: [K]\nf = sum(x[k]/sqrt(2*pi) for k in K)", (3, 20), "call the tensor w"),
    ("A: [n, n]\nf = sum(A @ A.T - I)", (2, 18), "Write eye(n) for the identity"),
    ("A: [n, n]\nf = inv(A + lam*I)", (2, 16), "I is not declared"),
    ("A: [n, n]\nx: [n]\nf = A**2 @ x", (3, 4), "Write A @ A for that"),
    ("A: [n, n]\nf = A**3/6", (2, 4), "this power could be a product of matrices"),
    ("A: [m, n]\nx: [n]\nb: [m]\nf = sum((A*x - b)**2)", (4, 9), "the product of matrices is A @ x"),
    ("x: [n]\nf[i] = x[i]/sum(x[i])", (2, 16), "over an index of its own"),
    ("f = softmax(z)", (1, 12), "Declare its axes: z: [n]."),
    ("f = sum(p*log(p))", (1, 8), "Declare its axes: p: [n]."),
    ("Z: [m, n]\nf = softmax(Z, axis=1)", (2, 15), "over the last axis: softmax(Z)"),
    ("X: [m, n]\nf = X.sum()", (2, 4), "Write sum(X)."),
    ("X: [m, n]\nf = (X - 1).mean()", (2, 4), "Write mean(X - 1)."),
    ("X: [m, n]\nf = X.t()", (2, 4), "Write X.T."),
    ("x: [n]\nf = x.shape[0]", (2, 4), "Write the name of the axis"),
    ("f = x(1 - x)", (1, 4), "Write x*(…) for a product"),
    ("z: [C]\ny: label[C]\nf = sum(1[y == k]*z[k] for k in C)", (3, 8), "Write where(y == k, 1, 0)."),
    ("f = x.T", (1, 4), "is a number"),
    ("A: [k, m, n]\nf = A.T", (2, 4), "3 axes"),
    ("f = sum(a)", (1, 8), "needs axes"),
    ("f = sum(a, b)", (1, 4), "one tensor"),
    ("f = max(a, b, c)", (1, 4), "max(a, max(b, c))"),
    ("x: [n]\nf = sum(x, axis=0)", (2, 11), "no keywords"),
    ("f = exp(x, y)", (1, 4), "takes 1 argument"),
    ("f = exp", (1, 4), "exp is a function"),
    ("f = relu + 1", (1, 4), "relu is a function"),
    ("x: [n]\nf = x(3)", (2, 4), "x[i] for an entry"),
    ("f = where(x, 1, 2)", (1, 10), "A condition compares"),
    ("f = where(x > 0, 1)", (1, 4), "3, 5, 7"),
    ("f = where(x > 0 or y > 0, 1, 2)", (1, 10), "two terms"),
    ("W: [m, n]\nk = argmax(W)", (2, 4), "one axis"),
]

INDICES: list[tuple[str, tuple[int, int] | None, str]] = [
    ("x: [n]\nf = x[i]", (2, 6), "index i is not known"),
    ("scores: [n]\nf = sum(score[i] for i in n)", (2, 8), "Did you mean scores?"),
    ("f = x[t]", (1, 4), "Declare its axes: x: [m]"),
    ("x: [n]\nf = sum(x[i] for i in nn)", (2, 22), "Did you mean n?"),
    ("x: [n]\nf = sum(x[i] for i in x)", (2, 22), "is a tensor, not an axis"),
    ("x: [n]\nf = sum(x[i] for i in range(n))", (2, 22), "for i in n"),
    ("x: [n]\nf = sum(x[i, i] for i in n)", (2, 8), "2 indices"),
    ("W: [m, n]\nf[i] = sum(W[j, i] for j in n)", (2, 13), "axis of size n, over which j runs, meets the axis of size m"),
    ("x: [n]\nf = sum(x for i in n)", (2, 8), "still has the axis of size n"),
    ("x: [n]\nW: [m, n]\nf[i] = W @ x", (3, 7), "still has the axis of size m"),
    ("x: [n]\nf = sum([x[i] for i in n])", (2, 8), "one pair too many"),
    ("x: [n]\nf = sum(x[i] for i in n for i in n)", (2, 28), "in use already"),
    ("x: [n]\nf[i] = sum(x[i] for i in n)", (2, 20), "in use already"),
    ("x: [n]\nu: [n]\nf = sum(x[u] for u in n)", (3, 17), "names a tensor"),
    ("x: [n]\nf = i*sum(x[i] for i in n)", (2, 4), "outside the sum"),
    ("x: [n]\nf = sum(x[i] for (i, j) in n)", (2, 17), "for each index"),
    ("x: [n]\nf = sum(x[i] for i in n if i)", (2, 27), "A condition compares"),
    ("x: [n]\nf = sum(x[i] async for i in n)", (2, 7), "async"),
    ("x: [n]\nf[i, i] = x[i]", (2, 0), "must differ"),
    ("x: [n]\nf[0] = x[0]", (2, 2), "is a letter"),
    ("f[i] = 3", (1, 2), "axis of the index i is not known"),
    ("x: [n]\nf = x[1:2]", (2, 4), "This slice may leave its axis"),
    ("x: [n]\nf = x[-1]", (2, 6), "the last one is x[n - 1]"),
    ("x: [n]\nf = x[1]", (2, 6), "x: [2], or x: [n + 2]"),
    ("x: [3]\nf = x[3]", (2, 6), "it goes from 3 to 3, and the axis from 0 to 2. Entries count from 0: the last one is x[2]."),
    ("x: [n]\nf = sum(x[i + 1] for i in n)", (2, 10), "it goes from 1 to n, and the axis from 0 to n - 1"),
    ("x: [n]\nf = sum(x[i*i] for i in n)", (2, 10), "product of indices"),
    ("x: [n]\nf[i, j] = x[i + j]", (2, 12), "cannot be told"),
    ("x: [n]\ny: [n]\nf = x[y]", (3, 6), "a tensor, not an index. Declare y: label"),
    ("x: [n]\ny: real\nf = x[y]", (3, 6), "a number, not an index. Declare y: label[C] if it picks an entry, y: size if"),
    ("x: [n]\ny: [m]\nf[i] = x[y[i]]", (3, 9), "holds numbers, not labels"),
    ("x: [n]\nf = x[floor(y)]", (2, 6), "`floor(y)` cannot be an index"),
    ("x: [n]\nf[i] = x[i//2]", (2, 9), "`i//2` cannot be an index"),
    ("x: [n]\nf = x[argmax(x)]", (2, 6), "Write k = argmax(z), and then x[k]"),
    ("x: [n]\nk = argmax(x)\nf = x[k + 1]", (3, 6), "it goes from 1 to n"),
    ("x: [n]\ny: [n]\ny[i] = sum(w[k]*x[i - k] for k in K if i > k - 2)\nw: [K]", (3, 18), "it goes from 1 - K to n - 1"),
    ("x: [n]\ny: [m]\nf = sum(x[i]*y[i] for i in n)", (3, 15), "axis of size n, over which i runs, meets the axis of size m"),
    ("x: [n]\nf = sum(sum(x[i] for i in n) for i in n)", (2, 21), "in use already"),
    ("W: [n, m]\nf = sum(W[i, i] for i in n)", (2, 13), "axis of size n, over which i runs, meets the axis of size m"),
    ("s: [K]\nt: label[C]\nf = s[t]", (3, 6), "axis of size C"),
    ("P: [N, C]\nt: label[N, C]\nf = P[0, t]", (3, 9), "several labels"),
]

CALLS: list[tuple[str, tuple[int, int] | None, str]] = [
    ("z: [n]\np = sofmax(z)", (2, 4), "Did you mean softmax?"),
    ("z: [C]\nf = nll(z)", (2, 4), "Write nll(p, t)"),
    ("z: [C]\nt: [C]\nf = nll(z, t)", (3, 11), "needs a label for t"),
    ("z: [C]\nt: label[K]\nf = nll(z, t)", (3, 4), "axis of size C meets the axis of size K"),
    ("z: [C]\nt: label[C]\nf = softmax_cross_entropy(z, t)", (3, 29), "is a label"),
    ("f = softmax(x)", (1, 12), "needs axes [n] for z"),
    ("p: [n]\nq: [k]\nf = 1 + cross_entropy(p, q)", (3, 8), "axis of size n meets the axis of size k"),
    ("x: [n]\nf = max_pool1d(x)", (2, 15), "do not tell its sizes K, O, s"),
]


CONDITIONS: list[tuple[str, tuple[int, int] | None, str]] = [
    ("x: [n]\nf = sum(x[i] for i in n if i + p == 2)", (2, 31), "Declare it: p: size for an integer"),
    ("x: [n]\nf = sum(x[i] for i in n if i > a)", (2, 31), "a: real for any number"),
    ("x: [n]\nf = sum(x[i] for i in n if i*i < 3)", (2, 27), "product of indices"),
    ("x: [n]\nf = sum(x[i] for i in n if i/2 < 1)", (2, 27), "more with an index than add and compare"),
    ("x: [n]\nf = sum(x[i] for i in n if i//2 < 1)", (2, 27), "Operators are"),
    ("x: [n]\nf = sum(x[i] for i in n if i in n)", (2, 27), "A condition compares"),
    ("x: [n]\nf = sum(x[i] for i in n if not i == 0)", (2, 27), "A condition compares"),
    ("x: [n]\nf = sum(x[i] for i in n if i == 0 or i == 1)", (2, 27), "Write two terms"),
    ("x: [n]\nf = max(x[i] for i in n if i < i)", (2, 4), "smallest of no entries"),
    ("x: [n]\nf = mean(x[i] for i in n if i < i)", (2, 4), "A mean, a largest"),
]

CONSTANTS: list[tuple[str, tuple[int, int] | None, str]] = [
    ("f = 0**x", (1, 4), "Only a positive number"),
    ("f = (-2)**x", (1, 4), "Only a positive number"),
    ("f = -inf", (1, 5), "not a number of the language"),
    ("f = where(x > 0, x, nan)", (1, 20), "not a number of the language"),
    ("f = ln(x)", (1, 4), "Write log(x)"),
    ("f = where(x > 0, 1, x, 2)", (1, 4), "where(condition, a, another, b, otherwise)"),
    ("f = where(" + "x > 0, 1, " * 21 + "2)", (1, 4), "more than 20 cases"),
    (
        "f = where(x > 0 and x > 1, 1, " * 1 + "x > 2 and x > 3 and y > 0, 1, x > 2 and x > 3, 1, y > 0 and z > 1, 2, 0)",
        (1, 4),
        "cases",
    ),
    ("f = sec(x)", (1, 4), "Write 1/cos(x)"),
    ("f = clamp(x, 0, 1)", (1, 4), "Write clip(x, a, b)"),
    ("A: [n, n]\nU = cholesky(A)", (2, 4), "declare the result as an input"),
    ("A: [m, n]\nB = inv(A)", (2, 4), "inv takes a square matrix"),
    ("x: [n]\nf = det(x)", (2, 8), "det takes a matrix, and `x` is a vector"),
    ("f = trace(x)", (1, 10), "trace takes a matrix, and `x` is a number"),
    ("X: [k, m, n]\nf = norm(X)", (2, 9), "norm takes a vector or a matrix, and `X` is a tensor with 3 axes"),
    ("A: [n, n]\nb: [m]\nx = solve(A, b)", (3, 4), "the axis of size n meets the axis of size m"),
    ("A: [n, n]\nx = solve(A)", (2, 4), "Write solve(A, b)"),
    ("A: [n, n]\nf = det(A, A)", (2, 4), "det takes 1 argument, and 2 are given"),
    ("X: [n, n]\nY = X**-1", (2, 4), "Write inv(X) for the inverse, 1/X for one over each entry"),
    ("f = 2*det", (1, 6), "det is a function"),
    ("x: [n]\ny = argsort(x)", (2, 4), "constant between its jumps"),
    ("x: [n]\ny = reshape(x)", (2, 4), "an index for each axis"),
    ("f = atan2(x, y)", (1, 4), "declare its value as an input"),
    ("x: [n]\ny: [n]\nf = x*x.T @ y", (3, 6), "cannot be transposed here"),
    ("f = x**(99*99)", (1, 8), "exponent"),
    ("f = x**(y - 1000)", (1, 8), "exponent"),
    ("f = 2**10**9", (1, 7), "exponent"),
    ("f = x**10**9", (1, 7), "exponent"),
    ("f = 10**99*10**99*10**99*10**99*x", (1, 4), "too large"),
    ("f = " + "(" * 500 + "x" + ")" * 500, (1, 54), "at most 50"),
    ("f = " + "+".join("x" * 300), (1, 0), "more than 100 deep"),
    ("f = " + "-" * 200 + "x", (1, 0), "more than 100 deep"),
    ("f = (" + ",".join("x" * 4000) + ")", (1, 0), "more than 3,000 parts"),
]


WRONG = [*CONDITIONS, *CONSTANTS, *UNREADABLE, *REFUSED, *DECLARATIONS, *AXES, *INDICES, *CALLS]


@pytest.mark.parametrize(("text", "at", "words"), WRONG, ids=lambda v: repr(v)[:40])
def test_a_wrong_text_is_refused(text: str, at: tuple[int, int] | None, words: str) -> None:
    with at_once(), pytest.raises(DeriveError) as caught:
        read(text)
    error = caught.value
    place = error.place
    assert words in f"{error.message} {error.hint}"
    assert (None if place is None else (place.line, place.start)) == at
    if place is not None:
        line, caret = str(error).split("\n")[1:3]
        assert len(str(error)) < 500
        assert caret.strip("^ ") == ""
        under = place.text[place.start : place.start + 1]
        assert line[caret.index("^") :][:1] == (under if under.isprintable() else "\ufffd")


def test_there_are_enough_of_them() -> None:
    assert len(WRONG) >= 120


def test_an_error_inside_a_library_definition_points_at_the_call() -> None:
    with pytest.raises(DeriveError) as caught:
        read("f = 1\ng = gaussian_nll(1, 1, 0)")
    place = caught.value.place
    assert place is not None
    assert (place.line, place.start) == (2, 4)


# ---------------------------------------------------------------- values

VALUES: list[tuple[str, int, str]] = [
    ("s=", 2, "value is missing"),
    ("s", 1, "= is expected"),
    ("s=[1,", 5, "value is missing"),
    ("s=[1 2]", 5, "comma or ]"),
    ("s=[]", 3, "empty"),
    ("=3", 0, "name is expected"),
    ("s=3 t=4", 4, "comma is expected"),
    ("s=1,2", 4, "list in brackets"),
    ("s=1, s=2", 5, "given twice"),
    ("s=NaN", 2, "NaN is not a number"),
    ("s=[1, -inf]", 6, "-inf is not a number"),
    ("s=1e400", 2, "too large"),
    ("s=1e999999999", 2, "too large"),
    ("s=" + "9" * 5000, 2, "too long"),
    ("s=1/0", 2, "division by zero"),
    ("s=" + "[" * 3000, 10, "Too many lists"),
    ("s=__import__('os')", 2, "number is expected"),
    ("s=0x10", 2, "number is expected"),
    ("s='a'", 2, "number is expected"),
    ("s=9**9**9", 3, "comma is expected"),
]


@pytest.mark.parametrize(("text", "column", "words"), VALUES, ids=lambda v: repr(v)[:30])
def test_wrong_values_are_refused_where_they_stand(text: str, column: int, words: str) -> None:
    with at_once(), pytest.raises(DeriveError) as caught:
        read_values(text)
    error = caught.value
    assert words in f"{error.message} {error.hint}"
    assert error.place is not None
    assert error.place.start == column


def test_values_keep_their_digits_and_are_exact() -> None:
    point = bind(library.load("hinge"), read_values("s=[2.3, 4.10, -2.1]; t=0"))
    assert [n.text for n in point.typed["s"]] == ["2.3", "4.10", "-2.1"]  # type: ignore[union-attr]
    assert [str(v) for v in point.arrays["s"]] == ["23/10", "41/10", "-21/10"]
    assert {str(s): v for s, v in point.sizes.items()} == {"C": 3}
    assert point.arrays["t"][()] == 0


def test_values_of_python() -> None:
    single = np.array([4.1, 0.3, -2.5], dtype="float32")
    for s in ([4.1, 0.3, -2.5], (Decimal("4.1"), "0.3", np.float64(-2.5)), np.array([4.1, 0.3, -2.5]), single):
        assert [str(v) for v in bind(library.load("hinge"), {"s": s, "t": np.int64(2)}).arrays["s"]] == ["41/10", "3/10", "-5/2"]


NAN, INF = float("nan"), float("inf")
BINDINGS: list[tuple[str, dict[str, Any], str]] = [
    ("hinge", {}, "The values of s, t are missing"),
    ("hinge", {"s": [1, 2]}, "The value of t is missing"),
    ("hinge", {"S": [1, 2], "t": 0}, "Did you mean s?"),
    ("hinge", {"s": [1, 2], "t": 0, "L": 3}, "defined by the graph"),
    ("hinge", {"s": [1, 2, 3], "t": 3}, "they go from 0 to 2"),
    ("hinge", {"s": [1, 2, 3], "t": -1}, "outside its axis of 3 entries"),
    ("hinge", {"s": [1, 2, 3], "t": 0.5}, "is an integer"),
    ("hinge", {"s": [1, 2, 3], "t": [0]}, "t needs a number"),
    ("hinge", {"s": 1, "t": 0}, "s needs a list"),
    ("hinge", {"s": [[1, 2]], "t": 0}, "2 deep"),
    ("hinge", {"s": [1, [2]], "t": 0}, "mix numbers and lists"),
    ("hinge", {"s": [], "t": 0}, "empty"),
    ("hinge", {"s": [1, NAN], "t": 0}, "nan is not a number"),
    ("hinge", {"s": np.array([1, -INF]), "t": 0}, "-inf is not a number"),
    ("hinge", {"s": [1, Decimal("NaN")], "t": 0}, "NaN is not a number"),
    ("hinge", {"s": [1, 10**400], "t": 0}, "too large"),
    ("hinge", {"s": [1, "1e400"], "t": 0}, "too large"),
    ("hinge", {"s": [1, True], "t": 0}, "True is not a number"),
    ("hinge", {"s": [1, None], "t": 0}, "NoneType"),
    ("hinge", {"s": [1, 2j], "t": 0}, "complex"),
    ("hinge", {"s": "1; import os", "t": 0}, "not a decimal number"),
    ("affine", {"W": [[1, 2], [3]], "h": [1, 2], "b": [1, 2]}, "2 in the first, 1 in number 2"),
    ("affine", {"W": [[1, 2], [3, 4]], "h": [1, 2, 3], "b": [1, 2]}, "h has 3 entries along its axis n, but n is 2 in W"),
    ("softmax_cross_entropy", {"z": [1, 2], "y": ["0.5", "0.6"]}, "sum to 1.1, not to 1"),
    ("softmax_cross_entropy", {"z": [1, 2], "y": [1.5, -0.5]}, "1.5 is not between 0 and 1"),
    ("huber", {"yhat": [1], "y": [2], "delta": 0}, "delta is declared positive"),
    ("conv1d", {"x": [1, 2], "w": [1, 2, 3], "b": 0}, "no size O fits"),
    ("max_pool1d", {"x": [1, 2, 3, 4]}, "do not tell the sizes K, O, s"),
    ("max_pool1d", {"x": [1, 2, 3, 4, 5], "K": 2, "s": 2}, "no size O fits"),
    ("max_pool1d", {"x": [1, 2, 3, 4], "K": 1.5, "s": 2}, "positive integer"),
    ("x: [n]; y: [O]; y[o] = sum(x[j] for j in n if j == o + 1)", {"x": [1, 2]}, "do not tell the size O"),
    ("x: [n]; y: [O]; y[o] = sum(x[j] for j in n if j == o + 1)", {"x": [1, 2], "O": 10**9}, "4,000,000,000 operations"),
    ("x: [n]; y: [n - 2]; y[i] = x[i + 2]", {"x": [1, 2]}, "y would have 0 entries"),
]


@pytest.mark.parametrize(("name", "values", "words"), BINDINGS, ids=lambda v: repr(v)[:40])
def test_values_that_do_not_fit_are_refused(name: str, values: dict[str, Any], words: str) -> None:
    with pytest.raises(DeriveError) as caught:
        bind(read(name) if ":" in name else library.load(name), values)
    assert words in f"{caught.value.message} {caught.value.hint}"


def test_one_hot_examples() -> None:
    graph = read("y: onehot[N, C]\nf = sum(y)")
    assert bind(graph, {"y": [[0, 1], [1, 0]]}).arrays["y"].shape == (2, 2)
    for row in ([1, 1], [0, 0], ["0.5", "0.5"]):
        with pytest.raises(DeriveError, match="one-hot"):
            bind(graph, {"y": [[0, 1], row]})


def test_a_probability_computed_in_floating_point_may_be_off_by_rounding() -> None:
    p = np.exp([0.1, 0.2, 0.3, 0.7])
    graph = library.load("nll")
    assert bind(graph, {"p": p / p.sum(), "t": 1}).arrays["t"][()] == 1
    with pytest.raises(DeriveError, match="not to 1"):
        bind(graph, {"p": ["0.333333333333", "0.666666666666"], "t": 1})


SURROUNDINGS = (
    "f = {form}",
    "x: [n]; f = {form}",
    "x: [n]; y: [n]; f = {form}",
    "A: [n, n]; f = {form}",
    "A: [n, n]; f = A + {form}",
    "p: probability[n]; q: probability[n]; f = {form}",
    "A: [n, n]; B: [n, n]; f = {form}",
    "A: [n, n]; B: [n, n]; f[i, k] = {form}",
    "f: [n, n]; f[i, j] = {form}",
    "t: label[n]; f: [n]; f[i] = {form}",
    "x: [n]; y: [n]; {form}",
    "x: [n]; y: [n]; D: [n, n]; {form}; z = sum(D) + sum(y)",
    "x: [n]; y: [n]; {form}; z = sum(y)",
)


@pytest.mark.parametrize("name", ELSEWHERE)
def test_what_is_to_be_written_instead_is_read(name: str) -> None:
    def reads(text: str) -> bool:
        try:
            return bool(read(text))
        except DeriveError:
            return False

    assert any(reads(text.format(form=ELSEWHERE[name])) for text in SURROUNDINGS)
