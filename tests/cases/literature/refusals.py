"""Forms that a teacher types first and that are refused, with what they are told to write instead."""

from __future__ import annotations

from cases.literature.row import Refusal

REFUSALS = [
    Refusal(
        "f = 1/(1 + exp(-(2x + 1)))",
        "A number is followed by a letter.",
        "Write a product with *: 2*x. Numbers are decimal: 3, 0.5, 1e-5.",
        "scaled tanh",
    ),
    Refusal(
        "x: [n]; f = 10*n + sum(x^2 - 10*cos(2*pi*x))",
        "The sign ^ is not part of the language.",
        "Write a power as x**2.",
        "Rastrigin's function",
    ),
    Refusal("l = ln(k/b)", "The function ln is not known.", "Write log(x).", "Weibull"),
    Refusal("y = x*sigma(beta*x)", "The function sigma is not known.", "Write sigmoid(x).", "Swish with a slope"),
    Refusal(
        "lambda: positive; x: [N]; l = N*log(lambda) - lambda*sum(x)",
        "The word lambda cannot be used here.",
        "Write lam, or the Greek letter λ.",
        "exponential",
    ),
    Refusal(
        "x: [n]; a: [k]; E = 1/2*sum(x**2) + lam*sum(|a|)",
        "The sign | is not part of the language.",
        "Write abs(x) for an absolute value.",
        "sparse coding",
    ),
    Refusal("w: [d]; a: [d]; r = dot(w, a)", "The function dot is not known.", "Write x @ y.", "reward model"),
    Refusal(
        "y = (x > 0)*x + alpha*(x <= 0)*(exp(x) - 1)",
        "A comparison is not a number.",
        "Compare inside where(a > b, x, y), or after if in a sum.",
        "ELU",
    ),
    Refusal("y = x if x > 0 else alpha*(exp(x) - 1)", "A choice is written with where.", "Write where(condition, a, b).", "ELU"),
    Refusal(
        "f(r) = r**2/(1 + r**2)",
        "Only a name, or name[i, j], can stand left of =.",
        "Write f = …; what it is a function of, its formula says.",
        "Geman-McClure loss",
    ),
    Refusal(
        "x: [n]; f = sum((1 - x[i])**2 for i in range(n))",
        "An axis is a name, an integer, or a sum or product of these: [n], [3], [O + K - 1].",
        "Write the axis itself: for i in n.",
        "Rosenbrock's function of many variables",
    ),
    Refusal(
        "h[t] = tanh(w*h[t - 1] + u*x[t])",
        "h is defined by itself.",
        "Nothing can be defined by what comes after it; for a recurrence, name each step: h1, h2, …",
        "three steps of a scalar recurrence",
    ),
    Refusal(
        "K: [N, d]; q: [d]; L = logsumexp(K q)",
        "A sign is missing between `K` and `q`.",
        "Write a product as K*q, and that of matrices as K @ q.",
        "InfoNCE of one query",
    ),
    Refusal(
        "W: [m, n]; L = sum((W @ W.T - I)**2)",
        "I is not declared, and a matrix stands beside it.",
        "Write eye(m) for the identity, or declare the number: I: real.",
        "orthogonal penalty",
    ),
    Refusal(
        "Z: [N, C]; P = softmax(Z, axis=1)",
        "Arguments have no keywords.",
        "It is over the last axis: softmax(Z); over the first write softmax(Z.T).T.",
        "softmax regression with labels",
    ),
    Refusal(
        "w: [d]; L = 1/2*||w||^2",
        "The sign | is not part of the language.",
        "Write the norm as norm(x), and the absolute value of a number as abs(x).",
        "elastic net",
    ),
    Refusal(
        "X: [N, d]; mu = mean(X, axis=0)",
        "Arguments have no keywords.",
        "Reduce one axis with mean(x[i, j] for j in n).",
        "variance term of VICReg",
    ),
    Refusal(
        "X: [N, d]; mu = mean(X, 0)",
        "mean takes one tensor, or one expression with for.",
        "Write mean(x), or mean(x[i, j] for j in n) to reduce one axis.",
        "variance term of VICReg",
    ),
    Refusal(
        "q: [d]; K: [N, d]; s = q @ K",
        "`q @ K`: the axis of size d meets the axis of size N.",
        "Did you mean q @ K.T?",
        "InfoNCE of a batch",
    ),
    Refusal(
        "x: [n]; A: [n, n]; r = x.T*A @ x",
        "A vector cannot be transposed here.",
        "Write x.T @ y for the inner product, and x @ y.T for the outer product.",
        "Rayleigh quotient",
    ),
    Refusal(
        "z: [d]; E: [K, d]; k = argmin(sum((z[j] - E[i, j])**2 for j in d) for i in K)",
        "The function argmin is not known.",
        "Write argmax(-x).",
        "commitment of a codebook",
    ),
    Refusal(
        "z = mu + s*randn(1)",
        "The function randn is not known.",
        "A definition has no random numbers: declare them as an input.",
        "variational autoencoder",
    ),
    Refusal(
        "z: [C]; y: label[C]; p = softmax(z); L = cross_entropy(p, y)",
        "cross_entropy needs a vector for y, and `y` is a label.",
        "Declare it as y: onehot[…].",
        "two layers and cross-entropy",
    ),
    Refusal("f = (a - x)**2 + pow(y, 2)", "The function pow is not known.", "Write x**2.", "Rosenbrock's function"),
    Refusal(
        "X: [N, N]; A: [N, k]; R: [k, k]; L = sum((X - A @ R @ transpose(A))**2)",
        "The function transpose is not known.",
        "Write A.T.",
        "RESCAL",
    ),
]
