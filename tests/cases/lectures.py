"""A short lecture with one of everything, and what is put into it to make it wrong."""

from __future__ import annotations

COMPACT = r"""---
# a remark
title: {en: "The #1 loss", fr: 'La perte : n° 1'}
lang: [en, fr]
author: A. Teacher
index-base: 0
digits: 3
---
<!-- a note
to oneself -->
:::en
# Part one <!-- here -->
:::
:::fr
# Première partie
:::

## Words $\hat{y}_i = \sigma(w^\top x)$

Words *emph* **strong** `code(x)` [a link](https://example.org) and $\frac{1}{2}$, "quoted" -- it's…\
Next: $x' \le \sqrt[3]{\left( a + b \right)^2}$ \<b> &amp; é ẽ σ 中.

- one
  - two $a_{i,j}$
    1. three
- four

> A remark.
>
> - and a list

$$
\begin{pmatrix} a & b \\ c & d \end{pmatrix} \begin{cases} 1 & \text{if } x > 0 \\ 0 & \text{otherwise} \end{cases}
$$

| a | $b$ |
|---|--:|
| `x` | 1 |

---

### Code

```python
def f(x):
    return x  # <!-- no comment -->
```

    indented

## Blocks

```derive graph g
u: real
f = (u + v)*w
```

```derive define h
x: [n]
L = sum(x[i]**2 for i in n)
```

```derive worked g
at: u=2, v=3,
   w=4
# a remark
grad: yes
```

```derive gradient h
wrt: x
detail: brief
```

```derive check g
at: u=2, v=3, w=4
```
"""

PIECES = (
    "---", "```", "~~~", ":::en", ":::fr", ":::", "<!--", "-->", "# ", "## ", "### ", "- ", "1. ", "> ", "    ", "\t",
    "$", "$$", "|", "|---|", "`", "``", "*", "**", "_", "[", "]", "](", ")", "![", "<", ">", "&", "\\", "\\\\", "{",
    "}", "^", "%", "#", "~", "~~", '"', "'", "\n", "\n\n", " ", "```derive graph g", "```derive worked g", "at: ",
    "wrt: ", "grad: maybe", "title: ", "!!int x", "&a", "*a", "yes", "012", "- x", ": ", "<b>", "</div>", "[^1]",
    "[^1]: x", "[@x]", ". . .", "\\pause", "{{x}}", "https://x.org", "![a](p.png)", "<http://a>", "$x$",
    "|a|\n|-|\n|b|", "\\input{x}", "\\frac{a}{b}", "\\begin{matrix}", "\\end{matrix}", "\\left(", "\\right)",
    "\\text{", "^^M", "\\sqrt[", "x^2^3", "\\\\[2pt]", "\x00", "\x07", "\x1b[31m", "\u200e", "\u202e", "\u2028",
    "\ufeff", "\ud800", "\u0301", "é", "中", "😀", "\u00a0", "\r", "\x0c", "²", "ᵀ", "٣",
)  # fmt: skip


WIDE = """---
title: Wide
---
## Wide

| a long header | another long header | a third header | one more | a long header | another header |
|---|---|---|---|---|---|
| $(-0.3655, -0.7311, 0.36)$ | $(-0.3655, -0.7311, 0.36)$ | 1234567890 | $(-0.3655, -0.7311, 0.3655)$ | 1234567890 | 1234567890 |

## In a column

:::columns
:::column width=40%
| a long header | another long header | a third header |
|---|---|---|
| 1234567890123456 | 1234567890123456 | 1234567890123456 |
:::
:::column
words
:::
:::
"""
"""Tables that are wider than there is room for, even where every word stands on a line of its own."""
