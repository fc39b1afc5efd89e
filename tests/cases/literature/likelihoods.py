"""Densities and the likelihoods of their parameters, mixtures, sequences and random fields.

Bishop is Pattern Recognition and Machine Learning (2006), Murphy Probabilistic Machine Learning: An Introduction (2022), and
Murphy 2 its second volume, Advanced Topics (2023).
"""

from __future__ import annotations

from cases.literature.row import Row
from oracles.extras import functional as F
from oracles.extras import torch

DENSITIES = [
    Row(
        "Bernoulli",
        "Murphy 4.2.3",
        """
        y: [N]
        L = -sum(y*log(theta) + (1 - y)*log(1 - theta))
        """,
        "theta",
        lambda y, theta: -(y * torch.log(theta) + (1 - y) * torch.log(1 - theta)).sum(),
        {"theta": (0.2, 0.8)},
    ),
    Row(
        "binomial",
        "Murphy 4.6.2",
        "l = k*log(theta) + (n - k)*log(1 - theta)",
        "theta",
        lambda k, n, theta: k * torch.log(theta) + (n - k) * torch.log(1 - theta),
        {"theta": (0.2, 0.8)},
    ),
    Row(
        "categorical with counts",
        "Murphy 4.2.4",
        """
        c: [K]; z: [K]
        l = sum(c*log(softmax(z)))
        """,
        "z",
        lambda c, z: (c * F.log_softmax(z, 0)).sum(),
    ),
    Row(
        "multinomial with a multiplier",
        "Bishop 2.31",
        """
        m: [K]; mu: positive[K]
        l = sum(m*log(mu)) + lam*(sum(mu) - 1)
        """,
        "mu lam",
        lambda m, mu, lam: (m * torch.log(mu)).sum() + lam * (mu.sum() - 1),
    ),
    Row(
        "Gaussian sample",
        "Bishop 1.54",
        """
        x: [N]; s: positive
        l = -1/(2*s**2)*sum((x - mu)**2) - N/2*log(s**2) - N/2*log(2*pi)
        """,
        "mu s",
        lambda x, mu, s: torch.distributions.Normal(mu, s).log_prob(x).sum(),
    ),
    Row(
        "Gaussian with its variance",
        "Murphy 4.2.5",
        """
        y: [N]; v: positive
        L = 1/(2*v)*sum((y - mu)**2) + N/2*log(2*pi*v)
        """,
        "mu v",
        lambda y, mu, v: -torch.distributions.Normal(mu, v**0.5).log_prob(y).sum(),
    ),
    Row(
        "Gaussian with a diagonal covariance",
        "GBC 3.9.3; Kingma & Welling 2014",
        """
        x: [d]; mu: [d]; rho: [d]
        L = 1/2*sum(rho + (x - mu)**2/exp(rho) + log(2*pi))
        """,
        "mu rho",
        lambda x, mu, rho: -torch.distributions.Normal(mu, torch.exp(rho / 2)).log_prob(x).sum(),
    ),
    Row(
        "multivariate Gaussian with its precision",
        "Bishop 2.43",
        """
        x: [D]; mu: [D]; P: [D, D]
        E = 1/2*(x - mu).T @ P @ (x - mu)
        """,
        "x mu P",
        lambda x, mu, P: (x - mu) @ P @ (x - mu) / 2,
    ),
    Row(
        "multivariate Gaussian sample",
        "Bishop 2.118",
        """
        X: [N, D]; mu: [D]; P: [D, D]
        E = 1/2*sum((X[n, i] - mu[i])*P[i, j]*(X[n, j] - mu[j]) for n in N for i in D for j in D)
        """,
        "mu P",
        lambda X, mu, P: ((X - mu) @ P * (X - mu)).sum() / 2,
    ),
    Row(
        "Laplace",
        "Murphy 2.7.3",
        """
        x: [N]; b: positive
        L = sum(abs(x - mu)/b + log(2*b))
        """,
        "mu b",
        lambda x, mu, b: -torch.distributions.Laplace(mu, b).log_prob(x).sum(),
    ),
    Row(
        "Student, location and scale",
        "Bishop 2.159",
        """
        nu: positive; s: positive
        L = (nu + 1)/2*log(1 + (x - mu)**2/(nu*s**2)) + log(s)
        """,
        "mu s nu",
        lambda x, mu, s, nu: (nu + 1) / 2 * torch.log(1 + (x - mu) ** 2 / (nu * s**2)) + torch.log(s),
    ),
    Row(
        "Cauchy",
        "Murphy 2.7.2",
        """
        x: [N]; gamma: positive
        L = sum(log(pi*gamma*(1 + ((x - mu)/gamma)**2)))
        """,
        "mu gamma",
        lambda x, mu, gamma: -torch.distributions.Cauchy(mu, gamma).log_prob(x).sum(),
    ),
    Row(
        "Poisson sample",
        "Bishop, exercise 4.6; Murphy 12.3.3",
        """
        X: [N, D]; y: [N]; w: [D]
        mu = exp(X @ w)
        L = sum(mu - y*log(mu))
        """,
        "w",
        lambda X, y, w: F.poisson_nll_loss(X @ w, y, reduction="sum"),
    ),
    Row(
        "negative binomial",
        "Hilbe 2011",
        """
        y: [N]; mu: positive; r: positive
        L = sum((y + r)*log(mu + r) - y*log(mu) - r*log(r))
        """,
        "mu",
        lambda y, mu, r: ((y + r) * torch.log(mu + r) - y * torch.log(mu) - r * torch.log(r)).sum(),
    ),
    Row(
        "negative binomial by its chance",
        "Murphy 2.2",
        "L = -(k*log(p) + r*log(1 - p))",
        "p",
        lambda k, r, p: -(k * torch.log(p) + r * torch.log(1 - p)),
        {"p": (0.2, 0.8)},
    ),
    Row(
        "zero-inflated Poisson",
        "Lambert 1992",
        "l = where(y > 0, log(1 - q) + y*log(lam) - lam, log(q + (1 - q)*exp(-lam)))",
        "q lam",
        lambda y, q, lam: torch.where(
            y > 0, torch.log(1 - q) + y * torch.log(lam) - lam, torch.log(q + (1 - q) * torch.exp(-lam))
        ),
        {"q": (0.2, 0.8), "lam": (1, 2)},
    ),
    Row(
        "exponential",
        "Murphy 2.7.5",
        """
        x: [N]; lam: positive
        l = N*log(lam) - lam*sum(x)
        """,
        "lam",
        lambda x, lam: len(x) * torch.log(lam) - lam * x.sum(),
    ),
    Row(
        "gamma by its rate",
        "Murphy 2.7.5",
        """
        x: positive[N]; a: positive; b: positive
        l = sum(a*log(b) + (a - 1)*log(x) - b*x)
        """,
        "b",
        lambda x, a, b: (a * torch.log(b) + (a - 1) * torch.log(x) - b * x).sum(),
    ),
    Row(
        "gamma regression",
        "McCullagh & Nelder 1989, ch. 8",
        """
        X: [N, D]; y: positive[N]; w: [D]
        eta = X @ w
        L = sum(y*exp(-eta) + eta)
        """,
        "w",
        lambda X, y, w: (y * torch.exp(-(X @ w)) + X @ w).sum(),
    ),
    Row(
        "inverse gamma",
        "Murphy 2.7",
        """
        b: positive; x: positive; a: positive
        L = (a + 1)*log(x) + b/x - a*log(b)
        """,
        "x b",
        lambda x, a, b: (a + 1) * torch.log(x) + b / x - a * torch.log(b),
    ),
    Row(
        "beta kernel",
        "Bishop 2.13",
        "p = x**(a - 1)*(1 - x)**(b - 1)",
        "x a",
        lambda x, a, b: x ** (a - 1) * (1 - x) ** (b - 1),
        {"x": (0.2, 0.8)},
    ),
    Row(
        "log of the beta kernel",
        "Bishop 2.13",
        "l = (a - 1)*log(x) + (b - 1)*log(1 - x)",
        "x",
        lambda x, a, b: (a - 1) * torch.log(x) + (b - 1) * torch.log(1 - x),
        {"x": (0.2, 0.8)},
    ),
    Row(
        "Dirichlet kernel",
        "Bishop 2.38",
        """
        a: [K]; z: [K]
        p = softmax(z)
        l = sum((a - 1)*log(p))
        """,
        "z p",
        lambda a, z: ((a - 1) * F.log_softmax(z, 0)).sum(),
    ),
    Row(
        "Weibull",
        "Lawless 2003",
        """
        t: positive; k: positive; lam: positive
        l = log(k/lam) + (k - 1)*log(t/lam) - (t/lam)**k
        """,
        "k lam",
        lambda t, k, lam: torch.distributions.Weibull(lam, k).log_prob(t),
    ),
    Row(
        "log-normal",
        "Murphy",
        """
        x: positive; s: positive
        L = (log(x) - mu)**2/(2*s**2) + log(x*s*sqrt(2*pi))
        """,
        "mu s x",
        lambda x, mu, s: -torch.distributions.LogNormal(mu, s).log_prob(x),
    ),
    Row(
        "Pareto",
        "Murphy 2.7",
        """
        x: positive[N]; a: positive; m: positive
        l = sum(log(a) + a*log(m) - (a + 1)*log(x))
        """,
        "a m",
        lambda x, a, m: (torch.log(a) + a * torch.log(m) - (a + 1) * torch.log(x)).sum(),
    ),
    Row(
        "Rayleigh",
        "Papoulis",
        """
        x: positive; s: positive
        p = x/s**2*exp(-x**2/(2*s**2))
        """,
        "x s",
        lambda x, s: x / s**2 * torch.exp(-(x**2) / (2 * s**2)),
    ),
    Row(
        "von Mises",
        "Bishop 2.179",
        """
        theta: [N]
        l = m*sum(cos(theta - mu))
        """,
        "mu m",
        lambda theta, mu, m: m * torch.cos(theta - mu).sum(),
    ),
    Row(
        "inverse Gaussian",
        "Chhikara & Folks 1989",
        """
        x: positive; mu: positive; lam: positive
        l = 1/2*log(lam/(2*pi*x**3)) - lam*(x - mu)**2/(2*mu**2*x)
        """,
        "mu lam",
        lambda x, mu, lam: torch.log(lam / (2 * torch.pi * x**3)) / 2 - lam * (x - mu) ** 2 / (2 * mu**2 * x),
    ),
    Row(
        "Gumbel",
        "Gumbel 1958",
        """
        s: positive
        z = (x - mu)/s
        L = z + exp(-z) + log(s)
        """,
        "mu s",
        lambda x, mu, s: -torch.distributions.Gumbel(mu, s).log_prob(x),
    ),
    Row(
        "logistic",
        "Balakrishnan 1991",
        """
        s: positive
        L = (x - mu)/s + log(s) + 2*log(1 + exp(-(x - mu)/s))
        """,
        "mu s",
        lambda x, mu, s: (x - mu) / s + torch.log(s) + 2 * torch.log(1 + torch.exp(-(x - mu) / s)),
    ),
    Row(
        "Cox's partial likelihood",
        "Cox 1972",
        """
        X: [N, D]; b: [D]
        eta = X @ b
        l = sum(eta[i] - log(sum(exp(eta[j]) for j in N if j >= i)) for i in N)
        """,
        "eta b",
        lambda X, b: sum((X @ b)[i] - torch.logsumexp((X @ b)[i:], 0) for i in range(len(X))),
    ),
    Row(
        "proportional odds",
        "McCullagh 1980",
        """
        p = sigmoid(b - eta) - sigmoid(a - eta)
        L = -log(p)
        """,
        "eta b",
        lambda a, b, eta: -torch.log(torch.sigmoid(b - eta) - torch.sigmoid(a - eta)),
        {"a": (-1, 0), "b": (1, 2)},
    ),
    Row(
        "divergence of Gaussians",
        "Murphy 2.7, KL",
        """
        s: positive; r: positive
        D = log(r/s) + (s**2 + (mu - nu)**2)/(2*r**2) - 1/2
        """,
        "mu s nu r",
        lambda mu, s, nu, r: torch.log(r / s) + (s**2 + (mu - nu) ** 2) / (2 * r**2) - 0.5,
    ),
    Row(
        "divergence of distributions",
        "Bishop 1.113",
        """
        z: [K]; u: [K]
        p = softmax(z)
        q = softmax(u)
        D = sum(p*log(p/q))
        """,
        "z u",
        lambda z, u: F.kl_div(F.log_softmax(u, 0), F.softmax(z, 0), reduction="sum"),
    ),
    Row(
        "Jensen-Shannon divergence",
        "Lin 1991",
        """
        p: positive[K]; q: positive[K]
        m = (p + q)/2
        J = 1/2*sum(p*log(p/m)) + 1/2*sum(q*log(q/m))
        """,
        "p",
        lambda p, q: ((p * torch.log(2 * p / (p + q))).sum() + (q * torch.log(2 * q / (p + q))).sum()) / 2,
    ),
    Row(
        "Hellinger distance",
        "Murphy 2.7",
        """
        p: positive[K]; q: positive[K]
        h = 1/2*sum((sqrt(p) - sqrt(q))**2)
        """,
        "p",
        lambda p, q: ((p**0.5 - q**0.5) ** 2).sum() / 2,
    ),
    Row(
        "Bhattacharyya coefficient",
        "Bhattacharyya 1943",
        """
        p: positive[K]; q: positive[K]
        B = -log(sum(sqrt(p*q)))
        """,
        "p",
        lambda p, q: -torch.log(torch.sqrt(p * q).sum()),
    ),
    Row(
        "Renyi entropy",
        "Renyi 1961",
        """
        p: positive[K]
        H = 1/(1 - a)*log(sum(p**a))
        """,
        "p",
        lambda p, a: 1 / (1 - a) * torch.log((p**a).sum()),
    ),
    Row(
        "mutual information",
        "Murphy 6.3",
        """
        P: positive[m, n]
        a[i] = sum(P[i, j] for j in n)
        b[j] = sum(P[i, j] for i in m)
        I = sum(P[i, j]*log(P[i, j]/(a[i]*b[j])) for i in m for j in n)
        """,
        "P",
        lambda P: (P * torch.log(P / (P.sum(1, keepdim=True) * P.sum(0)))).sum(),
    ),
]

MIXTURES = [
    Row(
        "mixture of Gaussians",
        "Bishop 9.14, in one dimension",
        """
        x: [N]; w: probability[K]; mu: [K]; s: positive[K]
        l = sum(log(sum(w[k]*exp(-(x[n] - mu[k])**2/(2*s[k]**2))/(sqrt(2*pi)*s[k]) for k in K)) for n in N)
        """,
        "mu s",
        lambda x, w, mu, s: mixture(x, w, mu, s),
    ),
    Row(
        "mixture of Gaussians, with logits",
        "Murphy 8.7.2",
        """
        x: [N]; z: [K]; mu: [K]; s: positive[K]
        w = softmax(z)
        p[n, k] = exp(-(x[n] - mu[k])**2/(2*s[k]**2))/s[k]
        l = sum(log(sum(w[k]*p[n, k] for k in K)) for n in N)
        """,
        "z mu s",
        lambda x, z, mu, s: mixture(x, F.softmax(z, 0), mu, s),
    ),
    Row(
        "mixture of Gaussians of one variance",
        "Bishop 9.3.2",
        """
        x: [D]; w: probability[K]; mu: [K, D]
        l = log(sum(w[k]*exp(-sum((x[i] - mu[k, i])**2 for i in D)/(2*s**2)) for k in K))
        """,
        "mu x",
        lambda x, w, mu, s: torch.log((w * torch.exp(-((x - mu) ** 2).sum(1) / (2 * s**2))).sum()),
    ),
    Row(
        "expected log-likelihood of a mixture",
        "Bishop 9.40",
        """
        x: [N]; r: [N, K]; w: positive[K]; mu: [K]; s: positive[K]
        Q = sum(r[n, k]*(log(w[k]) - log(s[k]) - (x[n] - mu[k])**2/(2*s[k]**2)) for n in N for k in K)
        """,
        "mu s w",
        lambda x, r, w, mu, s: (r * (torch.log(w) - torch.log(s) - (x[:, None] - mu) ** 2 / (2 * s**2))).sum(),
    ),
    Row(
        "mixture of Bernoullis",
        "Bishop 9.51",
        """
        x: [D]; w: probability[K]; mu: [K, D]
        l = log(sum(w[k]*prod(mu[k, i]**x[i]*(1 - mu[k, i])**(1 - x[i]) for i in D) for k in K))
        """,
        "mu",
        lambda x, w, mu: torch.log((w * torch.prod(mu**x * (1 - mu) ** (1 - x), 1)).sum()),
        {"mu": (0.2, 0.8), "x": (0.2, 0.8)},
    ),
    Row(
        "mixture density network",
        "Bishop 1994; Bishop 5.150",
        """
        h: [m]; A: [K, m]; B: [K, m]; C: [K, m]
        w = softmax(A @ h)
        mu = B @ h
        s = exp(C @ h)
        L = -log(sum(w[k]*exp(-(t - mu[k])**2/(2*s[k]**2))/s[k] for k in K))
        """,
        "A B C",
        lambda h, A, B, C, t: (
            -torch.log(
                (F.softmax(A @ h, 0) * torch.exp(-((t - B @ h) ** 2) / (2 * torch.exp(C @ h) ** 2)) / torch.exp(C @ h)).sum()
            )
        ),
        {},
        {"m": 3},
    ),
    Row(
        "mixture of experts",
        "Jacobs et al. 1991, eq. 1.3",
        """
        x: [n]; d: [m]; G: [K, n]; W: [K, m, n]
        p = softmax(G @ x)
        o[k, i] = sum(W[k, i, j]*x[j] for j in n)
        E = -log(sum(p[k]*exp(-1/2*sum((d[i] - o[k, i])**2 for i in m)) for k in K))
        """,
        "G W",
        lambda x, d, G, W: -torch.log((F.softmax(G @ x, 0) * torch.exp(-((d - W @ x) ** 2).sum(1) / 2)).sum()),
        {},
        {"m": 2},
    ),
    Row(
        "Gaussian evidence of two sources",
        "Murphy 2, ch. 8",
        """
        m = (a*y + b*z)/(a + b)
        E = a/2*(y - x)**2 + b/2*(z - x)**2
        """,
        "x",
        lambda a, b, x, y, z: a / 2 * (y - x) ** 2 + b / 2 * (z - x) ** 2,
    ),
    Row(
        "Kalman gain and update",
        "Kalman 1960; Murphy 2, 8.2",
        """
        K = P/(P + R)
        m = mu + K*(y - mu)
        V = (1 - K)*P
        L = (y - m)**2 + V
        """,
        "P mu",
        lambda P, R, mu, y: (y - (mu + P / (P + R) * (y - mu))) ** 2 + (1 - P / (P + R)) * P,
        {"P": (1, 2), "R": (1, 2)},
    ),
    Row(
        "innovation likelihood",
        "Murphy 2, 8.2",
        """
        x: [n]; H: [m, n]; y: [m]; s: positive[m]
        e = y - H @ x
        L = 1/2*sum(e**2/s + log(s))
        """,
        "x H s",
        lambda x, H, y, s: ((y - H @ x) ** 2 / s + torch.log(s)).sum() / 2,
    ),
    Row(
        "state space prediction",
        "Murphy 2, 29.6",
        """
        x: [T, n]; A: [n, n]
        E = 1/2*sum((x[t + 1, i] - sum(A[i, j]*x[t, j] for j in n))**2 for t in T for i in n if t + 1 < T)
        """,
        "A",
        lambda x, A: ((x[1:] - x[:-1] @ A.T) ** 2).sum() / 2,
    ),
    Row(
        "autoregression",
        "Box & Jenkins 1970",
        """
        x: [T + p]; a: [p]
        E = sum((x[t + p] - sum(a[k]*x[t + p - k - 1] for k in p))**2 for t in T)
        """,
        "a",
        lambda x, a: sum((x[t] - sum(a[k] * x[t - k - 1] for k in range(len(a)))) ** 2 for t in range(len(a), len(x))),
    ),
    Row(
        "score of a tag sequence",
        "Lafferty et al. 2001",
        """
        y: label[T, K]; E: [T, K]; A: [K, K]
        s = sum(E[t, y[t]] for t in T) + sum(A[y[t], y[t + 1]] for t in T if t + 1 < T)
        """,
        "E A",
        lambda y, E, A: sum(E[t, y[t]] for t in range(len(y))) + sum(A[y[t], y[t + 1]] for t in range(len(y) - 1)),
    ),
    Row(
        "partition function of a chain of three",
        "Lafferty et al. 2001; Murphy 2, 4.4",
        """
        u: [K]; v: [K]; w: [K]; A: [K, K]
        Z = log(sum(exp(u[i] + A[i, j] + v[j] + A[j, k] + w[k]) for i in K for j in K for k in K))
        """,
        "u A",
        lambda u, v, w, A: torch.logsumexp((u[:, None, None] + A[:, :, None] + v[:, None] + A + w).flatten(), 0),
    ),
    Row(
        "forward algorithm, a step",
        "Rabiner 1989; Murphy 2, 9.2",
        """
        a: positive[K]; A: positive[K, K]; b: positive[K]
        c[j] = b[j]*sum(a[i]*A[i, j] for i in K)
        l = log(sum(c))
        """,
        "A b a",
        lambda a, A, b: torch.log((b * (a @ A)).sum()),
    ),
    Row(
        "Ising energy",
        "Murphy 2, 4.3.2",
        """
        s: [N]; J: [N, N]; h: [N]
        E = -sum(J[i, j]*s[i]*s[j] for i in N for j in N if i < j) - sum(h*s)
        """,
        "s J h",
        lambda s, J, h: -(torch.triu(J, 1) * torch.outer(s, s)).sum() - h @ s,
    ),
    Row(
        "pseudo-likelihood of an Ising model",
        "Besag 1975",
        """
        s: [N]; J: [N, N]; h: [N]
        l = sum(log(sigmoid(2*s[i]*(h[i] + sum(J[i, j]*s[j] for j in N if j != i)))) for i in N)
        """,
        "h J",
        lambda s, J, h: F.logsigmoid(2 * s * (h + (J - torch.diag(torch.diag(J))) @ s)).sum(),
    ),
    Row(
        "energy of a Hopfield network",
        "Hopfield 1982",
        """
        s: [N]; W: [N, N]; theta: [N]
        E = -1/2*s.T @ W @ s + theta.T @ s
        """,
        "s W theta",
        lambda s, W, theta: -(s @ W @ s) / 2 + theta @ s,
    ),
    Row(
        "energy of a restricted Boltzmann machine",
        "GBC 20.5",
        """
        v: [n]; h: [m]; W: [n, m]; b: [n]; c: [m]
        E = -b.T @ v - c.T @ h - v.T @ W @ h
        """,
        "v W b",
        lambda v, h, W, b, c: -(b @ v) - c @ h - v @ W @ h,
    ),
    Row(
        "free energy of a restricted Boltzmann machine",
        "Hinton 2010, eq. 24; CSC321",
        """
        v: [n]; W: [m, n]; b: [n]; c: [m]
        F = -b.T @ v - sum(log(1 + exp(c + W @ v)))
        """,
        "v W b c",
        lambda v, W, b, c: -(b @ v) - F.softplus(c + W @ v).sum(),
    ),
    Row(
        "energy of modern Hopfield networks",
        "Ramsauer et al. 2021, eq. 2",
        """
        X: [N, d]; xi: [d]
        E = -1/beta*log(sum(exp(beta*(X @ xi)))) + 1/2*xi.T @ xi
        """,
        "xi X",
        lambda X, xi, beta: -torch.logsumexp(beta * (X @ xi), 0) / beta + xi @ xi / 2,
    ),
    Row(
        "evidence lower bound of two terms",
        "Bishop 10.3",
        """
        q: positive[K]; f: [K]
        L = sum(q*f) - sum(q*log(q))
        """,
        "q",
        lambda q, f: (q * f).sum() - (q * torch.log(q)).sum(),
    ),
    Row(
        "mean field of a binary unit",
        "MacKay 2003, ch. 33; Bishop 10.1",
        """
        m: [N]; J: [N, N]
        F = -1/2*m.T @ J @ m + sum((1 + m)/2*log((1 + m)/2) + (1 - m)/2*log((1 - m)/2))
        """,
        "m",
        lambda m, J: -(m @ J @ m) / 2 + ((1 + m) / 2 * torch.log((1 + m) / 2) + (1 - m) / 2 * torch.log((1 - m) / 2)).sum(),
        {"m": (-0.8, 0.8)},
    ),
]


def mixture(x, w, mu, s):
    """The log-likelihood without the constants √(2π)."""
    return torch.log((w * torch.exp(-((x[:, None] - mu) ** 2) / (2 * s**2)) / s).sum(1)).sum()
