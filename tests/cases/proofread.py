r"""Lines that are wrong, of the kinds that stand in books, notes and documentation, and what should stand there.

Each is restated over definitions of our own.  `where` is where a fault of this kind was reported; "exercise" where it is one that
students make, and no place is meant.
"""

from __future__ import annotations

from typing import NamedTuple


class Line(NamedTuple):
    """A formula, what it was wrongly said to be, and what it is."""

    definitions: str
    left: str
    wrong: str
    right: str
    where: str = "exercise"


SOFTMAX = "z: [C]\ny: onehot[C]\np = softmax(z)\nL = -sum(y*log(p))"
LABEL = "z: [C]\nt: label[C]\np = softmax(z)\nL = -log(p[t])"
LAYER = "W: [m, n]\nx: [n]\nz = W @ x\nL = sum(z**4)"
HIDDEN = "V: [n, d]\nx: [d]\nW: [m, n]\na = V @ x\nh = sigmoid(a)\nz = W @ h\nL = sum(z**2)"
NORM = (
    "x: [n]\ngamma: real\nbeta: real\neps: positive\nmu = mean(x)\nv = mean((x - mu)**2)\nx_hat = (x - mu)/sqrt(v + eps)\n"
    "y[i] = gamma*x_hat[i] + beta"
)
LOGISTIC = "X: [N, d]\nw: [d]\ny: [N]\nz = X @ w\nL = mean(log(1 + exp(z)) - y*z)"
RIDGE = "X: [N, d]\nw: [d]\ny: [N]\nlam: positive\nL = mean((X @ w - y)**2) + lam*sum(w**2)"
GAUSS = "x: [n]\nmu: real\ns: positive\nL = sum(log(s) + (x - mu)**2/(2*s**2))"
KL = "mu: real\ns: positive\nL = (s**2 + mu**2 - 1)/2 - log(s)"
GITHUB = "https://github.com/"

LINES = [
    Line("x: [C]\ny: onehot[C]\nL = -sum(y*log(softmax(x)))", "L", r"\log \frac{\sum_j y_j e^{x_j}}{\sum_j e^{x_j}}",
         r"-\sum_j y_j \log \frac{e^{x_j}}{\sum_k e^{x_k}}", GITHUB + "google-deepmind/optax/issues/1040"),
    Line(NORM, "y_i", r"\gamma \frac{x_i - \mu}{v + \epsilon} + \beta", r"\gamma \frac{x_i - \mu}{\sqrt{v + \epsilon}} + \beta",
         GITHUB + "tensorflow/tensorflow/issues/46522"),
    Line(SOFTMAX, r"\frac{\partial L}{\partial z_i}", r"\sum_j \frac{y_j}{p_j} \frac{\partial p_j}{\partial z_i}",
         r"-\sum_j \frac{y_j}{p_j} \frac{\partial p_j}{\partial z_i}", GITHUB + "peterroelants/peterroelants.github.io/pull/24"),
    Line("v: [n]\nd: [n]\ny = tanh(v)\nL = sum((d - y)**2)/2", r"-\frac{\partial L}{\partial v_j}", "d_j - y_j",
         "(d_j - y_j)(1 - y_j^2)", GITHUB + "filipecalasans/mlp/issues/1"),
    Line(LAYER, r"\nabla_W L", r"(\nabla_z L) x", r"(\nabla_z L) x^\top", GITHUB + "fengdu78/deeplearning_ai_books/issues/21"),
    Line(NORM, r"\frac{\partial L}{\partial x_i}",
         r"\frac{1}{\sqrt{v + \epsilon}} \left( g_i - \frac1n \sum_j g_j - \frac{\hat{x}_i}{n} \sum_j g_j \hat{x}_j \right)",
         r"\frac{\gamma}{\sqrt{v + \epsilon}} \left( g_i - \frac1n \sum_j g_j - \frac{\hat{x}_i}{n} \sum_j g_j \hat{x}_j \right)",
         GITHUB + "denizyuret/Knet.jl/issues/288"),
    Line(NORM, r"\frac{\partial L}{\partial x_i}",
         r"\frac{\gamma}{\sqrt{v + \epsilon}} \left( g_i - \frac{\hat{x}_i}{n} \sum_j g_j \hat{x}_j \right)",
         r"\frac{\gamma}{n \sqrt{v + \epsilon}} \left( n g_i - \sum_j g_j - \hat{x}_i \sum_j g_j \hat{x}_j \right)",
         GITHUB + "BVLC/caffe/pull/1891"),
    Line("t: real\nh: real\nf = t**3 + h", r"\frac{(t + h)^3 - (t - h)^3}{2h}", r"\frac{6 t^2 h + 4 h^3}{2h}",
         r"\frac{6 t^2 h + 2 h^3}{2h}", "http://makeyourownneuralnetwork.blogspot.com/2017/01/errata-4-lots-of-updates.html"),
    Line("z: [n]\nh0: [n]\nu: [n]\ng = tanh(u)\nh[i] = z[i]*h0[i] + (1 - z[i])*g[i]", "h_i",
         r"z_i h_{0,i} + (1 - z_i) \tanh(g_i)",
         r"z_i h_{0,i} + (1 - z_i) g_i", GITHUB + "ageron/handson-ml/issues/132"),
    Line(HIDDEN, r"\frac{\partial L}{\partial a_j}", r"\sum_i W_{ij} \frac{\partial L}{\partial z_i}",
         r"h_j (1 - h_j) \sum_i W_{ij} \frac{\partial L}{\partial z_i}",
         GITHUB + "ujjwalkarn/Machine-Learning-Tutorials/pull/16"),
    Line("V: [n, d]\nx: [d]\na = V @ x\nh = tanh(a)", r"\nabla_x L", r"V^\top g", r"V^\top (g \odot (1 - h \odot h))",
         GITHUB + "SciML/SciMLBook/issues/164"),
    Line("W: [n, n]\nx: [n]\na = W @ x\nh = tanh(a)\nu = W @ h\nL = sum(u**2)", r"\frac{\partial L}{\partial a_j}",
         r"(1 - \tanh^2(u_j)) \sum_i W_{ij} \frac{\partial L}{\partial u_i}",
         r"(1 - \tanh^2(a_j)) \sum_i W_{ij} \frac{\partial L}{\partial u_i}", GITHUB + "dennybritz/nn-from-scratch/pull/3"),
    Line("f = tanh(x)", r"\frac{df}{dx}", r"-(\tanh x)^2", r"1 - (\tanh x)^2",
         GITHUB + "scutan90/DeepLearning-500-questions/issues/544"),
    Line("f = tanh(x)", "f", r"\frac{e^x + e^{-x}}{e^x - e^{-x}}", r"2\sigma(2x) - 1", GITHUB + "fastai/fastbook/issues/273"),
    Line("f = tanh(x)", "f", r"2\sigma(x) - 1", r"2\sigma(2x) - 1", GITHUB + "neonwatty/machine-learning-refined/issues/16"),
    Line("f = tanh(x)", r"\frac{df}{dx}", r"\frac{e^{2x} - 1}{e^{2x} + 1}", r"\frac{4 e^{2x}}{(e^{2x} + 1)^2}",
         GITHUB + "andersbll/nnet/issues/4"),
    Line(RIDGE, r"\frac{\partial L}{\partial w_j}", r"\frac2N \sum_n X_{nj} \left(\sum_k X_{nk} w_k - y_n\right) + \lambda w_j",
         r"\frac2N \sum_n X_{nj} \left(\sum_k X_{nk} w_k - y_n\right) + 2 \lambda w_j",
         GITHUB + "NeuromatchAcademy/course-content-dl/issues/423"),
    Line("W: [m, n]\nlam: positive\nR = lam*sum(W**2)", r"\nabla_W R", r"\lambda W", r"2 \lambda W",
         GITHUB + "jingtinghuang/CS231n-Spring-2017/issues/3"),
    Line(RIDGE, r"\nabla_w L", r"\frac2N X^\top (X w - y) - 2 \lambda w", r"\frac2N X^\top (X w - y) + 2 \lambda w",
         GITHUB + "andersbll/nnet/issues/4"),
    Line("A: [n, n]\nb: [n]\nx: [n]\nf = x.T @ A @ x - b.T @ x", r"\nabla_x f", "A x - b", r"(A + A^\top) x - b",
         GITHUB + "mml-book/mml-book.github.io/issues/226"),
    Line("x: real\nmu: real\ns: positive\nf = exp(-(x - mu)**2/(2*s**2))/(s*sqrt(2*pi))", "f",
         r"\frac{1}{s\sqrt{2\pi}} e^{\frac{(x - \mu)^2}{2 s^2}}", r"\frac{1}{\sqrt{2\pi s^2}} e^{-\frac{(x - \mu)^2}{2 s^2}}",
         GITHUB + "mml-book/mml-book.github.io/issues/131"),
    Line(KL, "L", r"\frac12 (s^2 + \mu^2 - 1 - (\log s)^2)", r"\frac12 (s^2 + \mu^2 - 1 - 2 \log s)",
         GITHUB + "FluxML/model-zoo/issues/73"),
    Line(KL, "L", r"\frac12 (s^2 + \mu^2 - 1 + 2 \log s)", r"\frac12 (s^2 + \mu^2 - 1 - \log s^2)",
         GITHUB + "FluxML/model-zoo/pull/147"),
    Line(KL, "L", r"\mu^2 + s^2 - \log s - \frac12", r"\frac12 (\mu^2 + s^2) - \log s - \frac12",
         GITHUB + "SupaeroDataScience/deep-learning/pull/6"),
    Line("z: real\ny: real\np = sigmoid(z)\nL = -y*log(p) - (1 - y)*log(1 - p)", "L", r"yz - \log(1 + e^z)",
         r"-yz + \log(1 + e^z)",
         GITHUB + "slds-lmu/lecture_i2ml/issues/294"),
    Line(LOGISTIC, r"\frac{\partial L}{\partial w_j}", r"\frac1N \sum_n X_{nj} \sigma(z_n - y_n)",
         r"\frac1N \sum_n X_{nj} (\sigma(z_n) - y_n)", GITHUB + "ysh329/Chinese-UFLDL-Tutorial/issues/29"),
    Line(LOGISTIC, r"\frac{\partial L}{\partial w_j}", r"\frac1N \sum_n (\sigma(z_n) - y_n)",
         r"\frac1N \sum_n (\sigma(z_n) - y_n) X_{nj}", GITHUB + "fengdu78/Coursera-ML-AndrewNg-Notes/issues/82"),
    Line(GAUSS, r"-\frac{\partial L}{\partial s}", r"\frac{n}{s} + \frac{1}{s^3} \sum_i (x_i - \mu)^2",
         r"-\frac{n}{s} + \frac{1}{s^3} \sum_i (x_i - \mu)^2", GITHUB + "vasishth/LM/issues/3"),
    Line(GAUSS, r"-\frac{\partial L}{\partial \mu}", r"-\frac{1}{s^2} \sum_i (x_i - \mu)", r"\frac{1}{s^2} \sum_i (x_i - \mu)",
         GITHUB + "mlvu/mlvu.github.io/issues/4"),
    Line("q: [d]\nK: [n, d]\nc: positive\ns = K @ q\na = softmax(c*s)", "a_i", r"c \, \mathrm{softmax}(s)_i",
         r"\frac{e^{c s_i}}{\sum_j e^{c s_j}}", GITHUB + "FrancescoSaverioZuppichini/ViT/issues/2"),
    Line("p: probability[n]\nq: probability[n]\nL = sum(p*log(q))", "L",
         r"\sum_i p_i \log \frac{p_i}{q_i} - \sum_i p_i \log p_i", r"\sum_i p_i \log p_i - \sum_i p_i \log \frac{p_i}{q_i}",
         GITHUB + "probml/pml2-book/issues/52"),
    Line("w: real\nx1: real\nx2: real\nh1 = w*x1\nh2 = w*h1 + x2", r"\frac{d h_2}{d w}", "h_1", "h_1 + w x_1",
         GITHUB + "d2l-ai/d2l-en/issues/2616"),
    Line("u: [n]\nh = tanh(u)\nL = sum(h**3)", r"\frac{\partial L}{\partial u_i}",
         r"\frac{1}{1 - h_i^2} \frac{\partial L}{\partial h_i}", r"(1 - h_i^2) \frac{\partial L}{\partial h_i}",
         GITHUB + "oreilly-japan/deep-learning-from-scratch-2/issues/26"),
    Line(LABEL, r"\frac{\partial L}{\partial z_i}", r"\delta_{it} - p_i", r"p_i - \delta_{it}"),
    Line(LABEL, r"\frac{\partial p_i}{\partial z_j}", r"p_i (1 - p_i)", r"p_i (\delta_{ij} - p_j)"),
    Line(LABEL, r"\frac{\partial p}{\partial z}", r"\operatorname{diag}(p) + p p^\top", r"\operatorname{diag}(p) - p p^\top"),
    Line("z: [C]\nl = log_softmax(z)", r"\frac{\partial l_i}{\partial z_j}", r"\delta_{ij} - \mathrm{softmax}(z)_i",
         r"\delta_{ij} - \mathrm{softmax}(z)_j"),
    Line("s: [C]\nt: label[C]\nL = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)", r"\frac{\partial L}{\partial s_t}",
         r"-\mathbb{1}[\max_j s_j > s_t]", r"-\sum_{j \ne t} \mathbb{1}[s_j - s_t + 1 > 0]"),
    Line("s: [C]\nt: label[C]\nL = sum(max(0, s[j] - s[t] + 1) for j in C if j != t)", "L",
         r"\sum_{j} \max(0, s_j - s_t + 1)", r"\sum_{j} \max(0, s_j - s_t + 1) - 1"),
    Line(RIDGE, r"\nabla_w L", r"2 X^\top (X w - y) + 2 \lambda w", r"\frac{2}{N} X^\top (X w - y) + 2 \lambda w"),
    Line(RIDGE, r"\nabla_w L", r"\frac{2}{N} X (X w - y) + 2 \lambda w", r"\frac{2}{N} X^\top (X w - y) + 2 \lambda w"),
    Line(LAYER, r"\frac{\partial L}{\partial x_j}", r"\sum_j W_{ij} \frac{\partial L}{\partial z_i}",
         r"\sum_i W_{ij} \frac{\partial L}{\partial z_i}"),
    Line(LAYER, r"\nabla_x L", r"W \nabla_z L", r"W^\top \nabla_z L"),
    Line("x: [n]\nw: [k]\ny[o] = sum(x[o + j]*w[j] for j in k)", r"\frac{\partial L}{\partial w_j}", r"w_j \sum_o g_o x_{o+j}",
         r"\sum_o g_o x_{o+j}"),
    Line("Q: [n, d]\nK: [m, d]\nS[i, j] = sum(Q[i, k]*K[j, k] for k in d)/sqrt(d)", r"\nabla_Q L", "G K",
         r"\frac{1}{\sqrt{d}} G K"),
    Line("Q: [n, d]\nK: [m, d]\nS[i, j] = sum(Q[i, k]*K[j, k] for k in d)/sqrt(d)", r"\nabla_K L", r"\frac{1}{\sqrt{d}} G Q",
         r"\frac{1}{\sqrt{d}} G^\top Q"),
    Line("f: [n]\nc0: [n]\ni: [n]\nu: [n]\nc = f*c0 + i*u\nL = sum(c**2)", r"\frac{\partial L}{\partial f_k}",
         r"\frac{\partial L}{\partial c_k} c_k", r"\frac{\partial L}{\partial c_k} c_{0,k}"),
    Line("y: real\np: probability[2]\nL = -y*log(p[0]) - (1 - y)*log(1 - p[0])", r"\frac{\partial L}{\partial p_1}",
         r"-\frac{y}{p_1} - \frac{1 - y}{1 - p_1}", r"\frac{p_1 - y}{p_1 (1 - p_1)}"),
    Line("x: [n]\nr = sqrt(sum(x**2))", r"\frac{\partial r}{\partial x_i}", r"\frac{x_i}{r^2}", r"\frac{x_i}{r}"),
    Line("x: [n]\nw: [n]\nf = sum(x*w)**2", r"\frac{\partial f}{\partial w_i}", r"2 x_i^2 w_i", r"2 x_i \sum_j x_j w_j"),
    Line("x: real\nf = x*exp(-x**2)", r"\frac{df}{dx}", r"-2x e^{-x^2}", r"(1 - 2x^2) e^{-x^2}"),
    Line("x: real\nf = x*sigmoid(x)", r"\frac{df}{dx}", r"\sigma(x) + \sigma(x)(1 - \sigma(x))",
         r"\sigma(x) + x \sigma(x)(1 - \sigma(x))"),
    Line("x: [n]\nm = mean(x)\nv = mean((x - m)**2)", "v", r"\frac1n \sum_i x_i^2 + m^2", r"\frac1n \sum_i x_i^2 - m^2"),
    Line("a: real\nb: real\nf = max(a, b)", "f", r"\frac12 (a + b - |a - b|)", r"\frac12 (a + b + |a - b|)"),
    Line("A: [m, n]\nB: [n, k]\nC = A @ B\nL = sum(C**2)", r"\nabla_A L", r"2 B^\top C", r"2 C B^\top"),
    Line("x: [n]\ng: [n]\nr = sqrt(mean(x**2))\ny = g*x/r", r"\frac{\partial y_i}{\partial x_j}", r"\frac{g_i}{r} \delta_{ij}",
         r"\frac{g_i}{r} \left( \delta_{ij} - \frac{x_i x_j}{n r^2} \right)"),
]  # fmt: skip

GELU = "x: real\nf = x*normal_cdf(x)"
LAYERNORM = (
    "x: [n]\ngamma: [n]\nbeta: [n]\neps: positive\nmu = mean(x)\nv = mean((x - mu)**2)\nx_hat = (x - mu)/sqrt(v + eps)\n"
    "y[i] = gamma[i]*x_hat[i] + beta[i]"
)
RNN = "W: [n, n]\nU: [n, d]\nx: [d]\nh0: [n]\na = W @ h0 + U @ x\nh = tanh(a)"
ATTENTION = "q: [d]\nK: [T, d]\nV: [T, e]\ns = K @ q/sqrt(d)\nalpha = softmax(s)\no[j] = sum(alpha[t]*V[t, j] for t in T)"
TEMP = "z: [C]\ny: onehot[C]\ntau: positive\np = softmax(z/tau)\nL = -sum(y*log(p))"
FOCAL = "p: real\nL = -(1 - p)**2*log(p)"
TRIPLET = "a: [d]\nb: [d]\nc: [d]\nD = sum((a - b)**2) - sum((a - c)**2)"
MF = (
    "P: [m, k]\nQ: [n, k]\nR: [m, n]\nlam: positive\n"
    "L = sum((R[i, j] - sum(P[i, f]*Q[j, f] for f in k))**2 for i in m for j in n) + lam*(sum(P**2) + sum(Q**2))"
)
BCE = "z: [N]\ny: [N]\np = sigmoid(z)\nL = -mean(y*log(p) + (1 - y)*log(1 - p))"
ELBO = "mu: [k]\nr: [k]\nL = -sum(1 + r - mu**2 - exp(r))/2"

# Layers and losses that the lines above have not, and what is read since: second derivatives, parts of axes.
LINES += [
    Line(GELU, r"\frac{df}{dx}", r"\Phi(x) + \phi(x)", r"\Phi(x) + x \phi(x)"),
    Line(LAYERNORM, r"\frac{\partial L}{\partial \gamma_i}", r"g_i x_i", r"g_i \hat{x}_i"),
    Line(
        LAYERNORM,
        r"\frac{\partial L}{\partial x_i}",
        r"\frac{1}{\sqrt{v + \epsilon}}\left(\gamma_i g_i - \frac1n \sum_j g_j - \frac{\hat{x}_i}{n}\sum_j g_j \hat{x}_j\right)",
        r"\frac{1}{\sqrt{v + \epsilon}}\left(\gamma_i g_i - \frac1n \sum_j \gamma_j g_j "
        r"- \frac{\hat{x}_i}{n}\sum_j \gamma_j g_j \hat{x}_j\right)",
    ),
    Line(RNN, r"\nabla_W L", r"(g \odot (1 - h)) h_0^\top", r"(g \odot (1 - h \odot h)) h_0^\top"),
    Line(RNN, r"\nabla_{h_0} L", r"W (g \odot (1 - h \odot h))", r"W^\top (g \odot (1 - h \odot h))"),
    Line(ATTENTION, r"\frac{\partial L}{\partial \alpha_t}", r"\sum_j g_t V_{tj}", r"\sum_j g_j V_{tj}"),
    Line(
        ATTENTION,
        r"\frac{\partial L}{\partial q_i}",
        r"\sum_t \frac{\partial L}{\partial s_t} K_{ti}",
        r"\frac{1}{\sqrt{d}} \sum_t \frac{\partial L}{\partial s_t} K_{ti}",
    ),
    Line(TEMP, r"\frac{\partial L}{\partial z_i}", r"p_i - y_i", r"\frac{1}{\tau}(p_i - y_i)"),
    Line(FOCAL, r"\frac{dL}{dp}", r"2(1 - p)\log p + \frac{(1 - p)^2}{p}", r"2(1 - p)\log p - \frac{(1 - p)^2}{p}"),
    Line(TRIPLET, r"\nabla_a D", r"2(b - c)", r"2(c - b)"),
    Line(
        MF,
        r"\frac{\partial L}{\partial P_{af}}",
        r"-2\sum_j \left(R_{aj} - \sum_l P_{al} Q_{jl}\right) Q_{jf} + \lambda P_{af}",
        r"-2\sum_j \left(R_{aj} - \sum_l P_{al} Q_{jl}\right) Q_{jf} + 2\lambda P_{af}",
    ),
    Line(BCE, r"\frac{\partial^2 L}{\partial z_i^2}", r"p_i(1 - p_i)", r"\frac1N p_i(1 - p_i)"),
    Line(ELBO, r"\frac{\partial L}{\partial r_i}", r"\frac12\left(1 - e^{r_i}\right)", r"\frac12\left(e^{r_i} - 1\right)"),
    Line("x: [n]\nL = sum(x**2)", r"\sum_{i=1}^{n-1} (x_{i+1} - x_i)", r"x_n", r"x_n - x_1"),
    Line(
        "w: [d]\nX: [N, d]\ny: [N]\nL = sum((X @ w - y)**2)/2",
        r"\frac{\partial^2 L}{\partial w_i \partial w_j}",
        r"\sum_n X_{ni}",
        r"\sum_n X_{ni} X_{nj}",
    ),
]


def page(line: Line, formula: str) -> str:
    """A page on which a formula is said to be the left side of a line."""
    return f"```derive graph g\n{line.definitions}\n```\n\n$$ {line.left} = {formula} $$\n"
