"""Regression, classification, factors and distances: what a course on statistical learning defines.

Bishop is Pattern Recognition and Machine Learning (2006), ESL The Elements of Statistical Learning (2009) of Hastie, Tibshirani
and Friedman, Murphy is Probabilistic Machine Learning: An Introduction (2022), GBC Deep Learning (2016).
"""

from __future__ import annotations

from cases.literature.row import Row
from oracles.extras import functional as F
from oracles.extras import torch

REGRESSION = [
    Row(
        "least squares",
        "ESL 3.2",
        """
        X: [N, p]; y: [N]; w: [p]
        L = sum((y - X @ w)**2)
        """,
        "w",
        lambda X, y, w: ((y - X @ w) ** 2).sum(),
    ),
    Row(
        "least squares with an intercept",
        "CS229 notes 1",
        """
        X: [N, p]; y: [N]; w: [p]
        J = 1/2*sum((X @ w + b - y)**2)
        """,
        "w b",
        lambda X, y, w, b: ((X @ w + b - y) ** 2).sum() / 2,
    ),
    Row(
        "least squares as a product",
        "ESL 3.2, 3.4",
        """
        X: [N, p]; y: [N]; w: [p]
        L = (y - X @ w).T @ (y - X @ w)
        """,
        "w",
        lambda X, y, w: (y - X @ w) @ (y - X @ w),
    ),
    Row(
        "ridge regression",
        "ESL 3.43",
        """
        X: [N, p]; y: [N]; w: [p]
        L = (y - X @ w).T @ (y - X @ w) + lam*w.T @ w
        """,
        "w lam",
        lambda X, y, w, lam: (y - X @ w) @ (y - X @ w) + lam * w @ w,
    ),
    Row(
        "lasso",
        "ESL 3.52",
        """
        X: [N, p]; y: [N]; w: [p]
        L = 1/2*sum((y - X @ w)**2) + lam*sum(abs(w))
        """,
        "w lam",
        lambda X, y, w, lam: ((y - X @ w) ** 2).sum() / 2 + lam * abs(w).sum(),
    ),
    Row(
        "elastic net",
        "ESL 3.54, as in scikit-learn",
        """
        X: [N, p]; y: [N]; w: [p]
        L = sum((y - X @ w)**2)/(2*N) + lam*(rho*sum(abs(w)) + (1 - rho)/2*sum(w**2))
        """,
        "w rho lam",
        lambda X, y, w, rho, lam: ((y - X @ w) ** 2).mean() / 2 + lam * (rho * abs(w).sum() + (1 - rho) / 2 * (w**2).sum()),
    ),
    Row(
        "weighted least squares",
        "Bishop 3.104",
        """
        Phi: [N, M]; t: [N]; r: [N]; w: [M]
        E = 1/2*sum(r*(t - Phi @ w)**2)
        """,
        "w r",
        lambda Phi, t, r, w: (r * (t - Phi @ w) ** 2).sum() / 2,
    ),
    Row(
        "polynomial fit",
        "Bishop 1.1, 1.2",
        """
        x: [N]; t: [N]
        y[n] = w0 + w1*x[n] + w2*x[n]**2 + w3*x[n]**3
        E = 1/2*sum((y - t)**2)
        """,
        "w0 w3",
        lambda x, t, w0, w1, w2, w3: ((w0 + w1 * x + w2 * x**2 + w3 * x**3 - t) ** 2).sum() / 2,
    ),
    Row(
        "simple linear regression",
        "CS229 problem set 0",
        """
        x: [N]; y: [N]
        J = 1/(2*N)*sum((a*x + b - y)**2)
        """,
        "a b",
        lambda x, y, a, b: ((a * x + b - y) ** 2).mean() / 2,
    ),
    Row(
        "regression with several outputs",
        "ESL 3.39",
        """
        X: [N, p]; Y: [N, K]; B: [p, K]
        L = sum((Y - X @ B)**2)
        """,
        "B",
        lambda X, Y, B: ((Y - X @ B) ** 2).sum(),
    ),
    Row(
        "Gaussian log-likelihood with its precision",
        "Bishop 3.11",
        """
        Phi: [N, M]; t: [N]; w: [M]; beta: positive
        l = N/2*log(beta) - N/2*log(2*pi) - beta/2*sum((t - Phi @ w)**2)
        """,
        "w beta",
        lambda Phi, t, w, beta: torch.distributions.Normal(Phi @ w, beta**-0.5).log_prob(t).sum(),
    ),
    Row(
        "Bayesian linear regression, log of the posterior",
        "Bishop 3.55",
        """
        Phi: [N, M]; t: [N]; w: [M]
        l = -beta/2*sum((t - Phi @ w)**2) - alpha/2*w.T @ w
        """,
        "w",
        lambda Phi, t, w, alpha, beta: -beta / 2 * ((t - Phi @ w) ** 2).sum() - alpha / 2 * w @ w,
    ),
    Row(
        "heteroscedastic regression",
        "Nix & Weigend 1994; Murphy 2.6.3",
        """
        X: [N, p]; y: [N]; w: [p]; v: [p]
        mu = X @ w
        s = exp(X @ v)
        L = sum((y - mu)**2/(2*s**2) + log(s))
        """,
        "w v",
        lambda X, y, w, v: ((y - X @ w) ** 2 / (2 * torch.exp(X @ v) ** 2) + X @ v).sum(),
    ),
    Row(
        "kernel ridge regression",
        "Murphy 17.3.9",
        """
        K: [N, N]; y: [N]; a: [N]
        J = sum((y - K @ a)**2) + lam*a.T @ K @ a
        """,
        "a",
        lambda K, y, a, lam: ((y - K @ a) ** 2).sum() + lam * a @ K @ a,
    ),
    Row(
        "quantile regression",
        "Koenker & Bassett 1978",
        """
        X: [N, p]; y: [N]; w: [p]
        e = y - X @ w
        L = sum(max(tau*e, (tau - 1)*e))
        """,
        "w",
        lambda X, y, w, tau: torch.maximum(tau * (y - X @ w), (tau - 1) * (y - X @ w)).sum(),
        {"tau": (0.1, 0.9)},
    ),
    Row(
        "support vector regression",
        "ESL 12.36, 12.37",
        """
        X: [N, p]; y: [N]; w: [p]
        L = sum(max(0, abs(y - X @ w - b) - epsilon)) + lam/2*sum(w**2)
        """,
        "w b",
        lambda X, y, w, b, epsilon, lam: F.relu(abs(y - X @ w - b) - epsilon).sum() + lam / 2 * (w**2).sum(),
    ),
    Row(
        "Huber loss",
        "Huber 1964; ESL 10.23",
        """
        r: [N]; delta: positive
        L = sum(where(abs(r) <= delta, r**2/2, delta*(abs(r) - delta/2)))
        """,
        "r delta",
        lambda r, delta: torch.where(abs(r) <= delta, r**2 / 2, delta * (abs(r) - delta / 2)).sum(),
    ),
    Row(
        "Cauchy loss",
        "Black & Anandan 1996",
        """
        x: [N]
        L = sum(log(1 + (x/c)**2/2))
        """,
        "x c",
        lambda x, c: torch.log(1 + (x / c) ** 2 / 2).sum(),
    ),
    Row(
        "Geman-McClure loss",
        "Geman & McClure 1985",
        """
        r: [N]
        L = sum(r**2/(1 + r**2))
        """,
        "r",
        lambda r: (r**2 / (1 + r**2)).sum(),
    ),
    Row(
        "Welsch loss",
        "Dennis & Welsch 1978; Barron 2019",
        """
        x: [N]
        L = sum(1 - exp(-1/2*(x/c)**2))
        """,
        "x c",
        lambda x, c: (1 - torch.exp(-((x / c) ** 2) / 2)).sum(),
    ),
    Row(
        "Tukey's biweight",
        "Beaton & Tukey 1974",
        "f = where(abs(r) <= c, c**2/6*(1 - (1 - (r/c)**2)**3), c**2/6)",
        "r c",
        lambda r, c: torch.where(abs(r) <= c, c**2 / 6 * (1 - (1 - (r / c) ** 2) ** 3), c**2 / 6),
        {"c": (2, 3)},
    ),
    Row(
        "Charbonnier loss",
        "Charbonnier et al. 1994",
        """
        x: [N]
        L = sum(sqrt(x**2 + epsilon**2))
        """,
        "x epsilon",
        lambda x, epsilon: torch.sqrt(x**2 + epsilon**2).sum(),
    ),
    Row(
        "general robust loss",
        "Barron 2019, eq. 1",
        "f = abs(a - 2)/a*(((x/c)**2/abs(a - 2) + 1)**(a/2) - 1)",
        "x",
        lambda a, x, c: abs(a - 2) / a * (((x / c) ** 2 / abs(a - 2) + 1) ** (a / 2) - 1),
        {"a": (0.5, 1.5)},
    ),
    Row(
        "log-cosh loss",
        "Murphy",
        """
        r: [N]
        L = sum(log((exp(r) + exp(-r))/2))
        """,
        "r",
        lambda r: torch.log(torch.cosh(r)).sum(),
    ),
    Row(
        "relative squared error",
        "Hyndman & Koehler 2006",
        """
        y: [N]; f: [N]
        L = sum((y - f)**2)/sum((y - mean(y))**2)
        """,
        "f",
        lambda y, f: ((y - f) ** 2).sum() / ((y - y.mean()) ** 2).sum(),
    ),
    Row(
        "mean absolute percentage error",
        "Hyndman & Koehler 2006",
        """
        y: [N]; f: [N]
        L = mean(abs((y - f)/y))
        """,
        "f",
        lambda y, f: abs((y - f) / y).mean(),
    ),
    Row(
        "Pearson correlation",
        "Murphy 3.1.2",
        """
        x: [N]; y: [N]
        u = x - mean(x)
        v = y - mean(y)
        r = sum(u*v)/sqrt(sum(u**2)*sum(v**2))
        """,
        "x",
        lambda x, y: torch.corrcoef(torch.stack([x, y]))[0, 1],
    ),
    Row(
        "locally weighted regression",
        "CS229 notes 1; ESL 6.8",
        """
        x: [N]; y: [N]
        w[i] = exp(-(x[i] - q)**2/(2*tau**2))
        J = 1/2*sum(w*(a + b*x - y)**2)
        """,
        "a b tau",
        lambda x, y, q, tau, a, b: (torch.exp(-((x - q) ** 2) / (2 * tau**2)) * (a + b * x - y) ** 2).sum() / 2,
    ),
]

CLASSIFICATION = [
    Row(
        "logistic regression",
        "Bishop 4.90, 4.91",
        """
        Phi: [N, M]; t: [N]; w: [M]
        y = sigmoid(Phi @ w)
        E = -sum(t*log(y) + (1 - t)*log(1 - y))
        """,
        "w",
        lambda Phi, t, w: F.binary_cross_entropy_with_logits(Phi @ w, t, reduction="sum"),
    ),
    Row(
        "logistic regression, labels of two signs",
        "ESL 18.2.1; Murphy 10.2.3",
        """
        X: [N, D]; y: [N]; w: [D]
        L = 1/N*sum(log(1 + exp(-y*(X @ w + b)))) + lam*sum(w**2)
        """,
        "w b",
        lambda X, y, w, b, lam: F.softplus(-y * (X @ w + b)).mean() + lam * (w**2).sum(),
    ),
    Row(
        "logistic regression of one example",
        "CS229 notes 1",
        """
        x: [d]; w: [d]
        h = 1/(1 + exp(-(w @ x)))
        l = y*log(h) + (1 - y)*log(1 - h)
        """,
        "w",
        lambda x, w, y: -F.binary_cross_entropy_with_logits(w @ x, y),
    ),
    Row(
        "multiclass logistic regression",
        "Bishop 4.108, 4.109",
        """
        Phi: [N, M]; T: onehot[N, K]; W: [M, K]
        Y = softmax(Phi @ W)
        E = -sum(T*log(Y))
        """,
        "W",
        lambda Phi, T, W: -(T * F.log_softmax(Phi @ W, 1)).sum(),
    ),
    Row(
        "softmax regression with labels",
        "CS231n, linear classify",
        """
        X: [N, D]; y: label[N, C]; W: [D, C]; b: [C]
        f = X @ W + b
        L = 1/N*sum(-log(exp(f[i, y[i]])/sum(exp(f[i, j]) for j in C)) for i in N) + lam*sum(W**2)
        """,
        "W b",
        lambda X, y, W, b, lam: F.cross_entropy(X @ W + b, y) + lam * (W**2).sum(),
    ),
    Row(
        "probit regression",
        "Murphy 15.3.1; Bishop 4.114",
        """
        X: [N, D]; t: [N]; w: [D]
        p = normal_cdf(X @ w)
        L = -sum(t*log(p) + (1 - t)*log(1 - p))
        """,
        "w",
        lambda X, t, w: -(t * torch.log(torch.special.ndtr(X @ w)) + (1 - t) * torch.log(torch.special.ndtr(-(X @ w)))).sum(),
    ),
    Row(
        "perceptron criterion",
        "Bishop 4.54",
        """
        Phi: [N, M]; t: [N]; w: [M]
        E = sum(max(0, -t*(Phi @ w)))
        """,
        "w",
        lambda Phi, t, w: F.relu(-t * (Phi @ w)).sum(),
    ),
    Row(
        "structured perceptron",
        "Collins 2002",
        """
        s: [C]; y: label[C]
        L = max(s) - s[y]
        """,
        "s",
        lambda s, y: s.amax() - s[y],
    ),
    Row(
        "support vector machine",
        "ESL 12.25; Bishop 7.44",
        """
        X: [N, D]; y: [N]; w: [D]
        L = 1/2*w.T @ w + C*sum(max(0, 1 - y*(X @ w + b)))
        """,
        "w b",
        lambda X, y, w, b, C: w @ w / 2 + C * F.relu(1 - y * (X @ w + b)).sum(),
    ),
    Row(
        "support vector machine with squared slack",
        "Lee & Mangasarian 2001",
        """
        X: [N, D]; y: [N]; w: [D]
        L = 1/2*sum(w**2) + C/2*sum(max(0, 1 - y*(X @ w))**2)
        """,
        "w",
        lambda X, y, w, C: (w**2).sum() / 2 + C / 2 * (F.relu(1 - y * (X @ w)) ** 2).sum(),
    ),
    Row(
        "dual of the support vector machine",
        "ESL 12.13; Bishop 7.10",
        """
        a: [N]; y: [N]; K: [N, N]
        L = sum(a) - 1/2*sum(a[n]*a[m]*y[n]*y[m]*K[n, m] for n in N for m in N)
        """,
        "a",
        lambda a, y, K: a.sum() - (a * y) @ K @ (a * y) / 2,
    ),
    Row(
        "multiclass hinge loss",
        "Weston & Watkins 1999; CS231n",
        """
        W: [C, D]; x: [D]; y: label[C]
        s = W @ x
        L = sum(max(0, s[j] - s[y] + delta) for j in C if j != y)
        """,
        "W s",
        lambda W, x, y, delta: F.relu(W @ x - W[y] @ x + delta).sum() - delta,
        {"delta": (0.5, 1)},
    ),
    Row(
        "multiclass hinge loss of the worst class",
        "Crammer & Singer 2001",
        """
        s: [C]; y: label[C]
        L = max(0, 1 + max(s[j] for j in C if j != y) - s[y])
        """,
        "s",
        lambda s, y: F.relu(1 + torch.cat([s[:y], s[y + 1 :]]).amax() - s[y]),
    ),
    Row(
        "exponential loss",
        "ESL 10.8, AdaBoost",
        """
        y: [N]; f: [N]
        L = sum(exp(-y*f))
        """,
        "f",
        lambda y, f: torch.exp(-y * f).sum(),
    ),
    Row(
        "binomial deviance",
        "ESL 10.18",
        """
        y: [N]; f: [N]
        L = sum(log(1 + exp(-2*y*f)))
        """,
        "f",
        lambda y, f: F.softplus(-2 * y * f).sum(),
    ),
    Row(
        "a step of AdaBoost",
        "ESL 10.9",
        """
        w: positive[N]; y: [N]; G: [N]
        L = sum(w*exp(-beta*y*G))
        """,
        "beta",
        lambda w, y, G, beta: (w * torch.exp(-beta * y * G)).sum(),
    ),
    Row(
        "smoothed hinge loss",
        "Rennie & Srebro 2005",
        "L = where(z >= 1, 0, where(z <= 0, 1/2 - z, (1 - z)**2/2))",
        "z",
        lambda z: torch.where(z >= 1, 0 * z, torch.where(z <= 0, 0.5 - z, (1 - z) ** 2 / 2)),
    ),
    Row(
        "ramp loss",
        "Collobert et al. 2006",
        "L = min(1, max(0, 1 - y*f))",
        "f",
        lambda y, f: torch.clip(1 - y * f, 0, 1),
        {"y": (1, 1), "f": (0.2, 0.8)},
    ),
    Row(
        "Brier score",
        "Brier 1950",
        """
        z: [C]; y: onehot[C]
        p = softmax(z)
        B = sum((p - y)**2)
        """,
        "z",
        lambda z, y: ((F.softmax(z, 0) - y) ** 2).sum(),
    ),
    Row(
        "naive Bayes with Gaussians, log-odds",
        "Murphy 9.3",
        """
        x: [d]; mu: [d]; nu: [d]; s: positive[d]
        l = sum(((x - nu)**2 - (x - mu)**2)/(2*s**2))
        """,
        "x mu s",
        lambda x, mu, nu, s: (((x - nu) ** 2 - (x - mu) ** 2) / (2 * s**2)).sum(),
    ),
    Row(
        "Fisher's linear discriminant",
        "Bishop 4.26",
        """
        w: [D]; S: [D, D]; B: [D, D]
        J = (w.T @ B @ w)/(w.T @ S @ w)
        """,
        "w",
        lambda w, S, B: (w @ B @ w) / (w @ S @ w),
    ),
    Row(
        "discriminant of two classes",
        "Bishop 4.25",
        """
        w: [D]; a: [D]; b: [D]; S: [D, D]
        J = (w @ (b - a))**2/(w @ S @ w)
        """,
        "w",
        lambda w, a, b, S: (w @ (b - a)) ** 2 / (w @ S @ w),
    ),
    Row(
        "entropy of a decision",
        "ESL 9.17, cross-entropy",
        """
        z: [K]
        p = softmax(z)
        H = -sum(p*log(p))
        """,
        "z p",
        lambda z: torch.distributions.Categorical(logits=z).entropy(),
    ),
    Row(
        "Gini index of a decision",
        "ESL 9.17",
        """
        z: [K]
        p = softmax(z)
        G = sum(p*(1 - p))
        """,
        "z p",
        lambda z: (F.softmax(z, 0) * (1 - F.softmax(z, 0))).sum(),
    ),
]

FACTORS = [
    Row(
        "variance of a projection",
        "Bishop 12.3",
        """
        u: [D]; S: [D, D]
        J = u.T @ S @ u + lam*(1 - u.T @ u)
        """,
        "u lam",
        lambda u, S, lam: u @ S @ u + lam * (1 - u @ u),
    ),
    Row(
        "Rayleigh quotient",
        "Golub & Van Loan 8.2.3",
        """
        x: [n]; A: [n, n]
        r = (x.T @ A @ x)/(x.T @ x)
        """,
        "x",
        lambda x, A: (x @ A @ x) / (x @ x),
    ),
    Row(
        "reconstruction by principal components",
        "ESL 14.50; GBC 2.12",
        """
        X: [N, p]; V: [p, q]
        L = sum((X - X @ V @ V.T)**2)
        """,
        "V",
        lambda X, V: ((X - X @ V @ V.T) ** 2).sum(),
    ),
    Row(
        "linear autoencoder",
        "Baldi & Hornik 1989",
        """
        X: [p, N]; A: [p, q]; B: [q, p]
        E = sum((X - A @ B @ X)**2)
        """,
        "A B",
        lambda X, A, B: ((X - A @ B @ X) ** 2).sum(),
    ),
    Row(
        "denoising autoencoder",
        "GBC 14.5",
        """
        x: [n]; u: [n]; W: [m, n]; b: [m]; c: [n]
        h = sigmoid(W @ u + b)
        r = W.T @ h + c
        L = sum((r - x)**2)
        """,
        "W b c",
        lambda x, u, W, b, c: ((W.T @ torch.sigmoid(W @ u + b) + c - x) ** 2).sum(),
    ),
    Row(
        "contractive penalty",
        "Rifai et al. 2011",
        """
        x: [n]; W: [m, n]; b: [m]
        h = sigmoid(W @ x + b)
        P = sum((h[i]*(1 - h[i])*W[i, j])**2 for i in m for j in n)
        """,
        "W b",
        lambda x, W, b: ((h := torch.sigmoid(W @ x + b)) ** 2 * (1 - h) ** 2 * (W**2).sum(1)).sum(),
    ),
    Row(
        "sparse autoencoder",
        "CS294A notes",
        """
        X: [N, n]; W: [m, n]
        H = sigmoid(X @ W.T)
        q[j] = mean(H[i, j] for i in N)
        P = sum(rho*log(rho/q) + (1 - rho)*log((1 - rho)/(1 - q)))
        """,
        "q W",
        lambda X, W, rho: (
            rho * torch.log(rho / (q := torch.sigmoid(X @ W.T).mean(0))) + (1 - rho) * torch.log((1 - rho) / (1 - q))
        ).sum(),
        {"rho": (0.05, 0.2)},
    ),
    Row(
        "sparse coding",
        "Olshausen & Field 1996",
        """
        x: [n]; D: [n, k]; a: [k]
        E = 1/2*sum((x - D @ a)**2) + lam*sum(abs(a))
        """,
        "a D",
        lambda x, D, a, lam: ((x - D @ a) ** 2).sum() / 2 + lam * abs(a).sum(),
    ),
    Row(
        "sparse coding with a smooth penalty",
        "Olshausen & Field 1996",
        """
        x: [n]; D: [n, k]; a: [k]
        E = sum((x - D @ a)**2) + lam*sum(log(1 + (a/s)**2))
        """,
        "a",
        lambda x, D, a, lam, s: ((x - D @ a) ** 2).sum() + lam * torch.log(1 + (a / s) ** 2).sum(),
    ),
    Row(
        "probabilistic principal components",
        "Bishop 12.2",
        """
        x: [D]; z: [M]; W: [D, M]; mu: [D]; s: positive
        L = sum((x - W @ z - mu)**2)/(2*s**2) + D*log(s) + 1/2*z.T @ z
        """,
        "W mu z s",
        lambda x, z, W, mu, s: ((x - W @ z - mu) ** 2).sum() / (2 * s**2) + len(x) * torch.log(s) + z @ z / 2,
    ),
    Row(
        "factor analysis",
        "Bishop 12.64",
        """
        x: [D]; z: [M]; W: [D, M]; psi: positive[D]
        L = 1/2*sum((x - W @ z)**2/psi + log(psi)) + 1/2*sum(z**2)
        """,
        "W z psi",
        lambda x, z, W, psi: ((x - W @ z) ** 2 / psi + torch.log(psi)).sum() / 2 + (z**2).sum() / 2,
    ),
    Row(
        "matrix factorization",
        "Koren et al. 2009, eq. 2",
        """
        M: [U, I]; R: [U, I]; P: [U, k]; Q: [I, k]
        L = sum(M*(R - P @ Q.T)**2) + lam*(sum(P**2) + sum(Q**2))
        """,
        "P Q",
        lambda M, R, P, Q, lam: (M * (R - P @ Q.T) ** 2).sum() + lam * ((P**2).sum() + (Q**2).sum()),
    ),
    Row(
        "matrix factorization with biases",
        "Koren et al. 2009, eq. 5",
        """
        p: [k]; q: [k]
        e = r - mu - b - c - q @ p
        L = e**2 + lam*(sum(p**2) + sum(q**2) + b**2 + c**2)
        """,
        "p b",
        lambda p, q, r, mu, b, c, lam: (r - mu - b - c - q @ p) ** 2 + lam * ((p**2).sum() + (q**2).sum() + b**2 + c**2),
    ),
    Row(
        "Bayesian personalized ranking",
        "Rendle et al. 2009",
        """
        p: [k]; u: [k]; v: [k]
        x = p @ u - p @ v
        L = -log(sigmoid(x)) + lam*sum(p**2)
        """,
        "p u v",
        lambda p, u, v, lam: -F.logsigmoid(p @ u - p @ v) + lam * (p**2).sum(),
    ),
    Row(
        "factorization machine",
        "Rendle 2010, eq. 1",
        """
        x: [n]; w: [n]; V: [n, k]
        y = b + sum(w*x) + sum(sum(V[i, f]*V[j, f] for f in k)*x[i]*x[j] for i in n for j in n if i < j)
        """,
        "w V x",
        lambda x, w, V, b: b + w @ x + (torch.triu(V @ V.T, 1) * torch.outer(x, x)).sum(),
    ),
    Row(
        "factorization machine, in linear time",
        "Rendle 2010, lemma 3.1",
        """
        x: [n]; V: [n, k]
        y = 1/2*sum(sum(V[i, f]*x[i] for i in n)**2 - sum(V[i, f]**2*x[i]**2 for i in n) for f in k)
        """,
        "V x",
        lambda x, V: (((V * x[:, None]).sum(0)) ** 2 - (V**2 * x[:, None] ** 2).sum(0)).sum() / 2,
    ),
    Row(
        "non-negative factorization",
        "Lee & Seung 2001",
        """
        V: [n, m]; W: [n, r]; H: [r, m]
        F = 1/2*sum((V - W @ H)**2)
        """,
        "W H",
        lambda V, W, H: ((V - W @ H) ** 2).sum() / 2,
    ),
    Row(
        "non-negative factorization by divergence",
        "Lee & Seung 2001",
        """
        V: positive[n, m]; W: positive[n, r]; H: positive[r, m]
        R = W @ H
        D = sum(V*log(V/R) - V + R)
        """,
        "W H",
        lambda V, W, H: (V * torch.log(V / (W @ H)) - V + W @ H).sum(),
    ),
    Row(
        "canonical correlation",
        "Murphy 20.2.8",
        """
        a: [p]; b: [q]; S: [p, q]; A: [p, p]; B: [q, q]
        r = (a.T @ S @ b)/sqrt((a.T @ A @ a)*(b.T @ B @ b))
        """,
        "a b",
        lambda a, b, S, A, B: (a @ S @ b) / torch.sqrt((a @ A @ a) * (b @ B @ b)),
        {"A": (1, 2), "B": (1, 2), "a": (0.2, 1), "b": (0.2, 1)},
    ),
    Row(
        "k-means distortion",
        "Bishop 9.1",
        """
        x: [N, D]; r: onehot[N, K]; mu: [K, D]
        J = sum(r[n, k]*sum((x[n, i] - mu[k, i])**2 for i in D) for n in N for k in K)
        """,
        "mu",
        lambda x, r, mu: (r * ((x[:, None] - mu) ** 2).sum(-1)).sum(),
    ),
    Row(
        "soft k-means",
        "MacKay 2003, ch. 22",
        """
        x: [D]; m: [K, D]
        d[k] = sum((x[i] - m[k, i])**2 for i in D)
        F = -1/beta*log(sum(exp(-beta*d[k]) for k in K))
        """,
        "m x",
        lambda x, m, beta: -torch.logsumexp(-beta * ((x - m) ** 2).sum(1), 0) / beta,
    ),
    Row(
        "multidimensional scaling",
        "ESL 14.98",
        """
        D: positive[N, N]; z: [N, k]
        d[i, j] = sqrt(sum((z[i, a] - z[j, a])**2 for a in k))
        S = sum((D[i, j] - d[i, j])**2 for i in N for j in N if i < j)
        """,
        "z",
        lambda D, z: sum((D[i, j] - torch.sqrt(((z[i] - z[j]) ** 2).sum())) ** 2 for j in range(len(z)) for i in range(j)),
    ),
    Row(
        "Laplacian eigenmaps",
        "Belkin & Niyogi 2003",
        """
        W: [N, N]; y: [N]
        E = 1/2*sum(W[i, j]*(y[i] - y[j])**2 for i in N for j in N)
        """,
        "y",
        lambda W, y: (W * (y[:, None] - y) ** 2).sum() / 2,
    ),
    Row(
        "stochastic neighbour embedding",
        "Hinton & Roweis 2002",
        """
        P: positive[N, N]; y: [N, d]
        e[i, j] = exp(-sum((y[i, a] - y[j, a])**2 for a in d))
        q[i, j] = e[i, j]/sum(e[i, k] for k in N if k != i)
        C = sum(P[i, j]*log(P[i, j]/q[i, j]) for i in N for j in N if i != j)
        """,
        "y",
        lambda P, y: sneighbours(P, torch.exp(-((y[:, None] - y) ** 2).sum(-1)), 1),
    ),
    Row(
        "t-SNE",
        "van der Maaten & Hinton 2008, eq. 4, 5",
        """
        P: positive[N, N]; y: [N, d]
        e[i, j] = 1/(1 + sum((y[i, a] - y[j, a])**2 for a in d))
        Z = sum(e[k, l] for k in N for l in N if k != l)
        C = sum(P[i, j]*log(P[i, j]*Z/e[i, j]) for i in N for j in N if i != j)
        """,
        "y",
        lambda P, y: sneighbours(P, 1 / (1 + ((y[:, None] - y) ** 2).sum(-1)), None),
    ),
    Row(
        "Gaussian kernel",
        "Bishop 6.23",
        """
        x: [d]; z: [d]
        k = exp(-sum((x - z)**2)/(2*s**2))
        """,
        "x s",
        lambda x, z, s: torch.exp(-((x - z) ** 2).sum() / (2 * s**2)),
    ),
    Row(
        "polynomial kernel",
        "Bishop 6.12",
        """
        x: [d]; z: [d]
        k = (x @ z + c)**3
        """,
        "x c",
        lambda x, z, c: (x @ z + c) ** 3,
    ),
    Row(
        "rational quadratic kernel",
        "Rasmussen & Williams 4.19",
        """
        x: [d]; z: [d]; alpha: positive; s: positive
        k = (1 + sum((x - z)**2)/(2*alpha*s**2))**(-alpha)
        """,
        "x s alpha",
        lambda x, z, alpha, s: (1 + ((x - z) ** 2).sum() / (2 * alpha * s**2)) ** -alpha,
    ),
    Row(
        "periodic kernel",
        "Rasmussen & Williams 4.31",
        """
        p: positive; s: positive
        k = a**2*exp(-2*sin(pi*(x - z)/p)**2/s**2)
        """,
        "x p s a",
        lambda x, z, p, s, a: a**2 * torch.exp(-2 * torch.sin(torch.pi * (x - z) / p) ** 2 / s**2),
    ),
    Row(
        "Matern kernel 3/2",
        "Rasmussen & Williams 4.17",
        """
        r: positive; s: positive
        k = (1 + sqrt(3)*r/s)*exp(-sqrt(3)*r/s)
        """,
        "r s",
        lambda r, s: (1 + 3**0.5 * r / s) * torch.exp(-(3**0.5) * r / s),
    ),
    Row(
        "radial basis functions",
        "Bishop 6.38; ESL 6.28",
        """
        x: [d]; c: [K, d]; w: [K]; s: positive
        phi[k] = exp(-sum((x[i] - c[k, i])**2 for i in d)/(2*s**2))
        f = w @ phi
        """,
        "w c s",
        lambda x, c, w, s: w @ torch.exp(-((x - c) ** 2).sum(1) / (2 * s**2)),
    ),
]


def sneighbours(P, e, axis):
    """The divergence of Q, which is e without its diagonal, normalized over an axis or over all, from P."""
    off = 1 - torch.eye(len(e), dtype=e.dtype)
    e = e * off
    q = e / (e.sum(axis, keepdim=True) if axis is not None else e.sum())
    return sum(P[i, j] * torch.log(P[i, j] / q[i, j]) for i in range(len(e)) for j in range(len(e)) if i != j)
