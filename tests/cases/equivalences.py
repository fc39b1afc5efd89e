r"""Pairs of formulas as students write them, right and wrong, over some definitions: (definitions, first, second, verdict).

The verdicts are what mathematics says; "undecided" stands where two formulas are equal wherever both have a value and algebra
cannot say so, or where they differ at a tie alone.
"""

from __future__ import annotations

NUMBERS = "x: real; y: real; a: real; b: real; w: real; s: positive; f = x*y + a*b + w*s"
LOGITS = "z: [C]; t: label[C]; p = softmax(z); L = -log(p[t])"
ONE_HOT = "z: [C]; y: onehot[C]; p = softmax(z); L = -sum(y*log(p))"
LAYER = "W: [m, n]; x: [n]; b: [m]; y: [m]; a = W @ x + b; L = sum((a - y)**2)"
NORM = "x: [n]; eps: positive; mu = mean(x); v = mean((x - mu)**2); x_hat = (x - mu)/sqrt(v + eps); L = sum(x_hat**3)"
MARGIN = "s: [C]; t: label[C]; L = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)"
BATCH = "X: [N, d]; w: [d]; y: [N]; yhat = X @ w; L = mean((yhat - y)**2)"
LOGISTIC = "x: [d]; w: [d]; b: real; y: real; z = sum(w*x) + b; p = sigmoid(z); L = -y*log(p) - (1 - y)*log(1 - p)"

PROVED = [
    (NUMBERS, r"\log(e^a + e^b) - a", r"\log(1 + e^{b-a})"),
    (NUMBERS, r"-\log \sigma(x)", "softplus(-x)"),
    (NUMBERS, r"\max(0, 1 - yx)", r"\frac{1 - yx + |1 - yx|}{2}"),
    (NUMBERS, r"\sqrt{x^2}", "|x|"),
    (NUMBERS, r"\sigma(x)(1 - \sigma(x))", r"\frac{e^x}{(1 + e^x)^2}"),
    (NUMBERS, r"\sigma(x)(1 - \sigma(x))", r"\frac{e^{-x}}{(1 + e^{-x})^2}"),
    (NUMBERS, r"2\sigma(2x) - 1", r"\tanh x"),
    (NUMBERS, r"\tanh x", r"\frac{e^x - e^{-x}}{e^x + e^{-x}}"),
    (NUMBERS, r"1 - \tanh^2 x", r"\frac{4}{(e^x + e^{-x})^2}"),
    (NUMBERS, r"\tanh'(x)", r"(1 - \tanh x)(1 + \tanh x)"),
    (NUMBERS, r"\sigma(-x)", r"1 - \sigma(x)"),
    (NUMBERS, "softplus(x) - softplus(-x)", "x"),
    (NUMBERS, r"\max(a, b)", r"\frac{a + b}{2} + \frac{|a - b|}{2}"),
    (NUMBERS, r"\max(a, b) + \min(a, b)", "a + b"),
    (NUMBERS, r"\max(0, x) - \max(0, -x)", "x"),
    (NUMBERS, r"x \, \mathbb{1}[x > 0]", r"\max(0, x)"),
    (NUMBERS, r"\max(0, \min(1, x))", r"\min(1, \max(0, x))"),
    (NUMBERS, r"|x| |y|", r"|xy|"),
    (NUMBERS, "(a + b)^2", "a^2 + 2ab + b^2"),
    (NUMBERS, r"\frac{1}{a} + \frac{1}{b}", r"\frac{a + b}{ab}"),
    (NUMBERS, r"\sin^2 x + \cos^2 x", "1"),
    (NUMBERS, r"\log(x^2)", r"2 \log |x|"),
    (NUMBERS, r"e^{a + b}", r"e^a e^b"),
    (NUMBERS, r"\log(s x^2 + s)", r"\log s + \log(1 + x^2)"),
    (NUMBERS, r"\sqrt{s}\sqrt{s}", "s"),
    (NUMBERS, r"\frac{x}{\sqrt{s}}", r"\frac{x \sqrt{s}}{s}"),
    (NUMBERS, r"\begin{cases} 1 & x > 0 \\ 0 & \text{otherwise} \end{cases}", "where(x > 0, 1, 0)"),
    (NUMBERS, "exp(-x*y)/(1 + exp(-x*y))", r"\frac{1}{1 + e^{xy}}"),
    (LOGITS, r"p_i - \delta_{it}", "where(i == t, p[i] - 1, p[i])"),
    (LOGITS, r"\frac{\partial L}{\partial z_i}", r"p_i - \mathbb{1}\{i = t\}"),
    (LOGITS, r"\frac{\partial L}{\partial z_i}",
     r"\begin{cases} p_i - 1 & \text{if } i = t \\ p_i & \text{if } i \ne t \end{cases}"),
    (LOGITS, r"\sum_j p_j", "1"),
    (LOGITS, r"\sum_{j \neq t} p_j", "1 - p_t"),
    (LOGITS, r"-\log p_t", r"\log \sum_{j=1}^{C} e^{z_j} - z_t"),
    (LOGITS, r"\frac{\partial p_i}{\partial z_j}", r"p_i (\delta_{ij} - p_j)"),
    (LOGITS, r"\frac{\partial p}{\partial z}", r"\operatorname{diag}(p) - p p^\top"),
    (LOGITS, r"\log \sum_j e^{z_j}", r"\max_k z_k + \log \sum_j e^{z_j - \max_k z_k}"),
    (LOGITS, r"\frac{e^{z_i}}{\sum_k e^{z_k}}", r"\frac{e^{z_i - z_t}}{\sum_k e^{z_k - z_t}}"),
    (LOGITS, r"\sum_i p_i (1 - p_i)", r"1 - \sum_j p_j^2"),
    (LOGITS, r"\sum_k (z_k - 1)^2", r"\sum_j z_j^2 - 2 \sum_j z_j + C"),
    (LOGITS, r"\sum_j z_j", r"z_t + \sum_{j \ne t} z_j"),
    (LOGITS, "L", r"\mathrm{LSE}(z) - z_t"),
    (ONE_HOT, r"\nabla_z L", "p - y"),
    (ONE_HOT, r"\frac{\partial L}{\partial z_i}", r"\mathrm{softmax}(z)_i - y_i"),
    (ONE_HOT, r"-\sum_i y_i \log p_i", r"\log\sum_j e^{z_j} - \sum_j y_j z_j"),
    (ONE_HOT, r"\frac{\partial L}{\partial p_i}", r"-\frac{y_i}{p_i}"),
    (LAYER, r"\frac{\partial L}{\partial W_{ij}}", r"2 (a_i - y_i) x_j"),
    (LAYER, r"\nabla_W L", r"2 (a - y) x^\top"),
    (LAYER, r"\nabla_x L", r"2 W^\top (a - y)"),
    (LAYER, r"\nabla_b L", "2 (Wx + b - y)"),
    (LAYER, "L", r"\|W x + b - y\|^2"),
    (LAYER, "L", r"(a - y)^\top (a - y)"),
    (LAYER, r"\frac{\partial a_k}{\partial W_{ij}}", r"\delta_{ik} x_j"),
    (LAYER, "W @ x + b", r"\sum_k W_{ik} x_k + b_i"),
    (NORM, r"\sum_i \hat{x}_i", "0"),
    (NORM, "v", r"\frac{1}{n} \sum_j x_j^2 - \mu^2"),
    (NORM, r"\frac{\partial v}{\partial x_i}", r"\frac{2}{n} (x_i - \mu)"),
    (NORM, r"\frac{\partial \mu}{\partial x_i}", r"\frac1n"),
    (NORM, r"\frac{\partial \hat{x}_i}{\partial x_j}",
     r"\frac{1}{\sqrt{v + \epsilon}} \left( \delta_{ij} - \frac{1}{n} - \frac{\hat{x}_i \hat{x}_j}{n} \right)"),
    (MARGIN, "L", r"\sum_{j \ne t} \max(0, 1 - (s_t - s_j))"),
    (MARGIN, r"\frac{\partial L}{\partial s_i}",
     r"\mathbb{1}[i \ne t] \mathbb{1}[s_i - s_t + 1 > 0] - \delta_{it} \sum_{j \ne t} \mathbb{1}[s_j - s_t + 1 > 0]"),
    (BATCH, r"\nabla_w L", r"\frac{2}{N} X^\top (X w - y)"),
    (BATCH, r"\frac{\partial L}{\partial w_j}", r"\frac{2}{N} \sum_{n} (\hat{y}_n - y_n) X_{nj}"),
    (LOGISTIC, r"\frac{\partial L}{\partial z}", "p - y"),
    (LOGISTIC, r"\frac{\partial L}{\partial w_j}", r"(\sigma(w^\top x + b) - y) x_j"),
    (LOGISTIC, "L", r"\log(1 + e^z) - yz"),
    (LOGISTIC, "L", r"y\,\mathrm{softplus}(-z) + (1 - y)\,\mathrm{softplus}(z)"),
]  # fmt: skip

REFUTED = [
    (NUMBERS, r"\log(e^a + e^b) - a", r"\log(1 + e^{a-b})"),
    (NUMBERS, r"-\log \sigma(x)", "softplus(x)"),
    (NUMBERS, r"\max(0, 1 - yx)", r"\frac{1 - yx - |1 - yx|}{2}"),
    (NUMBERS, r"\sqrt{x^2}", "x"),
    (NUMBERS, r"\sigma'(x)", r"\sigma(x)(1 + \sigma(x))"),
    (NUMBERS, r"2\sigma(x) - 1", r"\tanh x"),
    (NUMBERS, r"\tanh'(x)", r"1 - \tanh x"),
    (NUMBERS, "(a + b)^2", "a^2 + b^2"),
    (NUMBERS, r"\log(a^2 + b^2)", r"2 \log(|a| + |b|)"),
    (NUMBERS, r"e^{ab}", r"e^a e^b"),
    (NUMBERS, r"\max(0, \min(1, x))", r"\max(0, x)"),
    (NUMBERS, r"\mathbb{1}[x > 0]", r"\mathbb{1}[x > 20]"),
    (NUMBERS, "x", "where(x > 30, 0, x)"),
    (LOGITS, r"\frac{\partial L}{\partial z_i}", r"\delta_{it} - p_i"),
    (LOGITS, r"\frac{\partial L}{\partial z_i}", "p_i - 1"),
    (LOGITS, r"\frac{\partial p_i}{\partial z_j}", "p_i (1 - p_j)"),
    (LOGITS, r"\frac{\partial p_i}{\partial z_j}", r"p_j (\delta_{ij} - p_j)"),
    (LOGITS, r"\sum_k (z_k - 1)^2", r"\sum_j z_j^2 - 2 \sum_j z_j + 1"),
    (LOGITS, r"\sum_{j \ne t} p_j", "1"),
    (LOGITS, r"\sum_j z_j^2", r"\left(\sum_j z_j\right)^2"),
    (ONE_HOT, r"\nabla_z L", "y - p"),
    (ONE_HOT, r"\frac{\partial L}{\partial p_i}", r"-\frac{1}{p_i}"),
    (LAYER, r"\frac{\partial L}{\partial W_{ij}}", "(a_i - y_i) x_j"),
    (LAYER, r"\frac{\partial L}{\partial W_{ij}}", "2 (a_j - y_j) x_i"),
    (LAYER, r"\nabla_W L", r"2 x (a - y)^\top"),
    (LAYER, r"\nabla_x L", r"2 W (a - y)"),
    (NORM, r"\frac{\partial v}{\partial x_i}", r"2 (x_i - \mu)"),
    (NORM, r"\frac{\partial \hat{x}_i}{\partial x_j}", r"\frac{1}{\sqrt{v + \epsilon}} \left( \delta_{ij} - \frac{1}{n} \right)"),
    (MARGIN, r"\frac{\partial L}{\partial s_i}", r"\mathbb{1}[s_i - s_t + 1 > 0]"),
    (BATCH, r"\nabla_w L", r"2 X^\top (X w - y)"),
    (LOGISTIC, r"\frac{\partial L}{\partial z}", r"(p - y) p (1 - p)"),
    (LOGISTIC, r"\frac{\partial L}{\partial w_j}", r"(y - p) x_j"),
]

UNDECIDED = [
    (NUMBERS, r"\log(x^2)", r"2 \log x"),
    (NUMBERS, r"\mathbb{1}[x > 0]", r"\mathbb{1}[x \ge 0]"),
    (NUMBERS, r"\log(-s)", r"\log(-s) + 1"),
]

AXIS = "x: [n]; L = sum(x)"
OUTER = "W: [m, n]; g: [m]; x: [n]; L = sum(g*(W @ x))"

# Where a base of indices, bars, constants or the order of letters was once read wrongly.
PROVED += [
    (AXIS, r"\sum_i i\,x_i", r"\sum_i i\,x_i"),
    (NUMBERS, r"\left|3\left|x\right|2\right|", "6|x|"),
    (NUMBERS, r"\max(\log 6, a)", r"\max(\log 2 + \log 3, a)"),
    (NUMBERS, r"\mathbb{1}[a > \log 4]", r"\mathbb{1}[a > 2\log 2]"),
    (OUTER, r"\nabla_W L", "g_i x_j"),
    (OUTER, r"\nabla_W L", "x_j g_i"),
    (AXIS, r"\sum_{i=1}^{n-1} x_i", r"\sum_{i=1}^{n} x_i - x_n"),
]
REFUTED += [
    (AXIS, r"\sum_i i\,x_i", r"\sum_i (i+1)\,x_i"),
    (NUMBERS, r"\left|3\left|x\right|2\right|", "6x"),
]
UNDECIDED += [
    ("x: [n]; y: [n]; L = sum(x*y)", "x_j y_i", r"x y^\top"),
]

DENSE = "X: [N, d]; W: [d, k]; b: [k]; Y: [N, k]; Z = X @ W + b; L = sum((Z - Y)**2)/(2*N)"
HINGE = "x: [d]; w: [d]; y: real; m = y*sum(w*x); L = max(0, 1 - m)"
SOFT = "z: [K]; q: probability[K]; p = softmax(z); L = -sum(q*log(p))"
GATE = "u: [n]; v: [n]; a: [n]; h = sigmoid(u)*tanh(v) + (1 - sigmoid(u))*a; L = sum(h**2)/2"
QUAD = "A: [n, n]; x: [n]; c: [n]; f = x.T @ A @ x/2 - c.T @ x"
COS = "x: [n]; y: [n]; c = sum(x*y)/(sqrt(sum(x**2))*sqrt(sum(y**2)))"
GAUSS = "x: [n]; mu: real; s: positive; L = sum(log(s) + (x - mu)**2/(2*s**2))"
ATT = (
    "S: [T, T]; V: [T, d]; A[i, j] = exp(S[i, j])/sum(exp(S[i, k]) for k in T); "
    "O[i, e] = sum(A[i, j]*V[j, e] for j in T); L = sum(O**2)/2"
)
HUBER = "x: real; d: positive; f = where(abs(x) <= d, x**2/2, d*(abs(x) - d/2))"
LASSO = "w: [d]; lam: positive; R = lam*sum(abs(w))"
DIFFS = "x: [n]; L = sum(x**2)"

# Layers, losses and sums as students write them, right and wrong by a mistake that is often made.
PROVED += [
    (DENSE, r"\nabla_W L", r"\frac1N X^T (Z - Y)"),
    (DENSE, r"\frac{\partial L}{\partial b_j}", r"\frac{1}{N} \sum_{i=1}^N (Z_{ij} - Y_{ij})"),
    (DENSE, r"\frac{\partial L}{\partial W_{ij}}", r"\tfrac{1}{N}\sum_n X_{ni}\left(\sum_l X_{nl} W_{lj} + b_j - Y_{nj}\right)"),
    (DENSE, "L", r"\frac{1}{2N}\|Z - Y\|_F^2"),
    (HINGE, r"\frac{\partial L}{\partial w_i}", r"-y x_i \mathbb{1}[y \langle w, x\rangle < 1]"),
    (HINGE, r"\frac{\partial L}{\partial m}", r"-\frac12\left(1 + \frac{1-m}{|1-m|}\right)"),
    (SOFT, r"\frac{\partial L}{\partial z_k}", r"p_k - q_k"),
    (SOFT, "L", r"\log\sum_{j=1}^{K} e^{z_j} - \sum_{j=0}^{K-1} q_{j+1} z_{j+1}"),
    (GATE, r"\frac{\partial L}{\partial u_i}", r"h_i(\tanh v_i - a_i)\sigma(u_i)\sigma(-u_i)"),
    (GATE, r"\frac{\partial L}{\partial v_i}", r"h_i \sigma(u_i)(1 - \tanh^2 v_i)"),
    (QUAD, r"\nabla_x f", r"\frac12 (A + A^\top) x - c"),
    (QUAD, r"\frac{\partial^2 f}{\partial x_i \partial x_j}", r"\frac{A_{ij} + A_{ji}}{2}"),
    (COS, r"\frac{\partial c}{\partial x_i}", r"\frac{y_i}{\|x\|\|y\|} - c\,\frac{x_i}{\|x\|^2}"),
    (GAUSS, r"\frac{\partial L}{\partial s}", r"\frac{n}{s} - \frac{1}{s^3}\sum_i (x_i - \mu)^2"),
    (GAUSS, r"\frac{\partial^2 L}{\partial \mu^2}", r"n s^{-2}"),
    (ATT, r"\frac{\partial L}{\partial V_{je}}", r"\sum_i A_{ij} O_{ie}"),
    (HUBER, "f'(x)", r"\begin{cases} x & |x| \le d \\ d \operatorname{sign}(x) & \text{otherwise} \end{cases}"),
    (LASSO, r"\frac{\partial R}{\partial w_i}", r"\lambda \operatorname{sign}(w_i)"),
    (DIFFS, r"\sum_{i=1}^{n-1} (x_{i+1} - x_i)", r"x_n - x_1"),
    (DIFFS, r"\sum_i \sum_{j \ne i} x_i x_j", r"\left(\sum_i x_i\right)^2 - \|x\|_2^2"),
]
REFUTED += [
    (DENSE, r"\nabla_W L", r"\frac1N (Z - Y) X^T"),
    (DENSE, r"\frac{\partial L}{\partial b_j}", r"\frac{1}{N} (Z_{ij} - Y_{ij})"),
    (DENSE, r"\nabla_W L", r"\frac2N X^\top (Z - Y)"),
    (DENSE, "L", r"\frac{1}{2N}\|Z - Y\|_F"),
    (HINGE, r"\frac{\partial L}{\partial w_i}", r"-y x_i \mathbb{1}[y \langle w, x\rangle > 1]"),
    (HINGE, r"\frac{\partial L}{\partial m}", r"\mathbb{1}[m < 1]"),
    (SOFT, r"\frac{\partial L}{\partial z_k}", r"p_k (1 - p_k) - q_k"),
    (SOFT, r"\frac{\partial L}{\partial p_k}", r"-\sum_j \frac{q_j}{p_j}"),
    (GATE, r"\frac{\partial L}{\partial u_i}", r"h_i(\tanh v_i - a_i)\sigma(u_i)"),
    (GATE, r"\frac{\partial L}{\partial a_i}", r"h_i \sigma(u_i)"),
    (QUAD, r"\nabla_x f", r"A x - c"),
    (QUAD, r"\nabla_A f", r"x x^\top"),
    (COS, r"\frac{\partial c}{\partial x_i}", r"\frac{y_i}{\|x\|\|y\|} - c\,\frac{x_i}{\|x\|}"),
    (GAUSS, r"\frac{\partial L}{\partial s}", r"\frac{1}{s} - \frac{1}{s^3}\sum_i (x_i - \mu)^2"),
    (GAUSS, r"\frac{\partial L}{\partial \mu}", r"\frac{1}{s^2}\sum_i (x_i - \mu)"),
    (ATT, r"\frac{\partial L}{\partial V_{je}}", r"\sum_i A_{ji} O_{ie}"),
    (HUBER, "f'(x)", r"\begin{cases} x & |x| \le d \\ d & \text{otherwise} \end{cases}"),
    (LASSO, r"\frac{\partial R}{\partial w_i}", r"\lambda |w_i|"),
    (DIFFS, r"\sum_{i=1}^{n-1} x_i", r"\sum_{i=0}^{n-1} x_{i+1}"),
    (DIFFS, r"\sum_i \sum_j x_i x_j", r"\|x\|^2"),
]

VECTORS = "x: [n]; y: [n]; A: [n, n]; t: label[n]; s: real; p: probability[n]; L = sum(x*y) + sum(A)*s + p[t]"

# Parts of axes, where a formula has a value, probabilities that are 0, signs of what is divided by.
PROVED += [
    (VECTORS, r"\sum_{k=0}^{n-1} x_{k+1}", r"\sum_i x_i"),
    (VECTORS, r"\sum_{i=0}^{n-1} x_i y_i", r"\sum_i x_i y_i"),
    (VECTORS, r"\sum_{i=2}^{n} x_i", r"\sum_i x_i - x_1"),
    (VECTORS, r"\sum_{i=1}^{n-1} x_i y_{i+1}", r"\sum_{i=2}^n x_{i-1} y_i"),
    (VECTORS, r"\sum_{j=1}^{i-1} x_j + x_i + \sum_{j=i+1}^{n} x_j", r"\sum_j x_j"),
    (VECTORS, r"\sum_{i=1}^n\sum_{j=1}^{i} A_{ij}", r"\sum_{j=1}^n\sum_{i=j}^{n} A_{ij}"),
    (VECTORS, r"\sum_{1 \le i < n} x_i", r"\sum_i x_i - x_n"),
    (VECTORS, r"\sum_{j=1}^{1} x_j", "x_1"),
    (VECTORS, r"\sum_{k=0}^{n-1} k x_{k+1}", r"\sum_i i x_i - \sum_i x_i"),
    ("x: [3]; L = sum(x)", r"\sum_{j=0}^{2} x_{j+1}", "x_1 + x_2 + x_3"),
    (VECTORS, r"x^\top \mathbf{I} y", r"\langle x, y \rangle"),
    (VECTORS, r"\mathbf{I}_{it}", r"\delta_{it}"),
    (VECTORS, r"\mathbf{1}_n^\top x", "Σ_i x[i]"),
    (VECTORS, r"\sum_{i=0}^{n-1} x_{n-i}", r"\sum_i x_i"),
    (VECTORS, r"\|x\|^2_2", r"x^\top x"),
    (VECTORS, "dot(x, y)*x[i]", "x_i Σ_k x_ky_k"),
    (VECTORS, r"\|x\|_1", r"\sum_i |x_i|"),
    (VECTORS, r"\log e^s", "s"),
    ("x: real; L = abs(x)", r"\frac{dL}{dx}", r"\frac{x}{|x|}"),
    ("x: [n]; y: [n]; L = sum(abs(x - y))", r"\frac{\partial L}{\partial x_i}", r"\frac{x_i - y_i}{|y_i - x_i|}"),
]
REFUTED += [
    (VECTORS, r"\sum_{i=1}^{n-1} x_i", r"\sum_i x_i"),
    (VECTORS, r"\sum_{i=1}^{n-1} x_i", r"\sum_i x_i - x_1"),
    (VECTORS, r"\sum_{k=0}^{n-1} k x_{k+1}", r"\sum_i i x_i"),
    (VECTORS, r"e^{\log s}", "2s"),
    (VECTORS, r"\mathbb{1}[p_i > 0]", "1"),
]
UNDECIDED += [
    (VECTORS, r"\sum_{i=0}^{n} x_i", r"\sum_i x_i"),
    (VECTORS, "x^2", r"\|x\|^2"),
    (VECTORS, r"e^{\log s}", "s"),
    (VECTORS, r"(\sqrt s)^2", "s"),
    (VECTORS, r"(\sqrt s)^2", "|s|"),
    (VECTORS, r"\sum_i e^{\log x_i}", r"\sum_i x_i"),
    (VECTORS, "exp(log(s))", "s"),
    (VECTORS, r"\log s - \log s", "0"),
]

PAIRS = [(*row, kind) for kind, rows in (("proved", PROVED), ("refuted", REFUTED), ("undecided", UNDECIDED)) for row in rows]
