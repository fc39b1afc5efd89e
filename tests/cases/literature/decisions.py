"""Reinforcement learning, steps of optimizers, control, and functions that optimizers are tried on.

S&B is Reinforcement Learning: An Introduction (2018) of Sutton and Barto; GBC Deep Learning (2016).
"""

from __future__ import annotations

from cases.literature.row import Row
from oracles.extras import functional as F
from oracles.extras import torch

POLICIES = [
    Row(
        "gradient bandit",
        "S&B 2.9, 2.13",
        """
        H: [k]; a: label[k]
        pi = softmax(H)
        J = R*log(pi[a])
        """,
        "H",
        lambda H, a, R: -R * F.cross_entropy(H, a),
    ),
    Row(
        "expected reward of a bandit",
        "S&B 2.14",
        """
        H: [k]; q: [k]
        p = softmax(H)
        J = sum(p*q)
        """,
        "H",
        lambda H, q: F.softmax(H, 0) @ q,
    ),
    Row(
        "policy with linear preferences",
        "S&B 13.2, exercise 13.3",
        """
        theta: [d]; X: [k, d]; a: label[k]
        h = X @ theta
        l = h[a] - log(sum(exp(h)))
        """,
        "theta",
        lambda theta, X, a: -F.cross_entropy(X @ theta, a),
        {},
        {"k": 4},
    ),
    Row(
        "Bernoulli policy",
        "S&B exercise 13.5",
        """
        theta: [d]; x: [d]
        P = 1/(1 + exp(-(theta @ x)))
        l = a*log(P) + (1 - a)*log(1 - P)
        """,
        "theta",
        lambda theta, x, a: -F.binary_cross_entropy_with_logits(theta @ x, a),
    ),
    Row(
        "Gaussian policy",
        "S&B 13.19, 13.20",
        """
        theta: [d]; eta: [d]; x: [d]
        mu = theta @ x
        s = exp(eta @ x)
        l = -(a - mu)**2/(2*s**2) - log(s) - 1/2*log(2*pi)
        """,
        "theta eta",
        lambda theta, eta, x, a: torch.distributions.Normal(theta @ x, torch.exp(eta @ x)).log_prob(a),
    ),
    Row(
        "REINFORCE with a baseline",
        "S&B 13.11; Williams 1992",
        """
        Z: [T, K]; a: label[T, K]; G: [T]; b: [T]
        P = softmax(Z)
        L = -sum((G[t] - b[t])*log(P[t, a[t]]) for t in T)
        """,
        "Z",
        lambda Z, a, G, b: ((G - b) * F.cross_entropy(Z, a, reduction="none")).sum(),
        {},
        {"K": 3},
    ),
    Row(
        "advantage actor-critic",
        "Mnih et al. 2016",
        """
        z: [K]; a: label[K]
        pi = softmax(z)
        L = -A*log(pi[a]) + c*(R - V)**2 + beta*sum(pi*log(pi))
        """,
        "z V",
        lambda z, a, A, c, R, V, beta: (
            A * F.cross_entropy(z, a) + c * (R - V) ** 2 + beta * (F.softmax(z, 0) * F.log_softmax(z, 0)).sum()
        ),
    ),
    Row(
        "clipped surrogate",
        "Schulman et al. 2017, eq. 7",
        """
        r = exp(p - p0)
        L = min(r*A, max(1 - epsilon, min(1 + epsilon, r))*A)
        """,
        "p r",
        lambda p, p0, A, epsilon: torch.minimum((r := torch.exp(p - p0)) * A, r.clip(1 - epsilon, 1 + epsilon) * A),
        {"p": (0.1, 0.2), "p0": (0.1, 0.2), "epsilon": (0.2, 0.3)},
    ),
    Row(
        "clipped surrogate of a batch",
        "Schulman et al. 2017, eq. 7",
        """
        p: [N]; p0: [N]; A: [N]
        r = exp(p - p0)
        J = mean(min(r*A, max(1 - epsilon, min(1 + epsilon, r))*A))
        """,
        "p",
        lambda p, p0, A, epsilon: torch.minimum(
            (r := torch.exp(p - p0)) * A, r.clip(min=1 - epsilon, max=1 + epsilon) * A
        ).mean(),
        {"epsilon": (0.2, 0.3)},
    ),
    Row(
        "penalized surrogate",
        "Schulman et al. 2017, eq. 8",
        """
        z: [K]; q: positive[K]; a: label[K]
        p = softmax(z)
        L = p[a]/q[a]*A - beta*sum(q*log(q/p))
        """,
        "z",
        lambda z, q, a, A, beta: F.softmax(z, 0)[a] / q[a] * A - beta * (q * (torch.log(q) - F.log_softmax(z, 0))).sum(),
    ),
    Row(
        "temporal difference with linear values",
        "S&B 9.3",
        """
        w: [d]; x: [d]; y: [d]
        L = 1/2*(R + gamma*w @ y - w @ x)**2
        """,
        "w",
        lambda w, x, y, R, gamma: (R + gamma * w @ y - w @ x) ** 2 / 2,
    ),
    Row(
        "value error",
        "S&B 9.1",
        """
        w: [d]; X: [N, d]; mu: positive[N]; v: [N]
        E = sum(mu*(v - X @ w)**2)
        """,
        "w",
        lambda w, X, mu, v: (mu * (v - X @ w) ** 2).sum(),
    ),
    Row(
        "projected Bellman error",
        "S&B 11.26",
        """
        w: [d]; b: [d]; A: [d, d]; C: [d, d]
        E = (b - A @ w).T @ C @ (b - A @ w)
        """,
        "w",
        lambda w, b, A, C: (b - A @ w) @ C @ (b - A @ w),
    ),
    Row(
        "deep Q-learning",
        "Mnih et al. 2015",
        """
        q: [K]; a: label[K]; Q: [K]
        y = r + gamma*max(Q)
        L = (y - q[a])**2
        """,
        "q",
        lambda q, a, Q, r, gamma: (r + gamma * Q.amax() - q[a]) ** 2,
    ),
    Row(
        "double Q-learning",
        "van Hasselt et al. 2016",
        """
        q: [K]; u: [K]; v: [K]; a: label[K]
        b = argmax(u)
        L = (r + gamma*v[b] - q[a])**2
        """,
        "q v",
        lambda q, u, v, a, r, gamma: (r + gamma * v[u.argmax()] - q[a]) ** 2,
    ),
    Row(
        "duelling network",
        "Wang et al. 2016, eq. 9",
        """
        V: real; A: [K]
        Q = V + A - mean(A)
        """,
        "A V",
        lambda V, A: V + A - A.mean(),
    ),
    Row(
        "soft value",
        "Haarnoja et al. 2017",
        """
        q: [K]
        V = alpha*log(sum(exp(q/alpha)))
        """,
        "q alpha",
        lambda q, alpha: alpha * torch.logsumexp(q / alpha, 0),
    ),
    Row(
        "soft actor",
        "Haarnoja et al. 2018",
        """
        z: [K]; Q: [K]
        pi = softmax(z)
        J = sum(pi*(alpha*log(pi) - Q))
        """,
        "z",
        lambda z, Q, alpha: (F.softmax(z, 0) * (alpha * F.log_softmax(z, 0) - Q)).sum(),
    ),
    Row(
        "deterministic policy gradient",
        "Silver et al. 2014",
        """
        s: [n]; W: [m, n]; A: [m, m]; b: [m]
        a = tanh(W @ s)
        J = b.T @ a - a.T @ A @ a
        """,
        "W a",
        lambda s, W, A, b: b @ torch.tanh(W @ s) - torch.tanh(W @ s) @ A @ torch.tanh(W @ s),
    ),
    Row(
        "advantage-weighted regression",
        "Peng et al. 2019",
        """
        z: [K]; a: label[K]
        p = softmax(z)
        L = -exp(A/beta)*log(p[a])
        """,
        "z",
        lambda z, a, A, beta: torch.exp(A / beta) * F.cross_entropy(z, a),
    ),
    Row(
        "expectile of a value",
        "Kostrikov et al. 2022, IQL",
        """
        u = q - v
        L = where(u < 0, 1 - tau, tau)*u**2
        """,
        "v",
        lambda q, v, tau: torch.where(q - v < 0, 1 - tau, tau) * (q - v) ** 2,
    ),
    Row(
        "quantile Huber loss",
        "Dabney et al. 2018",
        """
        u = y - q
        L = where(u < 0, 1 - tau, tau)*where(abs(u) <= k, u**2/2, k*(abs(u) - k/2))/k
        """,
        "q",
        lambda y, q, tau, k: (
            torch.where(y - q < 0, 1 - tau, tau) * torch.where(abs(y - q) <= k, (y - q) ** 2 / 2, k * (abs(y - q) - k / 2)) / k
        ),
    ),
    Row(
        "behaviour cloning of a Gaussian",
        "Pomerleau 1989",
        """
        s: [n]; a: [m]; W: [m, n]
        L = 1/2*sum((a - W @ s)**2)
        """,
        "W",
        lambda s, a, W: ((a - W @ s) ** 2).sum() / 2,
    ),
    Row(
        "inverse reinforcement learning",
        "Ziebart et al. 2008",
        """
        theta: [d]; f: [d]; F: [N, d]
        L = log(sum(exp(F @ theta))) - theta.T @ f
        """,
        "theta",
        lambda theta, f, F: torch.logsumexp(F @ theta, 0) - theta @ f,
    ),
]

STEPS = [
    Row(
        "gradient descent on a quadratic",
        "GBC 4.3",
        """
        x: [n]; A: [n, n]; b: [n]
        y = x - epsilon*(A @ x - b)
        """,
        "x epsilon",
        lambda x, A, b, epsilon: x - epsilon * (A @ x - b),
    ),
    Row(
        "exact line search",
        "GBC 4.41; Nocedal & Wright 3.26",
        """
        g: [n]; H: [n, n]
        a = (g.T @ g)/(g.T @ H @ g)
        """,
        "g H",
        lambda g, H: (g @ g) / (g @ H @ g),
    ),
    Row(
        "second-order model",
        "GBC 4.8",
        """
        x: [n]; g: [n]; H: [n, n]
        f = c + g.T @ x + 1/2*x.T @ H @ x
        """,
        "x",
        lambda x, g, H, c: c + g @ x + x @ H @ x / 2,
    ),
    Row(
        "momentum",
        "Polyak 1964; GBC 8.15, 8.16",
        """
        theta: [n]; v: [n]; g: [n]
        u = alpha*v - epsilon*g
        y = theta + u
        """,
        "alpha epsilon v g",
        lambda theta, v, g, alpha, epsilon: theta + alpha * v - epsilon * g,
    ),
    Row(
        "RMSProp",
        "Hinton, lecture 6; GBC 8.5.2",
        """
        theta: [n]; r: positive[n]; g: [n]
        s = rho*r + (1 - rho)*g**2
        y = theta - epsilon/sqrt(s + delta)*g
        """,
        "g rho",
        lambda theta, r, g, rho, epsilon, delta: theta - epsilon / torch.sqrt(rho * r + (1 - rho) * g**2 + delta) * g,
        {"rho": (0.2, 0.8), "delta": (0.1, 0.2)},
    ),
    Row(
        "AdaGrad",
        "Duchi et al. 2011",
        """
        theta: [n]; r: positive[n]; g: [n]
        y = theta - eta*g/sqrt(r + g**2)
        """,
        "g eta",
        lambda theta, r, g, eta: theta - eta * g / torch.sqrt(r + g**2),
    ),
    Row(
        "Adam",
        "Kingma & Ba 2015, algorithm 1",
        """
        theta: [n]; m: [n]; v: positive[n]; g: [n]; a: positive; b: positive
        mhat = (a*m + (1 - a)*g)/(1 - a**t)
        vhat = (b*v + (1 - b)*g**2)/(1 - b**t)
        y = theta - alpha*mhat/(sqrt(vhat) + epsilon)
        """,
        "g m v alpha",
        lambda theta, m, v, g, a, b, t, alpha, epsilon: (
            theta - alpha * (a * m + (1 - a) * g) / (1 - a**t) / (torch.sqrt((b * v + (1 - b) * g**2) / (1 - b**t)) + epsilon)
        ),
        {"a": (0.5, 0.9), "b": (0.5, 0.9), "t": (1, 3), "epsilon": (0.1, 0.2)},
    ),
    Row(
        "decoupled weight decay",
        "Loshchilov & Hutter 2019",
        """
        theta: [n]; m: [n]; v: positive[n]
        y = theta - eta*(m/(sqrt(v) + epsilon) + lam*theta)
        """,
        "theta eta lam",
        lambda theta, m, v, eta, epsilon, lam: theta - eta * (m / (torch.sqrt(v) + epsilon) + lam * theta),
        {"epsilon": (0.1, 0.2)},
    ),
    Row(
        "clipping a gradient by its norm",
        "Pascanu et al. 2013",
        """
        g: [n]; c: positive
        s = sqrt(sum(g**2))
        y = min(1, c/s)*g
        """,
        "g",
        lambda g, c: torch.clip(c / torch.sqrt((g**2).sum()), max=1) * g,
    ),
    Row(
        "Newton's method on a scalar",
        "CS229 notes 1",
        "y = x - (x**3 - a)/(3*x**2)",
        "x a",
        lambda x, a: x - (x**3 - a) / (3 * x**2),
    ),
    Row(
        "model-agnostic meta-learning",
        "Finn et al. 2017, eq. 1",
        """
        X: [N, d]; y: [N]; U: [M, d]; v: [M]; w: [d]
        u = w - alpha*X.T @ (X @ w - y)
        L = 1/2*sum((U @ u - v)**2)
        """,
        "w u alpha",
        lambda X, y, U, v, w, alpha: ((U @ (w - alpha * X.T @ (X @ w - y)) - v) ** 2).sum() / 2,
        {},
        {"M": 4},
    ),
    Row(
        "elastic weight consolidation",
        "Kirkpatrick et al. 2017, eq. 3",
        """
        theta: [n]; theta0: [n]; F: [n]
        L = lam/2*sum(F*(theta - theta0)**2)
        """,
        "theta",
        lambda theta, theta0, F, lam: lam / 2 * (F * (theta - theta0) ** 2).sum(),
    ),
    Row(
        "fast gradient sign",
        "Goodfellow et al. 2015",
        """
        x: [n]; w: [n]
        J = log(1 + exp(-y*(w @ x + b)))
        K = log(1 + exp(y*(epsilon*sum(abs(w)) - w @ x - b)))
        """,
        "w",
        lambda x, w, y, b, epsilon: F.softplus(y * (epsilon * abs(w).sum() - w @ x - b)),
    ),
    Row(
        "mixup",
        "Zhang et al. 2018",
        """
        x: [n]; y: [n]; a: onehot[C]; b: onehot[C]; W: [C, n]
        p = softmax(W @ (r*x + (1 - r)*y))
        L = -sum((r*a + (1 - r)*b)*log(p))
        """,
        "W r",
        lambda x, y, a, b, W, r: -((r * a + (1 - r) * b) * F.log_softmax(W @ (r * x + (1 - r) * y), 0)).sum(),
    ),
    Row(
        "group lasso",
        "Yuan & Lin 2006",
        """
        W: [m, n]
        P = lam*sum(sqrt(sum(W[i, j]**2 for j in n)) for i in m)
        """,
        "W lam",
        lambda W, lam: lam * torch.sqrt((W**2).sum(1)).sum(),
    ),
    Row(
        "orthogonal penalty",
        "Brock et al. 2017",
        """
        W: [m, n]
        G = W @ W.T
        P = beta*sum((G[i, j] - where(i == j, 1, 0))**2 for i in m for j in m)
        """,
        "W G",
        lambda W, beta: beta * ((W @ W.T - torch.eye(len(W))) ** 2).sum(),
    ),
    Row(
        "Rosenbrock's function",
        "Rosenbrock 1960",
        "f = (1 - x)**2 + 100*(y - x**2)**2",
        "x y",
        lambda x, y: (1 - x) ** 2 + 100 * (y - x**2) ** 2,
    ),
    Row(
        "Rosenbrock's function of many variables",
        "De Jong 1975",
        """
        x: [n]
        f = sum(100*(x[i + 1] - x[i]**2)**2 + (1 - x[i])**2 for i in n if i + 1 < n)
        """,
        "x",
        lambda x: (100 * (x[1:] - x[:-1] ** 2) ** 2 + (1 - x[:-1]) ** 2).sum(),
    ),
    Row(
        "Rastrigin's function",
        "Rastrigin 1974",
        """
        x: [n]
        f = 10*n + sum(x**2 - 10*cos(2*pi*x))
        """,
        "x",
        lambda x: 10 * len(x) + (x**2 - 10 * torch.cos(2 * torch.pi * x)).sum(),
    ),
    Row(
        "Ackley's function",
        "Ackley 1987",
        "f = -20*exp(-0.2*sqrt((x**2 + y**2)/2)) - exp((cos(2*pi*x) + cos(2*pi*y))/2)",
        "x",
        lambda x, y: (
            -20 * torch.exp(-0.2 * torch.sqrt((x**2 + y**2) / 2))
            - torch.exp((torch.cos(2 * torch.pi * x) + torch.cos(2 * torch.pi * y)) / 2)
        ),
    ),
    Row(
        "Himmelblau's function",
        "Himmelblau 1972",
        "f = (x**2 + y - 11)**2 + (x + y**2 - 7)**2",
        "x y",
        lambda x, y: (x**2 + y - 11) ** 2 + (x + y**2 - 7) ** 2,
    ),
    Row(
        "linear quadratic regulator",
        "Anderson & Moore",
        """
        x: [n]; u: [m]; Q: [n, n]; R: [m, m]; A: [n, n]; B: [n, m]; P: [n, n]
        y = A @ x + B @ u
        J = x.T @ Q @ x + u.T @ R @ u + y.T @ P @ y
        """,
        "u x",
        lambda x, u, Q, R, A, B, P: x @ Q @ x + u @ R @ u + (A @ x + B @ u) @ P @ (A @ x + B @ u),
    ),
    Row(
        "Euler step of a neural equation",
        "Chen et al. 2018",
        """
        h: [n]; W: [n, n]; y: [n]
        a = h + t*tanh(W @ h)
        b = a + t*tanh(W @ a)
        L = sum((b - y)**2)
        """,
        "W h a t",
        lambda h, W, y, t: (((a := h + t * torch.tanh(W @ h)) + t * torch.tanh(W @ a) - y) ** 2).sum(),
    ),
    Row(
        "Michaelis-Menten fit",
        "Bates & Watts 1988",
        """
        s: positive[N]; v: [N]; K: positive
        E = sum((v - V*s/(K + s))**2)
        """,
        "V K",
        lambda s, v, V, K: ((v - V * s / (K + s)) ** 2).sum(),
    ),
    Row(
        "logistic growth",
        "Verhulst 1838",
        """
        t: [N]; y: [N]
        E = 1/2*sum((y - K/(1 + exp(-r*(t - m))))**2)
        """,
        "K r m",
        lambda t, y, K, r, m: ((y - K * torch.sigmoid(r * (t - m))) ** 2).sum() / 2,
    ),
    Row(
        "reprojection error",
        "Hartley & Zisserman",
        "E = (u - f*X/Z - a)**2 + (v - f*Y/Z - b)**2",
        "f Z X",
        lambda u, v, f, X, Y, Z, a, b: (u - f * X / Z - a) ** 2 + (v - f * Y / Z - b) ** 2,
    ),
    Row(
        "epipolar constraint",
        "Hartley & Zisserman 9.2",
        """
        x: [n]; F: [n, n]; y: [n]
        E = (y.T @ F @ x)**2
        """,
        "F x",
        lambda x, F, y: (y @ F @ x) ** 2,
    ),
]
