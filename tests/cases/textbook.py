"""Results in the form in which a book prints them."""

from __future__ import annotations

SELF_ATTENTION = "X: [n, d]\nS = X @ X.T\nP = softmax(S)\nO = P @ X"
PRE_NORM = """
x: [n]
W: [n, n]
gamma: [n]
beta: [n]
epsilon: positive
mu = mean(x)
v = mean((x - mu)**2)
xhat = (x - mu)/sqrt(v + epsilon)
y = gamma*xhat + beta
h = relu(W @ y)
o = x + h"""
PRE_NORM_ATTENTION = """
X: [N, n]
A: [n, n]
B: [n, n]
mu[i] = mean(X[i, j] for j in n)
v[i] = mean((X[i, j] - mu[i])**2 for j in n)
Xhat[i, j] = (X[i, j] - mu[i])/sqrt(v[i] + 1)
Q = Xhat @ A.T
K = Xhat @ B.T
S = Q @ K.T
P = softmax(S)
Y = P @ Xhat
O = X + Y
Z = tanh(O)"""
RESIDUAL = "x: [n]\nW: [n, n]\na = W @ x\nh = tanh(a)\ny = x + h"

# (definition, by, the result): the gradient of a loss behind it where the definition is a tensor
FORMS = [
    # functions of a number keep their names, and lend them to one another
    ("softplus", "x", "σ(x)"),
    ("silu", "x", "σ(x) (1 + x (1 − σ(x)))"),
    ("gelu", "x", "Φ(x) + x φ(x)"),
    (
        "gelu_tanh",
        "x",
        "1/2 (1 + tanh(√(2/π) (x + 0.044715 x³)) + √(2/π) x (1 − tanh(√(2/π) (x + 0.044715 x³))²) (1 + 0.134145 x²))",
    ),
    ("f = w*cos(x)/sqrt(2*pi)", "w", "cos(x) / √(2 π)"),
    ("normal_cdf", "x", "φ(x)"),
    ("mish", "x", "tanh(softplus(x)) + x σ(x) (1 − tanh(softplus(x))²)"),
    ("f = log(1 + exp(-y*z))", "z", "−y σ(−y z)"),
    ("f = x*exp(-x**2/2)", "x", "(1 − x²) exp(−x²/2)"),
    ("hard_tanh", "x", "𝟙[x > −1] · 𝟙[x < 1]"),
    ("f = min(x, 2*y)", "x", "𝟙[x ≤ 2 y]"),
    # losses
    ("binary_cross_entropy", "z", "p − y"),
    ("binary_cross_entropy_logits", "z", "σ(z) − y"),
    ("softmax_cross_entropy", "z", "p_i − y_i"),
    ("softmax_cross_entropy_masked", "Z", "r_i (P_ij − δ_{j,t_i}) / Σ_l r_l"),
    ("softmax_cross_entropy_weighted", "Z", "w_{t_i} (P_ij − δ_{j,t_i}) / Σ_l w_{t_l}"),
    ("label_smoothing", "z", "p_k − q_k"),
    ("focal_loss", "z", "p_t ∂L/∂q (δ_it − p_i)"),
    ("squared_hinge", "s", "2 (max(0, s_i − s_t + 1) · 𝟙[i≠t] − δ_it Σ_{j≠t} max(0, s_j − s_t + 1))"),
    ("l1", "yhat", "sign(ŷ_i − y_i) / n"),
    ("mse", "yhat", "(2/n) (ŷ_i − y_i)"),
    ("logsumexp", "z", "softmax(z)_i"),
    ("l2_penalty", "alpha", "1/2 Σ_i w_i²"),
    # quotients that several terms share are folded together
    ("sine_cosine", "r", "(s sin(θ) + c cos(θ)) / r"),
    ("sine_cosine", "v", "(s c sin(θ) + cos(θ) (c² − 1)) / r"),
    # normalizations in the compact form
    ("batch_norm", "X", "(γ_j/√(v_j + ε)) (G_ij − 1/N Σ_k G_kj − (X̂_ij/N) Σ_k G_kj X̂_kj)"),
    ("layer_norm", "x", "(g_i γ_i − 1/n Σ_j g_j γ_j − (x̂_i/n) Σ_j g_j γ_j x̂_j) / √(v + ε)"),
    ("rms_norm", "x", "(g_i γ_i − (x_i / (n r²)) Σ_j g_j γ_j x_j) / r"),
    (PRE_NORM, "x", "(∂L/∂x̂_i − 1/n Σ_j ∂L/∂x̂_j − (x̂_i/n) Σ_j ∂L/∂x̂_j x̂_j) / √(v + ε) + g_i"),
    (
        PRE_NORM_ATTENTION,
        "X",
        "(∂L/∂X̂_ij − 1/n Σ_k ∂L/∂X̂_ik − (X̂_ij/n) Σ_k ∂L/∂X̂_ik X̂_ik) / √(v_i + 1) + ∂L/∂O_ij",
    ),
    # attention through P and its adjoint; the sum over P is one over O (Dao et al. 2022)
    ("attention", "S", "P_ij (∂L/∂P_ij − Σ_l G_il O_il)"),
    ("attention", "Q", "1/√d Σ_j ∂L/∂S_ij K_jk"),
    ("attention_causal", "S", "P_ij (∂L/∂P_ij − Σ_m G_im O_im)"),
    # recurrent cells gate by gate
    ("lstm_cell", "U_f", "∂L/∂(a_f)_j h_l⁽⁰⁾"),
    ("lstm_cell", "a_f", "∂L/∂f_j f_j (1 − f_j)"),
    ("lstm_cell", "c0", "∂L/∂c_j⁽¹⁾ f_j"),
    ("gru_cell", "a_n", "∂L/∂n_i (1 − n_i²)"),
    ("rnn_cell", "h", "Σ_k ∂L/∂a_k W_ki"),
    # convolution in the output index
    ("conv1d", "x", "Σ_{k, 0 ≤ i − k < O} g_{i − k} w_k"),
    ("avg_pool1d", "x", "1/K Σ_{o, 0 ≤ i − s o < K} g_o"),
]
