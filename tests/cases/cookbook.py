"""Identities of the Matrix Cookbook's chapters on derivatives, by the numbers of its equations, in the notation of `identities`.

Petersen and Pedersen, The Matrix Cookbook, version of November 15, 2012, chapters 2.1 to 2.8.  Where the book has a symmetric
matrix, S + Sᵀ or a matrix without that condition stands here; M, Y and U are names for what a function is of.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cases.identities import Identity, norm

Array = Any
inv, det = np.linalg.inv, np.linalg.det


def logdet(x: Array) -> Array:
    """log |det X| of a tensor of PyTorch."""
    return x.det().abs().log()


def outer(a: Array, b: Array) -> Array:
    return np.outer(a, b)


def symmetric(t: Array) -> Array:
    """The symmetric matrix with the lower triangle of T + Tᵀ and its diagonal once."""
    return t + t.T - t.diag().diag()


def whole(t: Array) -> Array:
    return t + t.T - np.diag(np.diag(t))


DETERMINANTS, INVERSES, FORMS = "Determinants", "Inverses", "Entries of products"
POWERS, TRACES, INVERSE_TRACES = "Powers of a matrix", "Traces of products", "Traces of inverses"
STRUCTURED, NORMS = "Structured matrices", "Norms"
SYMMETRIC = "T: [n, n]\nX[i, j] = T[i, j] + T[j, i] - where(i == j, T[i, j], 0)\n"
BY_C = "X: [m, n]\nC: [m, m]\n"


def identity(theme: str, source: str, definition: str, function: Any, wrt: str, printed: str, book: Any) -> Identity:
    """With one derivative, the book's formula of the same arguments."""
    return Identity(theme, source, definition, function, {wrt: (printed, book)}, written_out=True)


def det_square(X: Array, A: Array) -> Array:
    """det(XᵀAX) (A X (XᵀAX)⁻¹ + Aᵀ X (XᵀAᵀX)⁻¹), equation (54)."""
    m = X.T @ A @ X
    return det(m) * (A @ X @ inv(m) + A.T @ X @ inv(m.T))


def trace_125(X: Array, C: Array, A: Array) -> Array:
    """(125), with C + Cᵀ apart: −C X M⁻¹ A M⁻¹ − Cᵀ X M⁻ᵀ Aᵀ M⁻ᵀ."""
    m = inv(X.T @ C @ X)
    return -C @ X @ m @ A @ m - C.T @ X @ m.T @ A.T @ m.T


def trace_127(X: Array, C: Array, B: Array, A: Array) -> Array:
    """(127), with C and B that are not symmetric."""
    m, n = inv(A + X.T @ C @ X), X.T @ B @ X
    first = -C @ X @ m @ n @ m - C.T @ X @ (m @ n @ m).T
    return first + B @ X @ m + B.T @ X @ m.T


COOKBOOK = [
    # ------------------------------------------------------------ determinants
    identity(
        DETERMINANTS,
        "PC (46)",
        "A: [n, n]\nB: [n, n]\nY = A + x*B\nf = det(Y)",
        lambda A, B, x: (A + x * B).det(),
        "x",
        "f tr(Y⁻¹ B)",
        lambda A, B, x: det(A + x * B) * np.trace(inv(A + x * B) @ B),
    ),
    identity(
        DETERMINANTS,
        "PC (43)",
        "A: [n, n]\nB: [n, n]\nY = A + x*B\nf = logdet(Y)",
        lambda A, B, x: logdet(A + x * B),
        "x",
        "tr(Y⁻¹ B)",
        lambda A, B, x: np.trace(inv(A + x * B) @ B),
    ),
    identity(
        DETERMINANTS,
        "PC (49), (66)",
        "X: [n, n]\nf = det(X)",
        lambda X: X.det(),
        "X",
        "f X⁻ᵀ",
        lambda X: det(X) * inv(X).T,
    ),
    identity(
        DETERMINANTS,
        "PC (51)",
        "A: [n, n]\nX: [n, n]\nB: [n, n]\nM = A @ X @ B\nf = det(M)",
        lambda A, X, B: (A @ X @ B).det(),
        "X",
        "f Aᵀ M⁻ᵀ Bᵀ",
        lambda A, X, B: det(A @ X @ B) * inv(X).T,
    ),
    identity(
        DETERMINANTS,
        "PC (51), where only A X B is square",
        "A: [n, m]\nX: [m, p]\nB: [p, n]\nM = A @ X @ B\nf = det(M)",
        lambda A, X, B: (A @ X @ B).det(),
        "X",
        "f Aᵀ M⁻ᵀ Bᵀ",
        lambda A, X, B: det(A @ X @ B) * A.T @ inv(A @ X @ B).T @ B.T,
    ),
    identity(
        DETERMINANTS,
        "PC (52)",
        "A: [n, n]\nX: [n, n]\nM = X.T @ A @ X\nf = det(M)",
        lambda A, X: (X.T @ A @ X).det(),
        "X",
        "f (A X M⁻¹ + Aᵀ X M⁻ᵀ)",
        lambda A, X: 2 * det(X.T @ A @ X) * inv(X).T,
    ),
    identity(
        DETERMINANTS,
        "PC (53)",
        "X: [m, n]\nS: [m, m]\nA = S + S.T\nM = X.T @ A @ X\nf = det(M)",
        lambda X, S: (X.T @ (S + S.T) @ X).det(),
        "X",
        "f (A X M⁻¹ + Aᵀ X M⁻ᵀ)",
        lambda X, S: 2 * det(X.T @ (S + S.T) @ X) * (S + S.T) @ X @ inv(X.T @ (S + S.T) @ X),
    ),
    identity(
        DETERMINANTS,
        "PC (54)",
        "X: [m, n]\nA: [m, m]\nM = X.T @ A @ X\nf = det(M)",
        lambda X, A: (X.T @ A @ X).det(),
        "X",
        "f (A X M⁻¹ + Aᵀ X M⁻ᵀ)",
        det_square,
    ),
    identity(
        DETERMINANTS,
        "PC (55)",
        "X: [m, n]\nM = X.T @ X\nf = logdet(M)",
        lambda X: logdet(X.T @ X),
        "X",
        "X (M⁻¹ + M⁻ᵀ)",
        lambda X: 2 * np.linalg.pinv(X).T,
    ),
    identity(
        DETERMINANTS,
        "PC (57)",
        "X: [n, n]\nf = logdet(X)",
        lambda X: logdet(X),
        "X",
        "X⁻ᵀ",
        lambda X: inv(X).T,
    ),
    identity(
        DETERMINANTS,
        "PC (58), k = 2",
        "X: [n, n]\nM = X @ X\nf = det(M)",
        lambda X: (X @ X).det(),
        "X",
        "f (M⁻¹ X + X M⁻¹)ᵀ",
        lambda X: 2 * det(X @ X) * inv(X).T,
    ),
    identity(
        DETERMINANTS,
        "PC (58), k = 3",
        "X: [n, n]\nM = X @ X @ X\nf = det(M)",
        lambda X: (X @ X @ X).det(),
        "X",
        "f (X² M⁻¹ + (M⁻¹ X + X M⁻¹) X)ᵀ",
        lambda X: 3 * det(X @ X @ X) * inv(X).T,
    ),
    # ------------------------------------------------------------ inverses
    identity(
        INVERSES,
        "PC (59)",
        "A: [n, n]\nB: [n, n]\nY = A + x*B\nW = inv(Y)",
        lambda A, B, x: (A + x * B).inverse(),
        "x",
        "−tr(B W Gᵀ W)",
        lambda A, B, x, G: -np.trace(G.T @ inv(A + x * B) @ B @ inv(A + x * B)),
    ),
    identity(
        INVERSES,
        "PC (60), and chapter 2.2: ∂J/∂A by ∂J/∂W",
        "A: [n, n]\nW = inv(A)",
        lambda A: A.inverse(),
        "A",
        "−Wᵀ G Wᵀ",
        lambda A, G: -inv(A).T @ G @ inv(A).T,
    ),
    identity(
        INVERSES,
        "PC (61)",
        "a: [n]\nX: [n, n]\nb: [n]\nf = a.T @ inv(X) @ b",
        lambda a, X, b: a @ X.inverse() @ b,
        "X",
        "−X⁻ᵀ a bᵀ X⁻ᵀ",
        lambda a, X, b: -inv(X).T @ outer(a, b) @ inv(X).T,
    ),
    identity(
        INVERSES,
        "PC (62)",
        "X: [n, n]\nW = inv(X)\nf = det(W)",
        lambda X: X.inverse().det(),
        "X",
        "−f Wᵀ",
        lambda X: -det(inv(X)) * inv(X).T,
    ),
    identity(
        INVERSES,
        "PC (63), (124)",
        "A: [m, n]\nX: [n, n]\nB: [n, m]\nf = trace(A @ inv(X) @ B)",
        lambda A, X, B: (A @ X.inverse() @ B).trace(),
        "X",
        "−X⁻ᵀ Aᵀ Bᵀ X⁻ᵀ",
        lambda A, X, B: -(inv(X) @ B @ A @ inv(X)).T,
    ),
    identity(
        INVERSES,
        "PC (64)",
        "X: [n, n]\nA: [n, n]\nM = X + A\nf = trace(inv(M))",
        lambda X, A: (X + A).inverse().trace(),
        "X",
        "−(M⁻ᵀ)²",
        lambda X, A: -(inv(X + A) @ inv(X + A)).T,
    ),
    Identity(
        INVERSES,
        "solution of A x = b",
        "A: [n, n]\nb: [n]\nx = solve(A, b)",
        lambda A, b: A.inverse() @ b,
        {
            "A": ("−A⁻ᵀ g xᵀ", lambda A, b, G: -outer(inv(A).T @ G, inv(A) @ b)),
            "b": ("A⁻ᵀ g", lambda A, b, G: inv(A).T @ G),
        },
    ),
    Identity(
        INVERSES,
        "Gaussian with mean μ and covariance S, PC 8.1",
        "x: [n]\nmu: [n]\nS: [n, n]\nL = ((x - mu).T @ inv(S) @ (x - mu) + logdet(S))/2",
        lambda x, mu, S: ((x - mu) @ S.inverse() @ (x - mu) + logdet(S)) / 2,
        {
            "mu": ("1/2 (S⁻¹ + S⁻ᵀ) (μ − x)", lambda x, mu, S: (inv(S) + inv(S).T) @ (mu - x) / 2),
            "S": (
                "1/2 (S⁻ᵀ − S⁻ᵀ (x − μ) (x − μ)ᵀ S⁻ᵀ)",
                lambda x, mu, S: (inv(S).T - inv(S).T @ outer(x - mu, x - mu) @ inv(S).T) / 2,
            ),
        },
    ),
    # ------------------------------------------------------------ entries of products
    identity(
        FORMS,
        "PC (72)",
        "a: [n]\nX: [n, n]\nf = a.T @ X @ a",
        lambda a, X: a @ X @ a,
        "X",
        "a aᵀ",
        lambda a, X: outer(a, a),
    ),
    identity(
        FORMS,
        "PC (72), of the transpose",
        "a: [n]\nX: [n, n]\nf = a.T @ X.T @ a",
        lambda a, X: a @ X.T @ a,
        "X",
        "a aᵀ",
        lambda a, X: outer(a, a),
    ),
    identity(
        FORMS,
        "PC (74)",
        "X: [m, n]\nA: [n, p]\nY = X @ A",
        lambda X, A: X @ A,
        "X",
        "G Aᵀ",
        lambda X, A, G: np.einsum("ij,nj->in", G, A),
    ),
    identity(
        FORMS,
        "PC (75)",
        "X: [m, n]\nA: [m, p]\nY = X.T @ A",
        lambda X, A: X.T @ A,
        "X",
        "A Gᵀ",
        lambda X, A, G: np.einsum("ij,mj->mi", G, A),
    ),
    identity(
        FORMS,
        "PC (79), (80)",
        "X: [m, n]\nB: [m, m]\nY = X.T @ B @ X",
        lambda X, B: X.T @ B @ X,
        "X",
        "B X Gᵀ + Bᵀ X G",
        lambda X, B, G: np.einsum("kj,ki->ij", G, X.T @ B) + np.einsum("jl,il->ij", G, B @ X),
    ),
    Identity(
        FORMS,
        "PC (85), (86)",
        "x: [n]\ns: [n]\nS: [n, n]\nW = S + S.T\nf = (x - s).T @ W @ (x - s)",
        lambda x, s, S: (x - s) @ (S + S.T) @ (x - s),
        {
            "x": ("(W + Wᵀ) (x − s)", lambda x, s, S: 2 * (S + S.T) @ (x - s)),
            "s": ("(W + Wᵀ) (s − x)", lambda x, s, S: -2 * (S + S.T) @ (x - s)),
        },
    ),
    identity(
        FORMS,
        "PC 2.4.3, sᵀAr of functions of x",
        "B: [m, n]\nA: [m, p]\nC: [p, n]\nx: [n]\ns = B @ x\nr = C @ x\nf = s.T @ A @ r",
        lambda B, A, C, x: (B @ x) @ A @ (C @ x),
        "x",
        "Bᵀ A r + Cᵀ Aᵀ s",
        lambda B, A, C, x: B.T @ A @ C @ x + C.T @ A.T @ B @ x,
    ),
    identity(
        FORMS,
        "PC 2.4.3, quotient of squares",
        "A: [m, n]\nB: [p, n]\nx: [n]\nf = sum((A @ x)**2)/sum((B @ x)**2)",
        lambda A, B, x: ((A @ x) ** 2).sum() / ((B @ x) ** 2).sum(),
        "x",
        "(2/‖B x‖²) (Aᵀ A − f Bᵀ B) x",
        lambda A, B, x: 2 * A.T @ A @ x / (x @ B.T @ B @ x) - 2 * (x @ A.T @ A @ x) * (B.T @ B @ x) / (x @ B.T @ B @ x) ** 2,
    ),
    # ------------------------------------------------------------ powers
    identity(
        POWERS,
        "PC 2.4.3, entries of X²",
        "X: [n, n]\nY = X @ X",
        lambda X: X @ X,
        "X",
        "G Xᵀ + Xᵀ G",
        lambda X, G: G @ X.T + X.T @ G,
    ),
    identity(
        POWERS,
        "PC 2.4.3, entries of X³",
        "X: [n, n]\nY = X @ X @ X",
        lambda X: X @ X @ X,
        "X",
        "(X² Gᵀ + (X Gᵀ + Gᵀ X) X)ᵀ",
        lambda X, G: G @ (X.T @ X.T) + X.T @ G @ X.T + X.T @ X.T @ G,
    ),
    identity(
        POWERS,
        "PC 2.4.3, aᵀX²b",
        "a: [n]\nX: [n, n]\nb: [n]\nf = a.T @ X @ X @ b",
        lambda a, X, b: a @ X @ X @ b,
        "X",
        "(X b aᵀ + b aᵀ X)ᵀ",
        lambda a, X, b: outer(a, b) @ X.T + X.T @ outer(a, b),
    ),
    identity(
        POWERS,
        "PC 2.4.3, aᵀX³b",
        "a: [n]\nX: [n, n]\nb: [n]\nf = a.T @ X @ X @ X @ b",
        lambda a, X, b: a @ X @ X @ X @ b,
        "X",
        "(b aᵀ X² + X (X b aᵀ + b aᵀ X))ᵀ",
        lambda a, X, b: outer(a, b) @ X.T @ X.T + X.T @ outer(a, b) @ X.T + X.T @ X.T @ outer(a, b),
    ),
    identity(
        POWERS,
        "PC 2.4.3, aᵀ(X²)ᵀX²b; what the book has is another matrix, and for X in place of X² not (77)",
        "a: [n]\nX: [n, n]\nb: [n]\nf = a.T @ (X @ X).T @ X @ X @ b",
        lambda a, X, b: a @ (X @ X).T @ X @ X @ b,
        "X",
        "X² (a bᵀ + b aᵀ) Xᵀ + Xᵀ X² (a bᵀ + b aᵀ)",
        lambda a, X, b: sum(
            np.linalg.matrix_power(X, r).T @ X @ X @ (outer(a, b) + outer(b, a)) @ np.linalg.matrix_power(X, 1 - r).T
            for r in (0, 1)
        ),
    ),
    identity(
        POWERS,
        "PC (121), k = 4",
        "X: [n, n]\nf = trace(X @ X @ X @ X)",
        lambda X: (X @ X @ X @ X).trace(),
        "X",
        "4 (Xᵀ)³",
        lambda X: 4 * (X @ X @ X).T,
    ),
    identity(
        POWERS,
        "PC (122), k = 2",
        "A: [n, n]\nX: [n, n]\nf = trace(A @ X @ X)",
        lambda A, X: (A @ X @ X).trace(),
        "X",
        "(A X + X A)ᵀ",
        lambda A, X: (A @ X).T + (X @ A).T,
    ),
    identity(
        POWERS,
        "PC (122), k = 3",
        "A: [n, n]\nX: [n, n]\nf = trace(A @ X @ X @ X)",
        lambda A, X: (A @ X @ X @ X).trace(),
        "X",
        "(X² A + (A X + X A) X)ᵀ",
        lambda A, X: (A @ X @ X).T + (X @ A @ X).T + (X @ X @ A).T,
    ),
    # ------------------------------------------------------------ traces
    identity(
        TRACES,
        "PC (104)",
        "X: [m, n]\nA: [m, n]\nf = trace(A @ X.T)",
        lambda X, A: (A @ X.T).trace(),
        "X",
        "A",
        lambda X, A: A,
    ),
    identity(
        TRACES,
        "PC (105), the trace of a Kronecker product",
        "A: [m, m]\nX: [n, n]\nf = trace(A)*trace(X)",
        lambda A, X: A.trace() * X.trace(),
        "X",
        "tr(A) 𝐈",
        lambda A, X: np.trace(A) * np.eye(len(X)),
    ),
    identity(
        TRACES,
        "PC (109)",
        "X: [m, n]\nB: [m, m]\nf = trace(B @ X @ X.T)",
        lambda X, B: (B @ X @ X.T).trace(),
        "X",
        "(B + Bᵀ) X",
        lambda X, B: B @ X + B.T @ X,
    ),
    identity(
        TRACES,
        "PC (110)",
        "X: [m, n]\nB: [m, m]\nf = trace(X @ X.T @ B)",
        lambda X, B: (X @ X.T @ B).trace(),
        "X",
        "(B + Bᵀ) X",
        lambda X, B: B @ X + B.T @ X,
    ),
    identity(
        TRACES,
        "PC (112)",
        "X: [m, n]\nB: [n, n]\nf = trace(B @ X.T @ X)",
        lambda X, B: (B @ X.T @ X).trace(),
        "X",
        "X (B + Bᵀ)",
        lambda X, B: X @ B.T + X @ B,
    ),
    identity(
        TRACES,
        "PC (113)",
        "X: [m, n]\nB: [n, n]\nf = trace(X.T @ X @ B)",
        lambda X, B: (X.T @ X @ B).trace(),
        "X",
        "X (B + Bᵀ)",
        lambda X, B: X @ B.T + X @ B,
    ),
    identity(
        TRACES,
        "PC (114)",
        "A: [n, m]\nX: [m, n]\nB: [n, m]\nf = trace(A @ X @ B @ X)",
        lambda A, X, B: (A @ X @ B @ X).trace(),
        "X",
        "(A X B + B X A)ᵀ",
        lambda A, X, B: A.T @ X.T @ B.T + B.T @ X.T @ A.T,
    ),
    identity(
        TRACES,
        "PC (115), of X Xᵀ",
        "X: [m, n]\nf = trace(X @ X.T)",
        lambda X: (X @ X.T).trace(),
        "X",
        "2 X",
        lambda X: 2 * X,
    ),
    identity(
        TRACES,
        "PC (116)",
        "X: [m, n]\nB: [n, p]\nC: [m, m]\nf = trace(B.T @ X.T @ C @ X @ B)",
        lambda X, B, C: (B.T @ X.T @ C @ X @ B).trace(),
        "X",
        "(C + Cᵀ) X B Bᵀ",
        lambda X, B, C: C.T @ X @ B @ B.T + C @ X @ B @ B.T,
    ),
    identity(
        TRACES,
        "PC (120), the trace of a Kronecker product",
        "X: [n, n]\nf = trace(X)*trace(X)",
        lambda X: X.trace() * X.trace(),
        "X",
        "2 tr(X) 𝐈",
        lambda X: 2 * np.trace(X) * np.eye(len(X)),
    ),
    identity(
        TRACES,
        "PC (123)",
        "B: [n, p]\nC: [m, m]\nX: [m, n]\nf = trace(B.T @ X.T @ C @ X @ X.T @ C @ X @ B)",
        lambda B, C, X: (B.T @ X.T @ C @ X @ X.T @ C @ X @ B).trace(),
        "X",
        "C X B Bᵀ Xᵀ C X + C X Xᵀ C X B Bᵀ + Cᵀ X (B Bᵀ Xᵀ C X + Xᵀ C X B Bᵀ)ᵀ",
        lambda B, C, X: (
            C @ X @ X.T @ C @ X @ B @ B.T
            + C.T @ X @ B @ B.T @ X.T @ C.T @ X
            + C @ X @ B @ B.T @ X.T @ C @ X
            + C.T @ X @ X.T @ C.T @ X @ B @ B.T
        ),
    ),
    # ------------------------------------------------------------ traces of inverses
    identity(
        INVERSE_TRACES,
        "PC (125)",
        f"{BY_C}A: [n, n]\nM = X.T @ C @ X\nf = trace(inv(M) @ A)",
        lambda X, C, A: ((X.T @ C @ X).inverse() @ A).trace(),
        "X",
        "−C X M⁻¹ A M⁻¹ − Cᵀ X M⁻ᵀ Aᵀ M⁻ᵀ",
        trace_125,
    ),
    identity(
        INVERSE_TRACES,
        "PC (126)",
        f"{BY_C}B: [m, m]\nM = X.T @ C @ X\nN = X.T @ B @ X\nf = trace(inv(M) @ N)",
        lambda X, C, B: ((X.T @ C @ X).inverse() @ (X.T @ B @ X)).trace(),
        "X",
        "(B X − C X M⁻¹ N) M⁻¹ + (Bᵀ X − Cᵀ X M⁻ᵀ Nᵀ) M⁻ᵀ",
        lambda X, C, B: trace_127(X, C, B, 0),
    ),
    identity(
        INVERSE_TRACES,
        "PC (127)",
        f"{BY_C}B: [m, m]\nA: [n, n]\nM = A + X.T @ C @ X\nN = X.T @ B @ X\nf = trace(inv(M) @ N)",
        lambda X, C, B, A: ((A + X.T @ C @ X).inverse() @ (X.T @ B @ X)).trace(),
        "X",
        "(B X − C X M⁻¹ N) M⁻¹ + (Bᵀ X − Cᵀ X M⁻ᵀ Nᵀ) M⁻ᵀ",
        trace_127,
    ),
    # ------------------------------------------------------------ norms
    identity(
        NORMS,
        "PC (129), as a norm",
        "x: [n]\na: [n]\nf = norm(x - a)",
        lambda x, a: (x - a).norm(),
        "x",
        "(1/f) (x − a)",
        lambda x, a: (x - a) / norm(x - a),
    ),
    identity(
        NORMS,
        "PC (132), as a norm",
        "X: [m, n]\nf = norm(X)**2",
        lambda X: X.norm() ** 2,
        "X",
        "2 X",
        lambda X: 2 * X,
    ),
    # ------------------------------------------------------------ structured
    identity(
        STRUCTURED,
        "PC 2.8.1, chain rule by U = A X",
        "A: [p, m]\nX: [m, n]\nU = A @ X\nM = U.T @ U\nf = logdet(M)",
        lambda A, X: logdet((A @ X).T @ (A @ X)),
        "X",
        "Aᵀ U (M⁻¹ + M⁻ᵀ)",
        lambda A, X: 2 * A.T @ A @ X @ inv(X.T @ A.T @ A @ X),
    ),
    identity(
        STRUCTURED,
        "PC 2.8.2, trace by a symmetric matrix",
        f"A: [n, n]\n{SYMMETRIC}f = trace(A @ X)",
        lambda A, T: (A @ symmetric(T)).trace(),
        "T",
        "A + Aᵀ − diag(diag(A))",
        lambda A, T: A + A.T - A * np.eye(len(A)),
    ),
    identity(
        STRUCTURED,
        "PC 2.8.2, determinant by a symmetric matrix",
        f"{SYMMETRIC}f = det(X)",
        lambda T: symmetric(T).det(),
        "T",
        "f (X⁻¹ + X⁻ᵀ − diag(diag(X⁻¹)))",
        lambda T: det(whole(T)) * (2 * inv(whole(T)) - inv(whole(T)) * np.eye(len(T))),
    ),
    identity(
        STRUCTURED,
        "PC 2.8.2, log determinant by a symmetric matrix",
        f"{SYMMETRIC}f = logdet(X)",
        lambda T: logdet(symmetric(T)),
        "T",
        "X⁻¹ + X⁻ᵀ − diag(diag(X⁻¹))",
        lambda T: 2 * inv(whole(T)) - inv(whole(T)) * np.eye(len(T)),
    ),
    identity(
        STRUCTURED,
        "PC 2.8.3, trace by a diagonal matrix",
        "A: [n, n]\nx: [n]\nX[i, j] = where(i == j, x[i], 0)\nf = trace(A @ X)",
        lambda A, x: (A @ x.diag()).trace(),
        "x",
        "diag(A)",
        lambda A, x: np.diag(A * np.eye(len(A))),
    ),
]

NOT_DERIVED = {
    "(41)": "the adjugate has no sign: det(X) X⁻¹ stands for it, where X has an inverse",
    "(47), (50)": "a relation between a derivative and X, not the derivative of a definition; it is (49) times Xᵀ",
    "(56)": "a derivative by the pseudoinverse, which the language has not",
    "(58), for a k without a number": "a matrix to a power that is a letter; k = 2 and 3 are shown",
    "(67), (68)": "eigenvalues and eigenvectors are no functions of the language",
    "(89)": "of complex numbers",
    "2.4.3, Xⁿ for an n without a number": "a matrix to a power that is a letter; n = 2 and 3 are shown",
    "Tr(F(X)), (128)": "F is a power series of a matrix, such as sin(X), of which there are no functions",
    "2.8.4, Toeplitz": "the sums over diagonals have their form with indices, and no sign in matrix notation",
}
"""What the chapters have besides, and why it is not here."""
