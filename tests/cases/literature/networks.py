"""Units, layers, cells, attention and graphs: what a course on deep learning defines.

GBC is Deep Learning (2016) of Goodfellow, Bengio and Courville; CS231n, CS224n and CS224w are courses at Stanford.
"""

from __future__ import annotations

from cases.literature.row import Row
from oracles.extras import functional as F
from oracles.extras import torch

UNITS = [
    Row(
        "Swish with a slope",
        "Ramachandran et al. 2017",
        "y = x*sigmoid(beta*x)",
        "x beta",
        lambda x, beta: x * torch.sigmoid(beta * x),
    ),
    Row("hard Swish", "Howard et al. 2019", "y = x*min(max(0, x + 3), 6)/6", "x", lambda x: x * F.relu6(x + 3) / 6),
    Row(
        "ELU",
        "Clevert et al. 2016",
        "f = where(x > 0, x, alpha*(exp(x) - 1))",
        "x alpha",
        lambda x, alpha: torch.where(x > 0, x, alpha * (torch.exp(x) - 1)),
    ),
    Row(
        "CELU",
        "Barron 2017",
        "f = max(0, x) + min(0, alpha*(exp(x/alpha) - 1))",
        "x",
        lambda x, alpha: F.relu(x) - F.relu(-alpha * (torch.exp(x / alpha) - 1)),
        {"alpha": (0.5, 1.5), "x": (-1, -0.5)},
    ),
    Row("parametric ReLU", "He et al. 2015", "f = max(0, y) + a*min(0, y)", "y a", lambda y, a: F.relu(y) - a * F.relu(-y)),
    Row(
        "softplus with a sharpness",
        "Dugas et al. 2001",
        "f = 1/beta*log(1 + exp(beta*x))",
        "x beta",
        lambda x, beta: torch.log(1 + torch.exp(beta * x)) / beta,
    ),
    Row("squared ReLU", "So et al. 2021", "y = max(0, x)**2", "x", lambda x: F.relu(x) ** 2),
    Row("Snake", "Ziyin et al. 2020", "y = x + 1/a*sin(a*x)**2", "x a", lambda x, a: x + torch.sin(a * x) ** 2 / a),
    Row("tanh by exponentials", "CS229 notes", "y = (exp(x) - exp(-x))/(exp(x) + exp(-x))", "x", lambda x: torch.tanh(x)),
    Row(
        "sigmoid by exponentials",
        "CS231n, backpropagation",
        "f = 1/(1 + exp(-(w0*x0 + w1*x1 + w2)))",
        "w0 x0 w2",
        lambda w0, x0, w1, x1, w2: torch.sigmoid(w0 * x0 + w1 * x1 + w2),
    ),
    Row("scaled tanh", "LeCun et al. 1998", "f = 1.7159*tanh(2/3*x)", "x", lambda x: 1.7159 * torch.tanh(2 / 3 * x)),
    Row("LiSHT", "Roy et al. 2019", "y = x*tanh(x)", "x", lambda x: x * torch.tanh(x)),
    Row(
        "bent identity",
        "a list of activations",
        "f = (sqrt(x**2 + 1) - 1)/2 + x",
        "x",
        lambda x: (torch.sqrt(x**2 + 1) - 1) / 2 + x,
    ),
    Row("Gaussian unit", "a list of activations", "f = exp(-x**2)", "x", lambda x: torch.exp(-(x**2))),
    Row(
        "inverse square root unit",
        "Carlile et al. 2017",
        "f = x/sqrt(1 + alpha*x**2)",
        "x alpha",
        lambda x, alpha: x / torch.sqrt(1 + alpha * x**2),
        {"alpha": (0.5, 1)},
    ),
    Row(
        "soft thresholding",
        "Donoho 1995; Gregor & LeCun 2010",
        "y = where(x > lam, x - lam, where(x < -lam, x + lam, 0))",
        "x lam",
        lambda x, lam: torch.where(x > lam, x - lam, torch.where(x < -lam, x + lam, 0 * x)),
        {"lam": (0.1, 0.2)},
    ),
    Row(
        "maxout",
        "Goodfellow et al. 2013; GBC 6.3",
        """
        x: [d]; W: [m, K, d]; b: [m, K]
        h[i] = max(sum(W[i, k, j]*x[j] for j in d) + b[i, k] for k in K)
        """,
        "W x",
        lambda x, W, b: (W @ x + b).amax(1),
        {},
        {"d": 2, "m": 3},
    ),
    Row(
        "softmax with a temperature",
        "Hinton et al. 2015, eq. 1",
        """
        z: [n]
        q[i] = exp(z[i]/T)/sum(exp(z[j]/T) for j in n)
        """,
        "z T",
        lambda z, T: F.softmax(z / T, 0),
        {"T": (1, 2)},
    ),
    Row(
        "Gumbel softmax",
        "Jang et al. 2017, eq. 2",
        """
        p: positive[k]; g: [k]
        y = softmax((log(p) + g)/tau)
        """,
        "p",
        lambda p, g, tau: F.softmax((torch.log(p) + g) / tau, 0),
        {},
        {"k": 4},
    ),
    Row(
        "squashing of a capsule",
        "Sabour et al. 2017, eq. 1",
        """
        s: [n]
        q = sum(s**2)
        v[i] = q/(1 + q)*s[i]/sqrt(q)
        """,
        "s",
        lambda s: (s**2).sum() / (1 + (s**2).sum()) * s / torch.sqrt((s**2).sum()),
    ),
    Row(
        "unit vector",
        "Salimans & Kingma 2016",
        """
        x: [n]
        y = x/sqrt(sum(x**2))
        """,
        "x",
        lambda x: x / torch.sqrt((x**2).sum()),
    ),
]

LAYERS = [
    Row(
        "network for XOR",
        "GBC 6.1",
        """
        x: [n]; W: [n, m]; c: [m]; w: [m]
        f = w.T @ max(0, W.T @ x + c) + b
        """,
        "W c w",
        lambda x, W, c, w, b: w @ F.relu(W.T @ x + c) + b,
    ),
    Row(
        "two layers and squared error",
        "Rumelhart et al. 1986",
        """
        x: [n]; W: [m, n]; V: [p, m]; t: [p]
        h = sigmoid(W @ x)
        y = sigmoid(V @ h)
        E = 1/2*sum((y - t)**2)
        """,
        "V W",
        lambda x, W, V, t: ((torch.sigmoid(V @ torch.sigmoid(W @ x)) - t) ** 2).sum() / 2,
        {},
        {"p": 2},
    ),
    Row(
        "two layers and cross-entropy",
        "CS224n assignment 2",
        """
        x: [n]; W: [m, n]; b: [m]; U: [C, m]; c: [C]; y: onehot[C]
        h = max(0, W @ x + b)
        p = softmax(U @ h + c)
        J = -sum(y*log(p))
        """,
        "U c W b x",
        lambda x, W, b, U, c, y: -(y * F.log_softmax(U @ F.relu(W @ x + b) + c, 0)).sum(),
    ),
    Row(
        "two-layer classifier of a batch",
        "CS231n assignment 1",
        """
        X: [N, D]; y: label[N, C]; W1: [D, H]; b1: [H]; W2: [H, C]; b2: [C]
        S = max(0, X @ W1 + b1) @ W2 + b2
        P = softmax(S)
        L = -mean(log(P[i, y[i]]) for i in N)
        """,
        "W1 b1 S W2",
        lambda X, y, W1, b1, W2, b2: F.cross_entropy(F.relu(X @ W1 + b1) @ W2 + b2, y),
    ),
    Row(
        "deep linear network",
        "Saxe et al. 2014",
        """
        X: [n, N]; Y: [p, N]; A: [m, n]; B: [k, m]; C: [p, k]
        L = 1/2*sum((Y - C @ B @ A @ X)**2)
        """,
        "A B C",
        lambda X, Y, A, B, C: ((Y - C @ B @ A @ X) ** 2).sum() / 2,
        {},
        {"p": 6},
    ),
    Row(
        "residual block",
        "He et al. 2016",
        """
        x: [n]; A: [m, n]; B: [n, m]
        y = x + B @ max(0, A @ x)
        """,
        "x A B",
        lambda x, A, B: x + B @ F.relu(A @ x),
    ),
    Row(
        "highway layer",
        "Srivastava et al. 2015",
        """
        x: [n]; W: [n, n]; V: [n, n]; b: [n]
        T = sigmoid(V @ x + b)
        y = tanh(W @ x)*T + x*(1 - T)
        """,
        "x W V b",
        lambda x, W, V, b: torch.tanh(W @ x) * torch.sigmoid(V @ x + b) + x * (1 - torch.sigmoid(V @ x + b)),
    ),
    Row(
        "gated linear unit",
        "Dauphin et al. 2017",
        """
        x: [n]; W: [m, n]; V: [m, n]; b: [m]; c: [m]
        h = (W @ x + b)*sigmoid(V @ x + c)
        """,
        "W V x",
        lambda x, W, V, b, c: (W @ x + b) * torch.sigmoid(V @ x + c),
    ),
    Row(
        "GEGLU",
        "Shazeer 2020",
        """
        x: [n]; W: [m, n]; V: [m, n]
        y = gelu(W @ x)*(V @ x)
        """,
        "W V x",
        lambda x, W, V: F.gelu(W @ x) * (V @ x),
    ),
    Row(
        "SwiGLU feed-forward",
        "Shazeer 2020, eq. 6",
        """
        X: [N, d]; W: [d, h]; V: [d, h]; U: [h, d]
        Y = (silu(X @ W)*(X @ V)) @ U
        """,
        "W V U X",
        lambda X, W, V, U: (F.silu(X @ W) * (X @ V)) @ U,
        {},
        {"h": 3},
    ),
    Row(
        "squeeze and excitation",
        "Hu et al. 2018",
        """
        X: [C, N]; A: [r, C]; B: [C, r]
        z[c] = mean(X[c, i] for i in N)
        s = sigmoid(B @ max(0, A @ z))
        Y[c, i] = s[c]*X[c, i]
        """,
        "A B X",
        lambda X, A, B: torch.sigmoid(B @ F.relu(A @ X.mean(1)))[:, None] * X,
    ),
    Row(
        "feature-wise modulation",
        "Perez et al. 2018",
        """
        x: [n]; z: [m]; A: [n, m]; B: [n, m]
        y = (A @ z)*x + B @ z
        """,
        "x z A",
        lambda x, z, A, B: (A @ z) * x + B @ z,
    ),
    Row(
        "low-rank adaptation",
        "Hu et al. 2022",
        """
        x: [n]; W: [m, n]; A: [r, n]; B: [m, r]
        h = W @ x + alpha/r*B @ A @ x
        """,
        "A B x",
        lambda x, W, A, B, alpha: W @ x + alpha / len(A) * B @ A @ x,
    ),
    Row(
        "mixture of expert layers",
        "Shazeer et al. 2017",
        """
        x: [n]; G: [K, n]; E: [K, m, n]
        g = softmax(G @ x)
        y[i] = sum(g[k]*E[k, i, j]*x[j] for k in K for j in n)
        """,
        "G E x",
        lambda x, G, E: F.softmax(G @ x, 0) @ (E @ x),
        {},
        {"m": 2},
    ),
    Row(
        "neural tensor layer",
        "Socher et al. 2013",
        """
        a: [d]; b: [d]; W: [K, d, d]; V: [K, d]; u: [K]
        s[k] = tanh(sum(a[i]*W[k, i, j]*b[j] for i in d for j in d) + sum(V[k, i]*a[i] for i in d))
        g = u @ s
        """,
        "W a u",
        lambda a, b, W, V, u: u @ torch.tanh((W @ b) @ a + V @ a),
    ),
    Row(
        "deep set",
        "Zaheer et al. 2017",
        """
        X: [N, n]; W: [n, m]; w: [m]
        z[j] = sum(tanh(sum(X[i, k]*W[k, j] for k in n)) for i in N)
        y = w @ tanh(z)
        """,
        "W X",
        lambda X, W, w: w @ torch.tanh(torch.tanh(X @ W).sum(0)),
    ),
    Row(
        "weight normalization",
        "Salimans & Kingma 2016, eq. 2",
        """
        x: [n]; v: [n]
        w = g*v/sqrt(sum(v**2))
        y = tanh(w @ x + b)
        """,
        "g v w",
        lambda x, v, g, b: torch.tanh(g * (v @ x) / torch.sqrt((v**2).sum()) + b),
    ),
    Row(
        "batch normalization of one feature",
        "Ioffe & Szegedy 2015, algorithm 1",
        """
        x: [m]
        mu = 1/m*sum(x)
        v = 1/m*sum((x - mu)**2)
        xhat = (x - mu)/sqrt(v + epsilon)
        y = gamma*xhat + beta
        """,
        "x gamma beta xhat v mu",
        lambda x, gamma, beta, epsilon: gamma * (x - x.mean()) / torch.sqrt(((x - x.mean()) ** 2).mean() + epsilon) + beta,
        {"epsilon": (0.1, 0.5)},
    ),
    Row(
        "layer normalization",
        "Ba et al. 2016",
        """
        a: [n]; g: [n]; b: [n]
        mu = mean(a)
        s = sqrt(mean((a - mu)**2))
        h = g/s*(a - mu) + b
        """,
        "a g b",
        lambda a, g, b: g * (a - a.mean()) / torch.sqrt(((a - a.mean()) ** 2).mean()) + b,
    ),
    Row(
        "RMSNorm",
        "Zhang & Sennrich 2019, eq. 4",
        """
        a: [n]; g: [n]
        b = a/sqrt(1/n*sum(a[i]**2 for i in n))*g
        """,
        "a g",
        lambda a, g: a / torch.sqrt((a**2).mean()) * g,
    ),
    Row(
        "instance normalization",
        "Ulyanov et al. 2016",
        """
        X: [C, N]
        mu[c] = mean(X[c, i] for i in N)
        v[c] = mean((X[c, i] - mu[c])**2 for i in N)
        Y[c, i] = (X[c, i] - mu[c])/sqrt(v[c] + epsilon)
        """,
        "X",
        lambda X, epsilon: (
            (X - X.mean(1, keepdim=True)) / torch.sqrt(((X - X.mean(1, keepdim=True)) ** 2).mean(1, keepdim=True) + epsilon)
        ),
        {"epsilon": (0.1, 0.5)},
    ),
    Row(
        "dropout",
        "Srivastava et al. 2014",
        """
        x: [n]; r: [n]; W: [m, n]
        y = W @ (r*x)/p
        """,
        "x W",
        lambda x, r, W, p: W @ (r * x) / p,
    ),
    Row(
        "dilated convolution",
        "van den Oord et al. 2016",
        """
        x: [n + d*(K - 1)]; w: [K]; d: size
        y[i] = sum(w[k]*x[i + d*k] for k in K)
        """,
        "x w",
        lambda x, w, d: F.conv1d(x[None, None], w[None, None], dilation=d)[0, 0],
        {},
        {"d": 2, "n": 3, "K": 4},
    ),
    Row(
        "convolution of many channels",
        "GBC 9.5, eq. 9.7",
        """
        V: [l, m + k - 1, n + q - 1]; K: [p, l, k, q]
        Z[i, j, r] = sum(V[u, j + s, r + t]*K[i, u, s, t] for u in l for s in k for t in q)
        """,
        "K V",
        lambda V, K: F.conv2d(V[None], K)[0],
        {},
        {"l": 2, "m": 5, "n": 4, "k": 3, "q": 6, "p": 10},
    ),
    Row(
        "depthwise convolution",
        "Chollet 2017",
        """
        x: [C, n + K - 1]; w: [C, K]
        y[c, i] = sum(w[c, k]*x[c, i + k] for k in K)
        """,
        "x w",
        lambda x, w: F.conv1d(x[None], w[:, None], groups=len(w))[0],
    ),
    Row(
        "pointwise convolution",
        "Lin et al. 2014",
        """
        x: [C, N]; W: [D, C]
        y[d, i] = sum(W[d, c]*x[c, i] for c in C)
        """,
        "x W",
        lambda x, W: W @ x,
    ),
    Row(
        "global average pooling",
        "Lin et al. 2014",
        """
        X: [C, H, W]
        y[c] = 1/(H*W)*sum(X[c, i, j] for i in H for j in W)
        """,
        "X",
        lambda X: X.mean((1, 2)),
        {},
        {"C": 2, "H": 3, "W": 4},
    ),
    Row(
        "power pooling",
        "Sermanet et al. 2012",
        """
        x: [n]; p: positive
        s = sum(abs(x)**p)
        y = exp(log(s)/p)
        """,
        "x p",
        lambda x, p: (abs(x) ** p).sum() ** (1 / p),
    ),
    Row(
        "total variation",
        "Rudin et al. 1992",
        """
        u: [m, n]
        V = (sum((u[i + 1, j] - u[i, j])**2 for i in m for j in n if i + 1 < m)
             + sum((u[i, j + 1] - u[i, j])**2 for i in m for j in n if j + 1 < n))
        """,
        "u",
        lambda u: ((u[1:] - u[:-1]) ** 2).sum() + ((u[:, 1:] - u[:, :-1]) ** 2).sum(),
    ),
    Row(
        "style loss",
        "Gatys et al. 2016",
        """
        F: [C, N]; A: [C, C]
        G = F @ F.T
        E = 1/(4*C**2*N**2)*sum((G - A)**2)
        """,
        "F G",
        lambda F, A: ((F @ F.T - A) ** 2).sum() / (4 * len(A) ** 2 * F.shape[1] ** 2),
    ),
]

SEQUENCES = [
    Row(
        "Elman network",
        "GBC 10.8-10.11",
        """
        x: [n]; h0: [m]; U: [m, n]; W: [m, m]; b: [m]; V: [C, m]; c: [C]; y: label[C]
        a = b + W @ h0 + U @ x
        h = tanh(a)
        o = c + V @ h
        p = softmax(o)
        L = -log(p[y])
        """,
        "V W U b h0",
        lambda x, h0, U, W, b, V, c, y: F.cross_entropy(c + V @ torch.tanh(b + W @ h0 + U @ x), y),
    ),
    Row(
        "three steps of a scalar recurrence",
        "Pascanu et al. 2013",
        """
        h1 = tanh(w*h0 + u*x1)
        h2 = tanh(w*h1 + u*x2)
        h3 = tanh(w*h2 + u*x3)
        L = 1/2*(h3 - y)**2
        """,
        "w u h1 h2",
        lambda h0, w, u, x1, x2, x3, y: (
            (torch.tanh(w * torch.tanh(w * torch.tanh(w * h0 + u * x1) + u * x2) + u * x3) - y) ** 2 / 2
        ),
    ),
    Row(
        "LSTM without names of gates",
        "Hochreiter & Schmidhuber 1997; CS231n",
        """
        x: [n]; h0: [m]; c0: [m]; Wf: [m, n]; Wi: [m, n]; Wo: [m, n]; Wg: [m, n]; Uf: [m, m]
        f = sigmoid(Wf @ x + Uf @ h0)
        i = sigmoid(Wi @ x)
        o = sigmoid(Wo @ x)
        g = tanh(Wg @ x)
        c = f*c0 + i*g
        h = o*tanh(c)
        """,
        "Wf x c0 h0 c",
        lambda x, h0, c0, Wi, Wf, Wo, Wg, Uf: (
            torch.sigmoid(Wo @ x) * torch.tanh(torch.sigmoid(Wf @ x + Uf @ h0) * c0 + torch.sigmoid(Wi @ x) * torch.tanh(Wg @ x))
        ),
    ),
    Row(
        "gated recurrent unit",
        "Cho et al. 2014",
        """
        x: [n]; h: [m]; W: [m, n]; U: [m, m]; A: [m, n]; B: [m, m]; P: [m, n]; Q: [m, m]
        r = sigmoid(W @ x + U @ h)
        z = sigmoid(A @ x + B @ h)
        c = tanh(P @ x + Q @ (r*h))
        k = z*h + (1 - z)*c
        """,
        "h Q U B",
        lambda x, h, W, U, A, B, P, Q: (
            (z := torch.sigmoid(A @ x + B @ h)) * h + (1 - z) * torch.tanh(P @ x + Q @ (torch.sigmoid(W @ x + U @ h) * h))
        ),
    ),
    Row(
        "minimal gated unit",
        "Zhou et al. 2016",
        """
        x: [m]; h: [m]; W: [m, m]; U: [m, m]
        f = sigmoid(W @ x + U @ h)
        c = tanh(W @ x + U @ (f*h))
        y = (1 - f)*h + f*c
        """,
        "h W",
        lambda x, h, W, U: (1 - (f := torch.sigmoid(W @ x + U @ h))) * h + f * torch.tanh(W @ x + U @ (f * h)),
    ),
    Row(
        "leaky echo state",
        "Jaeger et al. 2007",
        """
        x: [m]; u: [n]; W: [m, m]; V: [m, n]
        y = (1 - a)*x + a*tanh(W @ x + V @ u)
        """,
        "x a",
        lambda x, u, W, V, a: (1 - a) * x + a * torch.tanh(W @ x + V @ u),
    ),
    Row(
        "independent recurrence",
        "Li et al. 2018",
        """
        x: [n]; h: [m]; W: [m, n]; u: [m]; b: [m]
        y = max(0, W @ x + u*h + b)
        """,
        "h u W",
        lambda x, h, W, u, b: F.relu(W @ x + u * h + b),
    ),
    Row(
        "linear state space, two steps",
        "Gu et al. 2022",
        """
        h: [m]; A: [m, m]; B: [m]; C: [m]
        a = A @ h + B*x
        b = A @ a + B*z
        y = C @ b
        """,
        "A B C h",
        lambda h, A, B, C, x, z: C @ (A @ (A @ h + B * x) + B * z),
    ),
    Row(
        "additive attention",
        "Bahdanau et al. 2015",
        """
        s: [m]; H: [T, n]; W: [k, m]; U: [k, n]; v: [k]
        e[j] = sum(v[a]*tanh(sum(W[a, i]*s[i] for i in m) + sum(U[a, i]*H[j, i] for i in n)) for a in k)
        p = softmax(e)
        c = p @ H
        """,
        "v W H s e",
        lambda s, H, W, U, v: F.softmax(torch.tanh(W @ s + H @ U.T) @ v, 0) @ H,
    ),
    Row(
        "multiplicative attention",
        "Luong et al. 2015; CS224n",
        """
        h: [m]; S: [T, n]; W: [m, n]
        e[j] = sum(h[i]*W[i, k]*S[j, k] for i in m for k in n)
        a = softmax(e)
        c = a @ S
        """,
        "h W S",
        lambda h, S, W: F.softmax(S @ (W.T @ h), 0) @ S,
    ),
    Row(
        "attention of one query",
        "CS224n assignment 5",
        """
        q: [d]; K: [n, d]; V: [n, h]
        a = softmax(K @ q)
        c = V.T @ a
        """,
        "q K V",
        lambda q, K, V: V.T @ F.softmax(K @ q, 0),
        {},
        {"d": 4, "h": 2},
    ),
    Row(
        "self-attention with its weights",
        "Vaswani et al. 2017, eq. 1",
        """
        X: [n, m]; A: [m, k]; B: [m, k]; C: [m, k]
        Q = X @ A
        K = X @ B
        V = X @ C
        P = softmax(Q @ K.T/sqrt(k))
        Y = P @ V
        """,
        "A C X Q",
        lambda X, A, B, C: F.softmax((X @ A) @ (X @ B).T / A.shape[1] ** 0.5, 1) @ (X @ C),
    ),
    Row(
        "two heads of attention",
        "Vaswani et al. 2017",
        """
        X: [n, m]; Q: [H, m, k]; K: [H, m, k]; V: [H, m, m]
        s[h, i, j] = sum(X[i, a]*Q[h, a, c]*K[h, b, c]*X[j, b] for a in m for b in m for c in k)
        p = softmax(s)
        Y[i, a] = sum(p[h, i, j]*X[j, b]*V[h, b, a] for h in H for j in n for b in m)
        """,
        "V s Q",
        lambda X, Q, K, V: sum(F.softmax(X @ Q[h] @ (X @ K[h]).T, 1) @ X @ V[h] for h in range(len(Q))),
        {},
        {"H": 5},
    ),
    Row(
        "attention with linear biases",
        "Press et al. 2022",
        """
        Q: [n, d]; K: [n, d]; V: [n, d]
        S[i, j] = sum(Q[i, k]*K[j, k] for k in d)/sqrt(d) - m*(i - j)
        P[i, j] = exp(S[i, j])/sum(exp(S[i, l]) for l in n if l <= i)
        Y[i, k] = sum(P[i, j]*V[j, k] for j in n if j <= i)
        """,
        "Q V m",
        lambda Q, K, V, m: (
            F.softmax(
                (Q @ K.T / Q.shape[1] ** 0.5 - m * (torch.arange(len(Q))[:, None] - torch.arange(len(Q)))).masked_fill(
                    torch.ones(len(Q), len(Q)).triu(1) > 0, -torch.inf
                ),
                1,
            )
            @ V
        ),
    ),
    Row(
        "attention with relative positions",
        "Shaw et al. 2018; Raffel et al. 2020",
        """
        Q: [n, d]; K: [n, d]; b: [2*n - 1]
        S[i, j] = sum(Q[i, k]*K[j, k] for k in d) + b[i - j + n - 1]
        P = softmax(S)
        """,
        "b Q",
        lambda Q, K, b: F.softmax(Q @ K.T + b[torch.arange(len(Q))[:, None] - torch.arange(len(Q)) + len(Q) - 1], 1),
    ),
    Row(
        "rotary position embedding",
        "Su et al. 2021, eq. 34",
        """
        a = x*cos(m*theta) - y*sin(m*theta)
        b = x*sin(m*theta) + y*cos(m*theta)
        c = u*cos(n*theta) - v*sin(n*theta)
        d = u*sin(n*theta) + v*cos(n*theta)
        s = a*c + b*d
        """,
        "x u theta",
        lambda x, y, u, v, m, n, theta: (
            torch.cos((m - n) * theta) * (x * u + y * v) + torch.sin((m - n) * theta) * (x * v - y * u)
        ),
    ),
    Row(
        "linear attention",
        "Katharopoulos et al. 2020",
        """
        Q: positive[n, d]; K: positive[n, d]; V: [n, m]
        Y[i, a] = sum(sum(Q[i, k]*K[j, k] for k in d)*V[j, a] for j in n)/sum(Q[i, k]*K[j, k] for k in d for j in n)
        """,
        "V Q",
        lambda Q, K, V: (Q @ K.T) @ V / (Q @ K.T).sum(1, keepdim=True),
    ),
    Row(
        "key lookup of Hopfield layers",
        "Ramsauer et al. 2021, eq. 3",
        """
        X: [N, d]; xi: [d]
        y = X.T @ softmax(beta*X @ xi)
        """,
        "xi X beta",
        lambda X, xi, beta: X.T @ F.softmax(beta * X @ xi, 0),
    ),
    Row(
        "sequence of words, perplexity",
        "Jurafsky & Martin 3.2",
        """
        p: positive[N]
        L = exp(-1/N*sum(log(p)))
        """,
        "p",
        lambda p: torch.exp(-torch.log(p).mean()),
    ),
    Row(
        "neural language model",
        "Bengio et al. 2003",
        """
        E: [V, d]; s: label[V]; t: label[V]; w: label[V]; A: [h, d]; B: [h, d]; U: [V, h]
        a[k] = E[s, k]
        b[k] = E[t, k]
        z = U @ tanh(A @ a + B @ b)
        p = softmax(z)
        L = -log(p[w])
        """,
        "U A E",
        lambda E, s, t, w, A, B, U: F.cross_entropy(U @ torch.tanh(A @ E[s] + B @ E[t]), w),
        {},
        {"h": 3, "d": 2, "V": 5},
    ),
    Row(
        "word vectors by their sum",
        "Joulin et al. 2017, fastText",
        """
        E: [V, d]; t: label[N, V]; W: [C, d]; y: label[C]
        h[k] = mean(E[t[i], k] for i in N)
        p = softmax(W @ h)
        L = -log(p[y])
        """,
        "E W h",
        lambda E, t, W, y: F.cross_entropy(W @ E[t].mean(0), y),
    ),
    Row(
        "transition-based parser",
        "Chen & Manning 2014; CS224n assignment 3",
        """
        x: [n]; W: [h, n]; b: [h]; U: [C, h]; y: label[C]
        a = (W @ x + b)**3
        p = softmax(U @ a)
        L = -log(p[y]) + lam/2*(sum(W**2) + sum(U**2))
        """,
        "U W b",
        lambda x, W, b, U, y, lam: F.cross_entropy(U @ (W @ x + b) ** 3, y) + lam / 2 * ((W**2).sum() + (U**2).sum()),
    ),
]

GRAPHS = [
    Row(
        "graph convolution",
        "Kipf & Welling 2017, eq. 2",
        """
        A: [N, N]; X: [N, n]; W: [n, m]
        H = max(0, A @ X @ W)
        """,
        "W X",
        lambda A, X, W: F.relu(A @ X @ W),
    ),
    Row(
        "two graph convolutions",
        "Kipf & Welling 2017, eq. 9",
        """
        A: [N, N]; X: [N, n]; W: [n, m]; V: [m, C]; Y: onehot[N, C]
        Z = softmax(A @ max(0, A @ X @ W) @ V)
        L = -sum(Y*log(Z))
        """,
        "V W",
        lambda A, X, W, V, Y: -(Y * F.log_softmax(A @ F.relu(A @ X @ W) @ V, 1)).sum(),
    ),
    Row(
        "graph convolution with degrees",
        "Kipf & Welling 2017, eq. 8",
        """
        A: positive[N, N]; X: [N, n]
        d[i] = sum(A[i, j] for j in N)
        H[i, k] = sum(A[i, j]/sqrt(d[i]*d[j])*X[j, k] for j in N)
        """,
        "X A",
        lambda A, X: (A / torch.sqrt(A.sum(1)[:, None] * A.sum(1))) @ X,
    ),
    Row(
        "graph attention",
        "Velickovic et al. 2018, eq. 3",
        """
        H: [N, n]; W: [m, n]; a: [m]; b: [m]
        Z = H @ W.T
        e[i, j] = leaky_relu(sum(a[k]*Z[i, k] for k in m) + sum(b[k]*Z[j, k] for k in m), 0.2)
        P = softmax(e)
        Y = P @ Z
        """,
        "a Z e",
        lambda H, W, a, b: F.softmax(F.leaky_relu((H @ W.T @ a)[:, None] + H @ W.T @ b, 0.2), 1) @ (H @ W.T),
    ),
    Row(
        "graph isomorphism layer",
        "Xu et al. 2019, eq. 4.1",
        """
        A: [N, N]; H: [N, n]; W: [m, n]
        Z = (1 + epsilon)*H + A @ H
        Y = max(0, Z @ W.T)
        """,
        "epsilon H W",
        lambda A, H, W, epsilon: F.relu(((1 + epsilon) * H + A @ H) @ W.T),
    ),
    Row(
        "mean aggregation",
        "Hamilton et al. 2017, GraphSAGE",
        """
        A: positive[N, N]; H: [N, n]; W: [m, n]; V: [m, n]
        M[v, k] = sum(A[v, u]*H[u, k] for u in N)/sum(A[v, u] for u in N)
        Y = tanh(H @ W.T + M @ V.T)
        """,
        "W V H",
        lambda A, H, W, V: torch.tanh(H @ W.T + (A @ H / A.sum(1, keepdim=True)) @ V.T),
    ),
    Row(
        "personalized propagation",
        "Gasteiger et al. 2019",
        """
        A: [N, N]; H: [N, n]
        Z = (1 - alpha)*A @ H + alpha*H
        Y = (1 - alpha)*A @ Z + alpha*H
        """,
        "H alpha",
        lambda A, H, alpha: (1 - alpha) * A @ ((1 - alpha) * A @ H + alpha * H) + alpha * H,
    ),
    Row(
        "message passing with edges",
        "Gilmer et al. 2017",
        """
        h: [N, n]; A: [N, N]; W: [n, n]; U: [n, n]
        m[v, i] = sum(A[v, w]*W[i, j]*h[w, j] for w in N for j in n)
        y[v, i] = tanh(sum(U[i, j]*h[v, j] for j in n) + m[v, i])
        """,
        "h W U",
        lambda h, A, W, U: torch.tanh(h @ U.T + A @ h @ W.T),
    ),
    Row(
        "link prediction",
        "Kipf & Welling 2016",
        """
        Z: [N, d]; A: [N, N]
        P = sigmoid(Z @ Z.T)
        L = -sum(A*log(P) + (1 - A)*log(1 - P))
        """,
        "Z",
        lambda Z, A: F.binary_cross_entropy_with_logits(Z @ Z.T, A, reduction="sum"),
    ),
    Row(
        "TransE",
        "Bordes et al. 2013",
        """
        h: [k]; r: [k]; t: [k]; u: [k]
        d = sum((h + r - t)**2)
        e = sum((h + r - u)**2)
        L = max(0, gamma + d - e)
        """,
        "h t r",
        lambda h, r, t, u, gamma: F.relu(gamma + ((h + r - t) ** 2).sum() - ((h + r - u) ** 2).sum()),
        {"gamma": (9, 10)},
    ),
    Row(
        "DistMult",
        "Yang et al. 2015",
        """
        h: [k]; r: [k]; t: [k]
        s = sum(h*r*t)
        L = log(1 + exp(-y*s))
        """,
        "h r",
        lambda h, r, t, y: F.softplus(-y * (h * r * t).sum()),
    ),
    Row(
        "RESCAL",
        "Nickel et al. 2011",
        """
        A: [N, k]; R: [k, k]; X: [N, N]
        L = 1/2*sum((X - A @ R @ A.T)**2) + lam/2*(sum(A**2) + sum(R**2))
        """,
        "A R",
        lambda A, R, X, lam: ((X - A @ R @ A.T) ** 2).sum() / 2 + lam / 2 * ((A**2).sum() + (R**2).sum()),
    ),
    Row(
        "ComplEx",
        "Trouillon et al. 2016, eq. 11",
        """
        a: [k]; b: [k]; c: [k]; d: [k]; u: [k]; v: [k]
        s = sum(u*a*c) + sum(u*b*d) + sum(v*a*d) - sum(v*b*c)
        """,
        "a b u",
        lambda a, b, c, d, u, v: (u * a * c + u * b * d + v * a * d - v * b * c).sum(),
    ),
    Row(
        "RotatE",
        "Sun et al. 2019",
        """
        a: [k]; b: [k]; c: [k]; d: [k]; theta: [k]
        D = sum((a*cos(theta) - b*sin(theta) - c)**2 + (a*sin(theta) + b*cos(theta) - d)**2)
        """,
        "theta a",
        lambda a, b, c, d, theta: (
            (a * torch.cos(theta) - b * torch.sin(theta) - c) ** 2 + (a * torch.sin(theta) + b * torch.cos(theta) - d) ** 2
        ).sum(),
    ),
]
