"""Losses for classes, masks, pairs, words and preferences, and what generative models minimize.

Each comes from the paper named beside it.  CS224n and CS231n are courses at Stanford, GBC is Deep Learning (2016).
"""

from __future__ import annotations

from cases.literature.row import Row
from oracles.extras import functional as F
from oracles.extras import torch

CLASSES = [
    Row(
        "cross-entropy of one label",
        "CS231n, softmax",
        """
        f: [C]; y: label[C]
        L = -f[y] + log(sum(exp(f[j]) for j in C))
        """,
        "f",
        lambda f, y: F.cross_entropy(f, y),
    ),
    Row(
        "shifted cross-entropy",
        "GBC 4.1",
        """
        z: [C]; y: label[C]
        m = max(z)
        L = log(sum(exp(z - m))) + m - z[y]
        """,
        "z",
        lambda z, y: F.cross_entropy(z, y),
    ),
    Row(
        "binary cross-entropy that never overflows",
        "TensorFlow, sigmoid_cross_entropy_with_logits",
        "L = max(z, 0) - z*y + log(1 + exp(-abs(z)))",
        "z",
        lambda z, y: F.relu(z) - z * y + torch.log(1 + torch.exp(-abs(z))),
    ),
    Row(
        "weighted binary cross-entropy",
        "Xie & Tu 2015",
        """
        p = sigmoid(z)
        L = -(beta*y*log(p) + (1 - beta)*(1 - y)*log(1 - p))
        """,
        "z",
        lambda z, y, beta: -(beta * y * F.logsigmoid(z) + (1 - beta) * (1 - y) * F.logsigmoid(-z)),
    ),
    Row(
        "focal loss of one chance",
        "Lin et al. 2017, eq. 5",
        "L = -alpha*(1 - p)**gamma*log(p)",
        "p",
        lambda alpha, p, gamma: -alpha * (1 - p) ** gamma * torch.log(p),
        {"p": (0.2, 0.8)},
    ),
    Row(
        "focal loss of a logit",
        "Lin et al. 2017, appendix",
        """
        p = sigmoid(x)
        L = -(1 - p)**gamma*log(p)
        """,
        "x",
        lambda x, gamma: -((1 - torch.sigmoid(x)) ** gamma) * F.logsigmoid(x),
    ),
    Row(
        "label smoothing",
        "Szegedy et al. 2016, sec. 7",
        """
        z: [K]; y: onehot[K]
        p = softmax(z)
        q = (1 - epsilon)*y + epsilon/K
        L = -sum(q*log(p))
        """,
        "z",
        lambda z, y, epsilon: -(((1 - epsilon) * y + epsilon / len(z)) * F.log_softmax(z, 0)).sum(),
    ),
    Row(
        "soft bootstrapping",
        "Reed et al. 2015",
        """
        z: [K]; t: onehot[K]
        q = softmax(z)
        L = -sum((beta*t + (1 - beta)*q)*log(q))
        """,
        "z q",
        lambda z, t, beta: -((beta * t + (1 - beta) * F.softmax(z, 0)) * F.log_softmax(z, 0)).sum(),
    ),
    Row(
        "generalized cross-entropy",
        "Zhang & Sabuncu 2018, eq. 6",
        """
        z: [C]; y: label[C]
        f = softmax(z)
        L = (1 - f[y]**q)/q
        """,
        "z",
        lambda z, y, q: (1 - F.softmax(z, 0)[y] ** q) / q,
    ),
    Row(
        "PolyLoss",
        "Leng et al. 2022",
        """
        z: [C]; t: label[C]
        p = softmax(z)
        L = -log(p[t]) + epsilon*(1 - p[t])
        """,
        "z",
        lambda z, t, epsilon: F.cross_entropy(z, t) + epsilon * (1 - F.softmax(z, 0)[t]),
    ),
    Row(
        "mean absolute error of chances",
        "Ghosh et al. 2017",
        """
        z: [C]; y: onehot[C]
        p = softmax(z)
        L = sum(abs(y - p))
        """,
        "z",
        lambda z, y: abs(y - F.softmax(z, 0)).sum(),
    ),
    Row(
        "confidence penalty",
        "Pereyra et al. 2017",
        """
        z: [C]; y: label[C]
        p = softmax(z)
        L = -log(p[y]) + beta*sum(p*log(p))
        """,
        "z",
        lambda z, y, beta: F.cross_entropy(z, y) + beta * (F.softmax(z, 0) * F.log_softmax(z, 0)).sum(),
    ),
    Row(
        "distillation",
        "Hinton et al. 2015",
        """
        v: [n]; z: [n]
        p = softmax(v/T)
        q = softmax(z/T)
        C = -T**2*sum(p*log(q))
        """,
        "z",
        lambda v, z, T: -(T**2) * (F.softmax(v / T, 0) * F.log_softmax(z / T, 0)).sum(),
        {"T": (1, 2)},
    ),
    Row(
        "logits with margins",
        "Wang et al. 2018, CosFace",
        """
        c: [C]; y: label[C]
        L = -log(exp(s*(c[y] - m))/(exp(s*(c[y] - m)) + sum(exp(s*c[j]) for j in C if j != y)))
        """,
        "c",
        lambda c, y, s, m: F.cross_entropy(s * (c - m * F.one_hot(y, len(c))), y),
    ),
    Row(
        "adjusted logits",
        "Menon et al. 2021",
        """
        f: [C]; y: label[C]; w: positive[C]
        z = f + tau*log(w)
        L = log(sum(exp(z))) - z[y]
        """,
        "f",
        lambda f, y, w, tau: F.cross_entropy(f + tau * torch.log(w), y),
    ),
    Row(
        "centre loss",
        "Wen et al. 2016, eq. 2",
        """
        x: [N, d]; y: label[N, C]; c: [C, d]
        L = 1/2*sum(sum((x[i, k] - c[y[i], k])**2 for k in d) for i in N)
        """,
        "x c",
        lambda x, y, c: ((x - c[y]) ** 2).sum() / 2,
    ),
    Row(
        "soft dice",
        "Milletari et al. 2016",
        """
        p: [N]; g: [N]
        D = 2*sum(p*g)/(sum(p**2) + sum(g**2))
        """,
        "p",
        lambda p, g: 2 * (p * g).sum() / ((p**2).sum() + (g**2).sum()),
    ),
    Row(
        "dice loss with smoothing",
        "Sudre et al. 2017",
        """
        p: positive[N]; g: [N]
        L = 1 - (2*sum(p*g) + s)/(sum(p) + sum(g) + s)
        """,
        "p",
        lambda p, g, s: 1 - (2 * (p * g).sum() + s) / (p.sum() + g.sum() + s),
        {"g": (0, 1), "s": (0.5, 1)},
    ),
    Row(
        "Tversky loss",
        "Salehi et al. 2017",
        """
        p: positive[N]; g: positive[N]
        T = sum(p*g)
        L = 1 - T/(T + alpha*sum(p*(1 - g)) + beta*sum((1 - p)*g))
        """,
        "p",
        lambda p, g, alpha, beta: 1 - (t := (p * g).sum()) / (t + alpha * (p * (1 - g)).sum() + beta * ((1 - p) * g).sum()),
        {"p": (0.2, 0.8), "g": (0.2, 0.8), "alpha": (0.2, 0.8), "beta": (0.2, 0.8)},
    ),
    Row(
        "Jaccard loss",
        "Rahman & Wang 2016",
        """
        p: positive[N]; g: positive[N]
        J = 1 - sum(p*g)/(sum(p + g - p*g))
        """,
        "p",
        lambda p, g: 1 - (p * g).sum() / (p + g - p * g).sum(),
        {"p": (0.2, 0.8), "g": (0.2, 0.8)},
    ),
    Row(
        "intersection over union of intervals",
        "Yu et al. 2016",
        """
        I = min(b, d) - max(a, c)
        U = (b - a) + (d - c) - I
        L = -log(I/U)
        """,
        "a b",
        lambda a, b, c, d: -torch.log((i := torch.minimum(b, d) - torch.maximum(a, c)) / (b - a + d - c - i)),
        {"a": (0, 0.5), "c": (0, 0.5), "b": (1, 2), "d": (1, 2)},
    ),
    Row(
        "smooth L1 of a box",
        "Girshick 2015",
        """
        t: [n]; v: [n]
        x = t - v
        L = sum(where(abs(x) < 1, 0.5*x**2, abs(x) - 0.5))
        """,
        "t",
        lambda t, v: F.smooth_l1_loss(t, v, reduction="sum"),
    ),
    Row(
        "structural similarity",
        "Wang et al. 2004, eq. 13",
        """
        x: [N]; y: [N]; c: positive; d: positive
        mu = mean(x)
        nu = mean(y)
        v = mean((x - mu)**2)
        w = mean((y - nu)**2)
        s = mean((x - mu)*(y - nu))
        S = (2*mu*nu + c)*(2*s + d)/((mu**2 + nu**2 + c)*(v + w + d))
        """,
        "x",
        lambda x, y, c, d: (
            (2 * x.mean() * y.mean() + c)
            * (2 * ((x - x.mean()) * (y - y.mean())).mean() + d)
            / ((x.mean() ** 2 + y.mean() ** 2 + c) * (x.var(correction=0) + y.var(correction=0) + d))
        ),
    ),
]

PAIRS = [
    Row(
        "contrastive loss",
        "Hadsell et al. 2006, eq. 4",
        """
        x: [d]; z: [d]
        D = sqrt(sum((x - z)**2))
        L = (1 - y)/2*D**2 + y/2*max(0, m - D)**2
        """,
        "x D",
        lambda x, z, y, m: (1 - y) / 2 * ((x - z) ** 2).sum() + y / 2 * F.relu(m - torch.sqrt(((x - z) ** 2).sum())) ** 2,
        {"m": (5, 6)},
    ),
    Row(
        "triplet loss",
        "Schroff et al. 2015, eq. 3",
        """
        a: [d]; p: [d]; n: [d]
        L = max(0, sum((a - p)**2) - sum((a - n)**2) + alpha)
        """,
        "a p n",
        lambda a, p, n, alpha: F.relu(((a - p) ** 2).sum() - ((a - n) ** 2).sum() + alpha),
        {"alpha": (15, 16)},
    ),
    Row(
        "soft triplet loss",
        "Hermans et al. 2017",
        """
        a: [d]; p: [d]; n: [d]
        L = log(1 + exp(sqrt(sum((a - p)**2)) - sqrt(sum((a - n)**2))))
        """,
        "a",
        lambda a, p, n: F.softplus(torch.sqrt(((a - p) ** 2).sum()) - torch.sqrt(((a - n) ** 2).sum())),
    ),
    Row(
        "N-pair loss",
        "Sohn 2016",
        """
        f: [d]; p: [d]; n: [N, d]
        L = log(1 + sum(exp(sum(f[k]*n[i, k] for k in d) - f @ p) for i in N))
        """,
        "f p n",
        lambda f, p, n: torch.log(1 + torch.exp(n @ f - f @ p).sum()),
    ),
    Row(
        "InfoNCE of one query",
        "He et al. 2020, eq. 1",
        """
        q: [d]; K: [N, d]; t: label[N]
        k[i] = K[t, i]
        L = -log(exp(q @ k/tau)/sum(exp(K @ q/tau)))
        """,
        "q K",
        lambda q, K, t, tau: F.cross_entropy(K @ q / tau, t),
    ),
    Row(
        "InfoNCE of a batch",
        "van den Oord et al. 2018",
        """
        X: [N, d]; Y: [N, d]
        S = X @ Y.T/tau
        P = softmax(S)
        L = -mean(log(P[i, i]) for i in N)
        """,
        "X Y S",
        lambda X, Y, tau: F.cross_entropy(X @ Y.T / tau, torch.arange(len(X))),
    ),
    Row(
        "NT-Xent",
        "Chen et al. 2020, eq. 1",
        """
        z: [N, d]; t: label[N, N]
        s[i, j] = sum(z[i, k]*z[j, k] for k in d)/tau
        L = mean(-s[i, t[i]] + log(sum(exp(s[i, j]) for j in N if j != i)) for i in N)
        """,
        "s z",
        lambda z, t, tau: (
            -(s := z @ z.T / tau)[torch.arange(len(z)), t] + torch.logsumexp(s.masked_fill(torch.eye(len(z)) > 0, -torch.inf), 1)
        ).mean(),
    ),
    Row(
        "CLIP",
        "Radford et al. 2021",
        """
        X: [N, d]; Y: [N, d]
        S = exp(t)*X @ Y.T
        P = softmax(S)
        Q = softmax(S.T)
        L = -1/2*mean(log(P[i, i]) + log(Q[i, i]) for i in N)
        """,
        "S X t",
        lambda X, Y, t: (
            (F.cross_entropy(s := torch.exp(t) * X @ Y.T, torch.arange(len(X))) + F.cross_entropy(s.T, torch.arange(len(X)))) / 2
        ),
        {"t": (0.1, 0.2)},
    ),
    Row(
        "SigLIP",
        "Zhai et al. 2023",
        """
        X: [N, d]; Y: [N, d]; Z: [N, N]
        L = -1/N*sum(log(sigmoid(Z*(t*X @ Y.T + b))))
        """,
        "X t b",
        lambda X, Y, Z, t, b: -F.logsigmoid(Z * (t * X @ Y.T + b)).sum() / len(X),
    ),
    Row(
        "Barlow Twins",
        "Zbontar et al. 2021, eq. 1",
        """
        A: [N, d]; B: [N, d]
        C = A.T @ B/N
        L = sum((1 - C[i, i])**2 for i in d) + lam*sum(C[i, j]**2 for i in d for j in d if i != j)
        """,
        "A C",
        lambda A, B, lam: (
            ((1 - torch.diag(c := A.T @ B / len(A))) ** 2).sum() + lam * ((c**2).sum() - (torch.diag(c) ** 2).sum())
        ),
    ),
    Row(
        "SimSiam",
        "Chen & He 2021, eq. 1",
        """
        p: [d]; z: [d]
        D = -sum(p/sqrt(sum(p**2))*z/sqrt(sum(z**2)))
        """,
        "p",
        lambda p, z: -F.cosine_similarity(p, z, dim=0),
    ),
    Row(
        "BYOL",
        "Grill et al. 2020, eq. 2",
        """
        q: [d]; z: [d]
        u = q/sqrt(sum(q**2))
        v = z/sqrt(sum(z**2))
        L = sum((u - v)**2)
        """,
        "q",
        lambda q, z: 2 - 2 * F.cosine_similarity(q, z, dim=0),
    ),
    Row(
        "variance term of VICReg",
        "Bardes et al. 2022, eq. 1",
        """
        Z: [N, d]
        mu[j] = mean(Z[i, j] for i in N)
        v[j] = sum((Z[i, j] - mu[j])**2 for i in N)/(N - 1)
        L = 1/d*sum(max(0, gamma - sqrt(v + epsilon)))
        """,
        "Z",
        lambda Z, gamma, epsilon: F.relu(gamma - torch.sqrt(Z.var(0) + epsilon)).mean(),
        {"gamma": (3, 4), "epsilon": (0.1, 0.2)},
    ),
    Row(
        "covariance term of VICReg",
        "Bardes et al. 2022, eq. 3, 4",
        """
        Z: [N, d]
        mu[j] = mean(Z[i, j] for i in N)
        C[j, k] = 1/(N - 1)*sum((Z[i, j] - mu[j])*(Z[i, k] - mu[k]) for i in N)
        c = 1/d*sum(C[j, k]**2 for j in d for k in d if j != k)
        """,
        "Z C",
        lambda Z: ((c := torch.cov(Z.T)) ** 2).sum() / len(c) - (torch.diag(c) ** 2).sum() / len(c),
    ),
    Row(
        "self-distillation",
        "Caron et al. 2021, DINO",
        """
        s: [K]; t: [K]; c: [K]
        p = softmax((t - c)/r)
        q = softmax(s/u)
        H = -sum(p*log(q))
        """,
        "s",
        lambda s, t, c, r, u: -(F.softmax((t - c) / r, 0) * F.log_softmax(s / u, 0)).sum(),
    ),
    Row(
        "alignment",
        "Wang & Isola 2020",
        """
        X: [N, d]; Y: [N, d]
        L = mean(sum((X[i, k] - Y[i, k])**2 for k in d)**(a/2) for i in N)
        """,
        "X",
        lambda X, Y, a: (((X - Y) ** 2).sum(1) ** (a / 2)).mean(),
        {"a": (1, 3)},
    ),
    Row(
        "uniformity",
        "Wang & Isola 2020",
        """
        X: [N, d]
        L = log(mean(exp(-t*sum((X[i, k] - X[j, k])**2 for k in d)) for i in N for j in N))
        """,
        "X",
        lambda X, t: torch.log(torch.exp(-t * ((X[:, None] - X) ** 2).sum(-1)).mean()),
        {"t": (0.1, 0.3)},
    ),
    Row(
        "supervised contrast",
        "Khosla et al. 2020, eq. 2",
        """
        s: [N]; m: [N]
        L = -1/sum(m)*sum(m[p]*log(exp(s[p])/sum(exp(s[a]) for a in N)) for p in N)
        """,
        "s",
        lambda s, m: -(m * F.log_softmax(s, 0)).sum() / m.sum(),
    ),
    Row(
        "maximum mean discrepancy",
        "Gretton et al. 2012, eq. 3",
        """
        X: [N, d]; Y: [M, d]
        D = (mean(exp(-sum((X[i, k] - X[j, k])**2 for k in d)) for i in N for j in N)
             - 2*mean(exp(-sum((X[i, k] - Y[j, k])**2 for k in d)) for i in N for j in M)
             + mean(exp(-sum((Y[i, k] - Y[j, k])**2 for k in d)) for i in M for j in M))
        """,
        "Y",
        lambda X, Y: sum(
            s * torch.exp(-((a[:, None] - b) ** 2).sum(-1)).mean() for s, a, b in ((1, X, X), (-2, X, Y), (1, Y, Y))
        ),
        {},
        {"M": 4},
    ),
    Row(
        "maximum mean discrepancy of linear kernels",
        "Gretton et al. 2012",
        """
        X: [N, d]; Y: [M, d]
        a[k] = mean(X[i, k] for i in N)
        b[k] = mean(Y[i, k] for i in M)
        D = sum((a - b)**2)
        """,
        "X",
        lambda X, Y: ((X.mean(0) - Y.mean(0)) ** 2).sum(),
        {},
        {"M": 4},
    ),
    Row(
        "correlation alignment",
        "Sun & Saenko 2016",
        """
        A: [N, d]; B: [d, d]
        C = A.T @ A/N
        L = 1/(4*d**2)*sum((C - B)**2)
        """,
        "A",
        lambda A, B: ((A.T @ A / len(A) - B) ** 2).sum() / (4 * len(B) ** 2),
    ),
    Row(
        "prototypical network",
        "Snell et al. 2017, eq. 2",
        """
        x: [d]; c: [K, d]; y: label[K]
        D[k] = sum((x[i] - c[k, i])**2 for i in d)
        p = softmax(-D)
        L = -log(p[y])
        """,
        "x c D",
        lambda x, c, y: F.cross_entropy(-((x - c) ** 2).sum(1), y),
    ),
    Row(
        "matching network",
        "Vinyals et al. 2016",
        """
        q: [d]; S: [N, d]; Y: probability[N, C]; t: label[C]
        a = softmax(S @ q)
        p = Y.T @ a
        L = -log(p[t])
        """,
        "q",
        lambda q, S, Y, t: -torch.log((Y.T @ F.softmax(S @ q, 0))[t]),
    ),
]

WORDS = [
    Row(
        "skip-gram with softmax",
        "Mikolov et al. 2013, eq. 2; CS224n assignment 2",
        """
        v: [d]; U: [V, d]; o: label[V]
        y = softmax(U @ v)
        J = -log(y[o])
        """,
        "v U",
        lambda v, U, o: F.cross_entropy(U @ v, o),
    ),
    Row(
        "skip-gram with its one-hot word",
        "CS224n notes 1",
        """
        v: [d]; U: [V, d]; y: onehot[V]
        p = softmax(U @ v)
        J = -sum(y*log(p))
        """,
        "v U",
        lambda v, U, y: F.cross_entropy(U @ v, y),
    ),
    Row(
        "negative sampling",
        "Mikolov et al. 2013, eq. 4; CS224n assignment 2",
        """
        v: [d]; u: [d]; W: [K, d]
        J = -log(sigmoid(u @ v)) - sum(log(sigmoid(-(W @ v))))
        """,
        "v u W",
        lambda v, u, W: -F.logsigmoid(u @ v) - F.logsigmoid(-(W @ v)).sum(),
    ),
    Row(
        "continuous bag of words",
        "Mikolov et al. 2013; Rong 2014",
        """
        E: [V, d]; c: label[C, V]; U: [V, d]; o: label[V]
        h[k] = 1/C*sum(E[c[i], k] for i in C)
        p = softmax(U @ h)
        L = -log(p[o])
        """,
        "U h E",
        lambda E, c, U, o: F.cross_entropy(U @ E[c].mean(0), o),
        {},
        {"C": 4},
    ),
    Row(
        "GloVe",
        "Pennington et al. 2014, eq. 8",
        """
        w: [V, d]; u: [V, d]; b: [V]; c: [V]; X: positive[V, V]; f: [V, V]
        J = sum(f[i, j]*(sum(w[i, k]*u[j, k] for k in d) + b[i] + c[j] - log(X[i, j]))**2 for i in V for j in V)
        """,
        "w b",
        lambda w, u, b, c, X, f: (f * (w @ u.T + b[:, None] + c - torch.log(X)) ** 2).sum(),
    ),
    Row(
        "GloVe in matrices",
        "Pennington et al. 2014, without biases",
        """
        W: [V, d]; U: [V, d]; F: [V, V]; X: positive[V, V]
        J = sum(F*(W @ U.T - log(X))**2)
        """,
        "W U",
        lambda W, U, F, X: (F * (W @ U.T - torch.log(X)) ** 2).sum(),
    ),
    Row(
        "noise contrastive estimation",
        "Gutmann & Hyvarinen 2010",
        """
        s: [K]; n: [K]; p: label[K]
        a = sigmoid(s - n)
        L = -log(a[p]) - sum(log(1 - a[j]) for j in K if j != p)
        """,
        "s",
        lambda s, n, p: F.binary_cross_entropy_with_logits(s - n, F.one_hot(p, len(s)).double(), reduction="sum"),
    ),
    Row(
        "log-bilinear model",
        "Mnih & Hinton 2007",
        """
        r: [d]; Q: [V, d]; C: [d, d]; b: [V]; w: label[V]
        z = Q @ C @ r + b
        L = -z[w] + log(sum(exp(z)))
        """,
        "C r Q",
        lambda r, Q, C, b, w: F.cross_entropy(Q @ C @ r + b, w),
        {},
        {"d": 3},
    ),
    Row(
        "hierarchical softmax",
        "Morin & Bengio 2005",
        """
        h: [d]; v: [T, d]; s: [T]
        L = -sum(log(sigmoid(s[j]*sum(v[j, k]*h[k] for k in d))) for j in T)
        """,
        "h v",
        lambda h, v, s: -F.logsigmoid(s * (v @ h)).sum(),
    ),
    Row(
        "reward model",
        "Ouyang et al. 2022, eq. 1",
        """
        w: [d]; a: [d]; b: [d]
        r = w @ a
        s = w @ b
        L = -log(sigmoid(r - s))
        """,
        "r w",
        lambda w, a, b: -F.logsigmoid(w @ a - w @ b),
    ),
    Row(
        "DPO",
        "Rafailov et al. 2023, eq. 7",
        """
        h = beta*(p - p0) - beta*(q - q0)
        L = -log(sigmoid(h))
        """,
        "p q beta",
        lambda beta, p, p0, q, q0: -F.logsigmoid(beta * (p - p0) - beta * (q - q0)),
    ),
    Row(
        "DPO with chances",
        "Rafailov et al. 2023, eq. 7",
        """
        p: positive; q: positive; a: positive; b: positive
        L = -log(sigmoid(beta*log(p/a) - beta*log(q/b)))
        """,
        "p q",
        lambda beta, p, q, a, b: -F.logsigmoid(beta * torch.log(p / a) - beta * torch.log(q / b)),
    ),
    Row(
        "IPO",
        "Azar et al. 2024, eq. 17",
        """
        h = (p - p0) - (q - q0)
        L = (h - 1/(2*tau))**2
        """,
        "p tau",
        lambda p, p0, q, q0, tau: (p - p0 - (q - q0) - 1 / (2 * tau)) ** 2,
    ),
    Row(
        "KTO",
        "Ethayarajh et al. 2024",
        """
        r = beta*(p - p0)
        L = 1 - sigmoid(r - z)
        """,
        "p",
        lambda beta, p, p0, z: 1 - torch.sigmoid(beta * (p - p0) - z),
    ),
    Row(
        "SimPO",
        "Meng et al. 2024",
        "L = -log(sigmoid(beta/m*p - beta/n*q - gamma))",
        "p q",
        lambda beta, m, n, p, q, gamma: -F.logsigmoid(beta / m * p - beta / n * q - gamma),
    ),
    Row(
        "Bradley-Terry",
        "Bradley & Terry 1952",
        """
        s: [n]; w: [n, n]
        l = sum(w[i, j]*log(exp(s[i])/(exp(s[i]) + exp(s[j]))) for i in n for j in n if i != j)
        """,
        "s",
        lambda s, w: ((w - torch.diag(torch.diag(w))) * F.logsigmoid(s[:, None] - s)).sum(),
    ),
    Row(
        "Elo",
        "Elo 1978",
        """
        E = 1/(1 + exp(log(10)*(b - a)/400))
        L = -(s*log(E) + (1 - s)*log(1 - E))
        """,
        "a",
        lambda a, b, s: F.binary_cross_entropy_with_logits((a - b) * torch.log(torch.tensor(10.0).double()) / 400, s),
    ),
    Row(
        "Plackett-Luce",
        "Plackett 1975",
        """
        s: [n]
        L = -sum(s[i] - log(sum(exp(s[j]) for j in n if j >= i)) for i in n)
        """,
        "s",
        lambda s: -sum(s[i] - torch.logsumexp(s[i:], 0) for i in range(len(s))),
    ),
    Row(
        "RankNet",
        "Burges et al. 2005",
        """
        o = a - b
        C = -P*o + log(1 + exp(o))
        """,
        "a",
        lambda a, b, P: -P * (a - b) + F.softplus(a - b),
    ),
    Row(
        "ListNet",
        "Cao et al. 2007",
        """
        y: [n]; s: [n]
        p = softmax(y)
        q = softmax(s)
        L = -sum(p*log(q))
        """,
        "s",
        lambda y, s: -(F.softmax(y, 0) * F.log_softmax(s, 0)).sum(),
    ),
    Row(
        "Thurstone",
        "Thurstone 1927",
        "L = -log(normal_cdf((a - b)/(sqrt(2)*s)))",
        "a s",
        lambda a, b, s: -torch.log(torch.special.ndtr((a - b) / (2**0.5 * s))),
    ),
    Row(
        "item response",
        "Birnbaum 1968; Murphy",
        """
        p = c + (1 - c)*sigmoid(a*(theta - b))
        L = -(y*log(p) + (1 - y)*log(1 - p))
        """,
        "theta a c",
        lambda a, b, c, theta, y: (
            -(y * torch.log(p := c + (1 - c) * torch.sigmoid(a * (theta - b))) + (1 - y) * torch.log(1 - p))
        ),
        {"c": (0.1, 0.3)},
    ),
]

GENERATIVE = [
    Row(
        "discriminator of a GAN",
        "Goodfellow et al. 2014, eq. 1",
        """
        a: [N]; b: [N]
        V = mean(log(sigmoid(a))) + mean(log(1 - sigmoid(b)))
        """,
        "a b",
        lambda a, b: F.logsigmoid(a).mean() + F.logsigmoid(-b).mean(),
    ),
    Row(
        "optimal discriminator",
        "Goodfellow et al. 2014, prop. 1",
        "V = p*log(D) + q*log(1 - D)",
        "D",
        lambda p, q, D: p * torch.log(D) + q * torch.log(1 - D),
        {"D": (0.2, 0.8)},
    ),
    Row(
        "generator of a GAN",
        "Goodfellow et al. 2014",
        """
        z: [k]; G: [n, k]; w: [n]
        x = tanh(G @ z)
        J = -log(sigmoid(w @ x))
        """,
        "G x",
        lambda z, G, w: -F.logsigmoid(w @ torch.tanh(G @ z)),
    ),
    Row(
        "least squares GAN",
        "Mao et al. 2017",
        """
        a: [N]; b: [N]
        V = 1/2*mean((a - 1)**2) + 1/2*mean(b**2)
        """,
        "a b",
        lambda a, b: ((a - 1) ** 2).mean() / 2 + (b**2).mean() / 2,
    ),
    Row(
        "hinge GAN",
        "Miyato et al. 2018",
        """
        a: [N]; b: [N]
        L = mean(max(0, 1 - a)) + mean(max(0, 1 + b))
        """,
        "a b",
        lambda a, b: F.relu(1 - a).mean() + F.relu(1 + b).mean(),
    ),
    Row(
        "Wasserstein critic",
        "Arjovsky et al. 2017",
        """
        x: [N, d]; y: [M, d]; w: [d]
        L = mean(sum(w[k]*y[i, k] for k in d) for i in M) - mean(sum(w[k]*x[i, k] for k in d) for i in N)
        """,
        "w y",
        lambda x, y, w: (y @ w).mean() - (x @ w).mean(),
        {},
        {"M": 4},
    ),
    Row(
        "gradient penalty of a linear critic",
        "Gulrajani et al. 2017",
        """
        w: [d]
        P = lam*(sqrt(sum(w**2)) - 1)**2
        """,
        "w",
        lambda w, lam: lam * (torch.sqrt((w**2).sum()) - 1) ** 2,
    ),
    Row(
        "relativistic discriminator",
        "Jolicoeur-Martineau 2019",
        "L = -log(sigmoid(a - b))",
        "a b",
        lambda a, b: -F.logsigmoid(a - b),
    ),
    Row(
        "divergence from the standard normal",
        "Kingma & Welling 2014, eq. 10",
        """
        mu: [J]; s: positive[J]
        K = -1/2*sum(1 + log(s**2) - mu**2 - s**2)
        """,
        "mu s",
        lambda mu, s: -(1 + torch.log(s**2) - mu**2 - s**2).sum() / 2,
        {},
        {"J": 3},
    ),
    Row(
        "the same from log-variances",
        "Kingma & Welling 2014",
        """
        mu: [J]; rho: [J]
        K = -1/2*sum(1 + rho - mu**2 - exp(rho))
        """,
        "mu rho",
        lambda mu, rho: -(1 + rho - mu**2 - torch.exp(rho)).sum() / 2,
        {},
        {"J": 3},
    ),
    Row(
        "variational autoencoder",
        "Kingma & Welling 2014",
        """
        x: [n]; e: [k]; A: [k, n]; B: [k, n]; W: [n, k]
        mu = A @ x
        l = B @ x
        z = mu + exp(l/2)*e
        r = W @ z
        L = 1/2*sum((x - r)**2) - beta/2*sum(1 + l - mu**2 - exp(l))
        """,
        "W A B z mu l",
        lambda x, e, A, B, W, beta: (
            ((x - W @ (A @ x + torch.exp(B @ x / 2) * e)) ** 2).sum() / 2
            - beta / 2 * (1 + B @ x - (A @ x) ** 2 - torch.exp(B @ x)).sum()
        ),
    ),
    Row(
        "Bernoulli decoder",
        "Kingma & Welling 2014, C.1",
        """
        x: [n]; z: [k]; W: [n, k]; b: [n]
        y = sigmoid(W @ z + b)
        l = sum(x*log(y) + (1 - x)*log(1 - y))
        """,
        "W b z",
        lambda x, z, W, b: -F.binary_cross_entropy_with_logits(W @ z + b, x, reduction="sum"),
    ),
    Row(
        "importance weighted bound",
        "Burda et al. 2016, eq. 8",
        """
        w: [K]
        L = log(1/K*sum(exp(w)))
        """,
        "w",
        lambda w: torch.logsumexp(w, 0) - torch.log(torch.tensor(len(w)).double()),
    ),
    Row(
        "commitment of a codebook",
        "van den Oord et al. 2017, eq. 3",
        """
        z: [d]; E: [K, d]
        k = argmax(-sum((z[j] - E[i, j])**2 for j in d) for i in K)
        L = sum((z[j] - E[k, j])**2 for j in d)
        """,
        "z E",
        lambda z, E: ((z - E[((z - E) ** 2).sum(1).argmin()]) ** 2).sum(),
    ),
    Row(
        "noise prediction",
        "Ho et al. 2020, eq. 14",
        """
        x: [n]; e: [n]; W: [n, n]
        xt = sqrt(a)*x + sqrt(1 - a)*e
        L = sum((e - W @ xt)**2)
        """,
        "W",
        lambda x, e, W, a: ((e - W @ (torch.sqrt(a) * x + torch.sqrt(1 - a) * e)) ** 2).sum(),
        {"a": (0.2, 0.8)},
    ),
    Row(
        "a term of the diffusion bound",
        "Ho et al. 2020, eq. 8",
        """
        m: [n]; mu: [n]
        L = 1/(2*s**2)*sum((m - mu)**2)
        """,
        "mu s",
        lambda m, mu, s: ((m - mu) ** 2).sum() / (2 * s**2),
    ),
    Row(
        "flow matching",
        "Lipman et al. 2023",
        """
        x0: [n]; x1: [n]; W: [n, n]; b: [n]
        xt = (1 - t)*x0 + t*x1
        v = W @ xt + b*t
        L = sum((v - (x1 - x0))**2)
        """,
        "W b",
        lambda x0, x1, W, b, t: ((W @ ((1 - t) * x0 + t * x1) + b * t - (x1 - x0)) ** 2).sum(),
    ),
    Row(
        "denoising score matching",
        "Vincent 2011",
        """
        x: [n]; y: [n]; W: [n, n]
        s = W @ y
        J = 1/2*sum((s - (x - y)/sigma**2)**2)
        """,
        "W y",
        lambda x, y, W, sigma: ((W @ y - (x - y) / sigma**2) ** 2).sum() / 2,
    ),
    Row(
        "score matching of a Gaussian",
        "Hyvarinen 2005, sec. 3.1",
        """
        x: [N]
        J = mean(-lam + 1/2*lam**2*(x - mu)**2)
        """,
        "mu lam",
        lambda x, mu, lam: (-lam + lam**2 * (x - mu) ** 2 / 2).mean(),
    ),
    Row(
        "sliced score of a linear model",
        "Song et al. 2020",
        """
        x: [n]; v: [n]; A: [n, n]
        J = v.T @ A @ v + 1/2*(v.T @ A @ x)**2
        """,
        "A",
        lambda x, v, A: v @ A @ v + (v @ A @ x) ** 2 / 2,
    ),
    Row(
        "planar flow",
        "Rezende & Mohamed 2015, eq. 10-12",
        """
        z: [d]; u: [d]; w: [d]
        h = tanh(w @ z + b)
        l = log(abs(1 + (1 - h**2)*(u @ w)))
        """,
        "u w b z",
        lambda z, u, w, b: torch.log(abs(1 + (1 - torch.tanh(w @ z + b) ** 2) * (u @ w))),
    ),
    Row(
        "planar flow, the map",
        "Rezende & Mohamed 2015, eq. 10",
        """
        z: [d]; u: [d]; w: [d]
        f = z + u*tanh(w.T @ z + b)
        """,
        "z u w",
        lambda z, u, w, b: z + u * torch.tanh(w @ z + b),
    ),
    Row(
        "radial flow",
        "Rezende & Mohamed 2015, eq. 14",
        """
        z: [d]; c: [d]; alpha: positive
        r = sqrt(sum((z - c)**2))
        f = z + beta*(z - c)/(alpha + r)
        """,
        "z c beta",
        lambda z, c, alpha, beta: z + beta * (z - c) / (alpha + torch.sqrt(((z - c) ** 2).sum())),
    ),
    Row(
        "affine coupling",
        "Dinh et al. 2017, eq. 8",
        """
        a: [d]; b: [d]; S: [d, d]; T: [d, d]
        s = tanh(S @ a)
        y = b*exp(s) + T @ a
        L = 1/2*sum(y**2) - sum(s)
        """,
        "S T a",
        lambda a, b, S, T: ((b * torch.exp(torch.tanh(S @ a)) + T @ a) ** 2).sum() / 2 - torch.tanh(S @ a).sum(),
    ),
    Row(
        "diagonal affine flow",
        "Papamakarios et al. 2021",
        """
        x: [d]; b: [d]; s: [d]
        z = (x - b)*exp(-s)
        L = sum(1/2*z**2 + 1/2*log(2*pi) + s)
        """,
        "b s",
        lambda x, b, s: (((x - b) * torch.exp(-s)) ** 2 / 2 + s).sum(),
    ),
    Row(
        "volume rendering",
        "Mildenhall et al. 2020, eq. 3",
        """
        s: positive[n]; d: positive[n]; c: [n]
        C = sum(exp(-sum(s[j]*d[j] for j in n if j < i))*(1 - exp(-s[i]*d[i]))*c[i] for i in n)
        """,
        "c s",
        lambda s, d, c: sum(torch.exp(-(s * d)[:i].sum()) * (1 - torch.exp(-s[i] * d[i])) * c[i] for i in range(len(s))),
    ),
]
