"""Text that every format has to print as it is."""

from __future__ import annotations

NASTY = (
    r"\input{/etc/passwd} \end{document} \write18{ls} ^^M %comment",
    r"# $ % & _ { } ~ ^ \ < > | [ ] ` @",
    "it's \"quoted\" ''twice'' ,,low,, `` -- --- <<a>> !` ?`",
    "100% of $5 & more_or_less {x}^2 ~ a|b",
    "l’été, œuvre, Ærø, naïveté, ŷ, Łódź, ß, «\u00a0oui\u00a0»",
    "α β Ω ∂ ∇ ≈ ≤ → ∞ ℝ x² a₂ ½ ﬁ",
    "# not a heading",
    "- not a list",
    "1. not a list either",
    "(2) nor this",
    "+ or = or : or %",
    "a*b*c _d_ **e** ~~f~~ `g` [h](i) ![j](k) <b>l</b> <!-- m --> &amp; &#35; $n$ ^o^ ~p~ {.q} @r :smile: ... -- '",
    "``` fence",
    "::: fr",
    "| a | b |",
    "中文 😀 \u202eevil\u202c \x07bell \x1b[31mred",
)
