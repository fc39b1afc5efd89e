"""Definitions whose gradients have a matrix form."""

from __future__ import annotations

BATCH = "X: [N, n]\nW: [m, n]\nA = X @ W.T\nH = sigmoid(A)\nL = mean(H**2)"

# definition, variable: (in Unicode, in LaTeX); the gradient where the definition is a number, else with g behind it
GRADIENTS: dict[tuple[str, str], tuple[str, str]] = {
    ("affine", "W"): ("g hᵀ", r"gh^{\top}"),
    ("affine", "h"): ("Wᵀ g", r"W^{\top}g"),
    ("affine", "b"): ("g", "g"),
    ("affine_batch", "X"): ("G W", "GW"),
    ("affine_batch", "W"): ("Gᵀ X", r"G^{\top}X"),
    ("affine_batch", "b"): ("Gᵀ 𝟏", r"G^{\top}\mathbf{1}"),
    ("bilinear", "A"): ("x yᵀ", r"xy^{\top}"),
    ("bilinear", "x"): ("A y", "Ay"),
    ("bilinear", "y"): ("Aᵀ x", r"A^{\top}x"),
    ("softmax", "z"): ("p ⊙ (g − (gᵀ p) 𝟏)", r"p \odot (g - (g^{\top}p)\mathbf{1})"),
    ("log_softmax", "z"): (
        "g − (𝟏ᵀ g) softmax(z)",
        r"g - (\mathbf{1}^{\top}g)\operatorname{softmax}(z)",
    ),
    ("logsumexp", "z"): ("softmax(z)", r"\operatorname{softmax}(z)"),
    ("softmax_cross_entropy", "z"): ("p − y", "p - y"),
    ("mlp", "b2"): ("p − 𝐞_t", r"p - \mathbf{e}_{t}"),
    ("mlp", "W2"): ("(∇_z L) hᵀ", r"(\nabla_{z}L)h^{\top}"),
    ("mlp", "x"): ("W⁽¹⁾ᵀ ∇_a L", r"W^{(1)\top}\nabla_{a}L"),
    ("attention", "V"): ("Pᵀ G", r"P^{\top}G"),
    ("attention", "S"): (
        "P ⊙ (∇_P L − (G ⊙ O) 𝟏 𝟏ᵀ)",
        r"P \odot (\nabla_{P}L - (G \odot O)\mathbf{1}\mathbf{1}^{\top})",
    ),
    ("attention", "Q"): ("(1/√d) (∇_S L) K", r"\frac{1}{\sqrt{d}}(\nabla_{S}L)K"),
    ("attention", "K"): ("(1/√d) (∇_S L)ᵀ Q", r"\frac{1}{\sqrt{d}}(\nabla_{S}L)^{\top}Q"),
    ("mse", "yhat"): ("(2/n) (ŷ − y)", r"\frac{2}{n}(\hat{y} - y)"),
    ("huber", "e"): (
        "(1/n) { e  if |e| ≤ δ ; δ sign(e)  otherwise }",
        r"\frac{1}{n}\begin{cases}e & \text{if } |e| \le \delta \\ \delta\operatorname{sign}(e) & \text{otherwise}\end{cases}",
    ),
    ("cosine_similarity", "x"): (
        "(1/‖x‖) ((1/‖y‖) y − (c/‖x‖) x)",
        r"\frac{1}{\lVert x\rVert }\left(\frac{1}{\lVert y\rVert }y - \frac{c}{\lVert x\rVert }x\right)",
    ),
    ("layer_norm", "gamma"): ("g ⊙ x̂", r"g \odot \hat{x}"),
    ("layer_norm", "x"): (
        "(1/√(v + ε)) (g ⊙ γ − (1/n) (gᵀ γ) 𝟏 − (1/n) ((g ⊙ γ)ᵀ x̂) x̂)",
        r"\frac{1}{\sqrt{v + \epsilon}}\left(g \odot \gamma - \frac{1}{n}(g^{\top}\gamma)\mathbf{1}"
        r" - \frac{1}{n}((g \odot \gamma)^{\top}\hat{x})\hat{x}\right)",
    ),
    ("layer_norm", "v"): ("−(1 / (2 (v + ε))) (g ⊙ γ)ᵀ x̂", r"-\frac{1}{2(v + \epsilon)}(g \odot \gamma)^{\top}\hat{x}"),
    ("x: [n]\ngamma: [n]\nepsilon: positive\nr = sqrt(mean(x**2) + epsilon)\ny = gamma*x/r", "x"): (
        "(1/r) (g ⊙ γ − (1 / (n r²)) ((g ⊙ γ)ᵀ x) x)",
        r"\frac{1}{r}\left(g \odot \gamma - \frac{1}{nr^{2}}((g \odot \gamma)^{\top}x)x\right)",
    ),
    ("batch_norm", "beta"): ("Gᵀ 𝟏", r"G^{\top}\mathbf{1}"),
    ("batch_norm", "gamma"): ("(G ⊙ X̂)ᵀ 𝟏", r"(G \odot \hat{X})^{\top}\mathbf{1}"),
    ("batch_norm", "v"): (
        "−1/2 γ ⊙ ((G ⊙ X̂)ᵀ 𝟏) ⊘ (v + ε 𝟏)",
        r"-\frac{1}{2}\gamma \odot ((G \odot \hat{X})^{\top}\mathbf{1}) \oslash (v + \epsilon\mathbf{1})",
    ),
    ("batch_norm", "epsilon"): (
        "−1/2 𝟏ᵀ (G ⊙ X̂) (γ ⊘ (v + ε 𝟏))",
        r"-\frac{1}{2}\mathbf{1}^{\top}(G \odot \hat{X})(\gamma \oslash (v + \epsilon\mathbf{1}))",
    ),
    ("batch_norm", "X"): (
        "(G − (1/N) 𝟏 𝟏ᵀ G − (1/N) X̂ diag((G ⊙ X̂)ᵀ 𝟏)) diag(γ ⊘ √(v + ε 𝟏))",
        r"\left(G - \frac{1}{N}\mathbf{1}\mathbf{1}^{\top}G - \frac{1}{N}\hat{X}\operatorname{diag}"
        r"((G \odot \hat{X})^{\top}\mathbf{1})\right)\operatorname{diag}(\gamma \oslash \sqrt{v + \epsilon\mathbf{1}})",
    ),
    ("embedding", "E"): ("𝐞_t gᵀ", r"\mathbf{e}_{t}g^{\top}"),
    ("embedding_sequence", "E"): ("Tᵀ G", r"T^{\top}G"),
    ("softmax_cross_entropy_batch", "Z"): ("(1/N) (P − T)", r"\frac{1}{N}(P - T)"),
    ("softmax_cross_entropy_batch", "P"): ("−(1/N) T ⊘ P", r"-\frac{1}{N}T \oslash P"),
    ("softmax_regression", "Z"): ("(1/N) (P − T)", r"\frac{1}{N}(P - T)"),
    ("rnn_cell", "b"): ("g ⊙ (𝟏 − y^(⊙2))", r"g \odot (\mathbf{1} - y^{\odot 2})"),
    ("rnn_cell", "h"): ("Wᵀ ∇_a L", r"W^{\top}\nabla_{a}L"),
    ("rnn_cell", "W"): ("(∇_a L) hᵀ", r"(\nabla_{a}L)h^{\top}"),
    ("lstm_cell", "a_f"): ("(∇_f L) ⊙ f ⊙ (𝟏 − f)", r"(\nabla_{f}L) \odot f \odot (\mathbf{1} - f)"),
    ("lstm_cell", "W_f"): ("(∇_{a_f} L) xᵀ", r"(\nabla_{a_{f}}L)x^{\top}"),
    ("lstm_cell", "h0"): (
        "U_iᵀ ∇_{a_i} L + U_fᵀ ∇_{a_f} L + U_oᵀ ∇_{a_o} L + U_cᵀ ∇_{a_c} L",
        r"U_{i}^{\top}\nabla_{a_{i}}L + U_{f}^{\top}\nabla_{a_{f}}L + U_{o}^{\top}\nabla_{a_{o}}L + U_{c}^{\top}\nabla_{a_{c}}L",
    ),
    ("gru_cell", "z"): ("g ⊙ (h⁽⁰⁾ − n)", r"g \odot (h^{(0)} - n)"),
    ("a Gram matrix", "X"): ("(g + gᵀ) X", r"(g + g^{\top})X"),
    ("a matrix and its transpose", "x"): ("2 A Aᵀ x", r"2AA^{\top}x"),
    ("cross-entropy of a batch with weight decay", "lam"): ("1/2 ‖W‖_F²", r"\frac{1}{2}\lVert W\rVert _{F}^{2}"),
    ("two rows of one embedding", "E"): (
        "∂L/∂f (𝐞_s 𝐞_tᵀ + 𝐞_t 𝐞_sᵀ) E",
        r"\frac{\partial L}{\partial f}(\mathbf{e}_{s}\mathbf{e}_{t}^{\top} + \mathbf{e}_{t}\mathbf{e}_{s}^{\top})E",
    ),
}

# definition, variable: the Jacobian
JACOBIANS = {
    ("softmax", "z"): "diag(p) − p pᵀ",
    ("log_softmax", "z"): "𝐈 − 𝟏 softmax(z)ᵀ",
    ("affine", "h"): "W",
    ("affine", "b"): "𝐈",
    ("rnn_cell", "h"): "diag(𝟏 − y^(⊙2)) W",
    ("z: [n]\nh = sigmoid(z)", "z"): "diag(h ⊙ (𝟏 − h))",
    ("z: [n]\nh = z/3", "z"): "1/3 𝐈",
    ("layer_norm", "x"): "(1/√(v + ε)) diag(γ) (𝐈 − (1/n) 𝟏 𝟏ᵀ − (1/n) x̂ x̂ᵀ)",
    ("batch_norm", "epsilon"): "−1/2 X̂ diag(γ ⊘ (v + ε 𝟏))",
    ("x: [n]\na: [n]\ny = (x - a)/sqrt(sum((x - a)**2))", "x"): "(1/‖x − a‖) (𝐈 − y yᵀ)",
}

LOOKED_UP = [
    # an entry picked by a label for each example, and the code of its form
    ("E: [V, d]\nt: label[N, V]\nY[i, j] = E[t[i], j]", "T E", "(np.eye(V)[t] @ E)"),
    ("E: [V, d]\nt: label[N, V]\nY[j, i] = E[t[i], j]", "Eᵀ Tᵀ", "(E.T @ np.eye(V)[t].T)"),
    ("x: [V]\nt: label[N, V]\ny[i] = x[t[i]]", "T x", "(np.eye(V)[t] @ x)"),
    ("P: [N, C]\nt: label[N, C]\ny[i] = P[i, t[i]]", "(P ⊙ T) 𝟏", "((P * np.eye(C)[t]) @ np.ones(C))"),
    ("A: [C, C]\nt: label[N, C]\ns: label[M, C]\nY[i, j] = A[t[i], s[j]]", "T A Sᵀ", "(np.eye(C)[t] @ A @ np.eye(C)[s].T)"),
    ("A: [C, d]\nt: label[N, C]\nu: label[d]\ny[i] = A[t[i], u]", "T A 𝐞_u", "(np.eye(C)[t] @ (A @ np.eye(d)[u]))"),
    ("T: real\nx: [V]\nt: label[N, V]\ny[i] = T*x[t[i]]", "T 𝐄_t x", "(T * (np.eye(V)[t] @ x))"),
]


# what a book prints that a wrong law would not; sources as in `cases.literature`
BOOKS: tuple[tuple[str, str, str], ...] = (
    ("beta: real; m: [n]; g: [n]; y = beta*m + (1 - beta)*g", "g", "(1 − β) G"),
    ("x: [n]; y: real; P = sigmoid(x @ w); w: [n]; l = y*log(P) + (1 - y)*log(1 - P)", "w", "(y − P) x"),
    ("q: [n]; t: label[n]; y: real; L = (y - q[t])**2", "q", "2 (q_t − y) 𝐞_t"),
    ("g: [n]; s = norm(g); h = min(1, c/s)*g", "g", "min(1, c/s) G − (c · 𝟙[c/s < 1] / s³) (Gᵀ g) g"),
    ("x: [n]; z: [n]; k = exp(-sum((x - z)**2)/(2*s**2))", "x", "(k/s²) (z − x)"),
    ("U: [n, n]; f: [n]; b: [n]; L = sum((U*(f @ b.T)) @ f)", "f", "U (f ⊙ b) + b ⊙ (Uᵀ f)"),
    ("H: [n, k]; U: [d, k]; v: [d]; s: [n]; e = v.T @ tanh(U @ H.T) @ s", "v", "tanh(U Hᵀ) s"),
    ("H: [n, k]; U: [k, d]; s: [n]; e = sum((tanh(H @ U)*(H @ U)).T @ s)", "s", "((H U) ⊙ tanh(H U)) 𝟏"),
    ("h: [m]; a: real; U: [m, m]; y = (1 - a)*h + a*tanh(U @ h)", "h", "a Uᵀ (g ⊙ (𝟏 − tanh(U h)^(⊙2))) + (1 − a) g"),
    ("A: [n, n]; X: [n, d]; W: [d, k]; Z = relu(A @ X @ W)", "W", "Xᵀ Aᵀ (G ⊙ 𝟙[A X W > 0])"),
    (
        "X: [N, d]; W: [d, k]; V: [d, k]; U: [k, d]; Y = (silu(X @ W)*(X @ V)) @ U",
        "U",
        "((X V) ⊙ SiLU(X W))ᵀ G",
    ),
    ("V: [m, n]; W: [m, n]; x: [n]; y = (W @ x)*sigmoid(V @ x)", "x", "Wᵀ (g ⊙ σ(V x)) + Vᵀ (g ⊙ (W x) ⊙ σ(V x) ⊙ (𝟏 − σ(V x)))"),
    ("x: [n]; A: [n, m]; B: [n, m]; z: [m]; y = x*(A @ z) + B @ z", "z", "Bᵀ g + Aᵀ (g ⊙ x)"),
    ("V: [n, k]; x: [n]; y = sum((V.T @ x)**2)/2 - sum((V**2).T @ x**2)/2", "V", "(x xᵀ − diag(x^(⊙2))) V"),
    ("H: [n, m]; A: [n, n]; alpha: real; Z = (1 - alpha)*A @ H + alpha*H", "alpha", "tr(H Gᵀ (𝐈 − A))"),
    ("Z: [n, m]; S: [n, m]; b: real; L = sum(Z*tanh(b + S))", "b", "𝟏ᵀ (Z ⊙ (𝟏 𝟏ᵀ − tanh(S + b 𝟏 𝟏ᵀ)^(⊙2))) 𝟏"),
    ("v: positive[d]; L = mean(max(0, gamma - sqrt(v + epsilon)))", "v", "−(1 / (2 d)) 𝟙[γ > √(v + ε 𝟏)] ⊘ √(v + ε 𝟏)"),
    ("s: [C]; y: label[C]; L = max(s) - s[y]", "s", "𝐞_{argmax(s)} − 𝐞_y"),
    (
        "A: [N]; r: [N]; J = mean(min(r*A, max(1 - epsilon, min(1 + epsilon, r))*A))",
        "r",
        "(1/N) A ⊙ 𝟙[r ⊙ A ≤ A ⊙ max(1 − ε, min(1 + ε, r))]",
    ),
    ("q: [n]; alpha: real; V = alpha*log(sum(exp(q/alpha)))", "q", "softmax(q/α)"),
    ("hinge", "s", "𝟙[s − s_t 𝟏 + 𝟏 > 0] − (𝟏ᵀ 𝟙[s − s_t 𝟏 + 𝟏 > 0]) 𝐞_t"),
    ("C: [d, d]; c = sum(C[j, k]**2 for j in d for k in d if j != k)/d", "C", "(2/d) (C − diag(diag(C)))"),
    ("h: [m]; x: [n]; W: [k, m + n]; z = sigmoid(W @ concat(h, x))", "W", "(g ⊙ z ⊙ (𝟏 − z)) [h; x]ᵀ"),
    ("h: [m]; x: [n]; w: [m + n]; s = w @ concat(h, x)", "w", "[h; x]"),
)
"""Definition, variable, matrix form."""

# definition, the same in tensor notation
DEFINITIONS: tuple[tuple[str, str], ...] = (
    ("X: [N, d]; w: [d]; y: [N]; L = mean((X @ w - y)**2) + a*sum(w**2)", "L = (1/N) ‖X w − y‖² + a ‖w‖²"),
    ("p: [n]; q: [n]; L = -sum(p*log(q))", "L = −pᵀ log(q)"),
    ("X: [N, d]; V: [d, k]; L = sum((X - X @ V @ V.T)**2)/N", "L = ‖X − X V Vᵀ‖_F²/N"),
    ("x: [n]; y: [n]; k = exp(-sum((x - y)**2)/(2*s**2))", "k = exp(−‖x − y‖² / (2 s²))"),
    ("b: [n]; v: [n]; c: [m]; W: [m, n]; F = -b.T @ v - sum(log(1 + exp(c + W @ v)))", "F = −bᵀ v − 𝟏ᵀ log(1 + exp(c + W v))"),
    ("M: [m, k]; s: [n]; f = M*sum(s**2)*sum(s*s)", "f = M ‖s‖² (sᵀ s)"),
    ("h: [m]; x: [n]; W: [k, m + n]; b: [k]; z = tanh(W @ concat(h, x) + b)", "z = tanh(W [h; x] + b)"),
    ("w: [d]; R = sum(abs(w))", ""),
)
"""Definition, the same in tensor notation, or nothing where a book writes it with indices alone."""
