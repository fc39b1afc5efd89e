"""Formulas read aloud: what is said is what stands there, in English and French, and what differs is heard to differ."""

from __future__ import annotations

import re
from collections import defaultdict

import pytest

import derive
from derive.errors import Place
from derive.language import library
from derive.notation import definitions
from derive.notation.context import context_of
from derive.notation.layout import latex
from derive.notation.speech import spoken
from derive.notation.typed import read
from derive.teaching.lecture import formulas

SAID = {
    r"\frac{\partial L}{\partial z_i} = p_i - y_i": (
        "the derivative of L with respect to z i is p i minus y i",
        "la dérivée de L par rapport à z indice i égale p indice i moins y indice i",
    ),
    r"L = \sum_{j \ne t} \max(0, s_j - s_t + 1)": (
        "L is the sum over j not equal to t of max of, open parenthesis, 0, s j minus s t plus 1, close parenthesis",
        "L égale la somme sur j différent de t de max de, parenthèse, 0, s indice j moins s indice t plus 1, fin de parenthèse",
    ),
    r"\nabla_W L = g h^\top": (
        "the gradient with respect to W of L is g h transposed",
        "le gradient par rapport à W de L égale g h transposé",
    ),
    r"\frac{e^{z_i}}{\sum_k e^{z_k}}": (
        "the fraction e to the power z i, over the sum over k of e to the power z k, end of fraction",
        "la fraction e puissance z indice i, sur la somme sur k de e puissance z indice k, fin de fraction",
    ),
    r"\frac{\partial^2 L}{\partial z_i\,\partial z_j}": (
        "the second derivative of L with respect to z i and z j",
        "la dérivée seconde de L par rapport à z indice i et z indice j",
    ),
    r"\frac{\partial^2 f}{\partial x^2}": (
        "the second derivative of f with respect to x",
        "la dérivée seconde de f par rapport à x",
    ),
    r"\sum_{i=1}^{n} x_i^2": ("the sum over i from 1 to n of x i squared", "la somme sur i de 1 à n de x indice i au carré"),
    r"\hat{y} \approx -0{,}25": ("y hat is about minus 0,25", "y chapeau vaut environ moins 0,25"),
    r"\sigma(x)": ("sigma of x", "sigma de x"),
    r"W^{(1)} x + b": ("W superscript 1 x plus b", "W exposant 1 x plus b"),
    r"\theta \in \mathbb{R}^n": ("theta in R to the power n", "thêta dans R puissance n"),
    r"\Omega": ("capital omega", "oméga majuscule"),
    r"\begin{pmatrix} 1 & 2 \\ 3 & 4 \end{pmatrix}": (
        "the matrix with rows 1, 2; 3, 4, end of matrix",
        "la matrice de lignes 1, 2; 3, 4, fin de matrice",
    ),
    r"\begin{cases} 1 & x > 0 \\ 0 & x \le 0 \end{cases}": (
        "by cases, 1, x greater than 0, 0, x at most 0, end of cases",
        "par cas, 1, x supérieur à 0, 0, x inférieur ou égal à 0, fin des cas",
    ),
    r"\mathbf{1}[i = t]": ("the indicator of i is t, end of indicator", "l’indicatrice de i égale t, fin d’indicatrice"),
    r"\sqrt{x + 1}": ("the square root of x plus 1, end of root", "la racine carrée de x plus 1, fin de racine"),
    r"\sqrt{x} + 1": ("the square root of x plus 1", "la racine carrée de x plus 1"),
    r"]0 ; 1[": ("close bracket 0, 1 open bracket", "crochet fermant 0, 1 crochet ouvrant"),
}


@pytest.mark.parametrize("code", SAID)
def test_what_is_said(code: str) -> None:
    assert (spoken(read(code)), spoken(read(code), "fr")) == SAID[code]


def examples() -> list[str]:
    """Every command of the grammar with arguments, every sign and environment."""
    out = [f"\\{name}" + "{ab}" * formulas.ARGUMENTS.get(name, name in formulas.WORDS) for name in sorted(formulas.COMMANDS)]
    out = [
        code
        for code in out
        if code.lstrip("\\").split("{")[0] not in formulas.PLACED | formulas.SIZES | formulas.ALPHABETS.keys()
    ]
    out += [rf"\{name}{{AB}}" for name in formulas.ALPHABETS] + [rf"\{sign}" for sign in formulas.SIGNS if sign not in "{}"]
    columns = {"array": "{lc}"}
    return out + [rf"\begin{{{name}}}{columns.get(name, '')}a\\b\end{{{name}}}" for name in formulas.ENVIRONMENTS]


@pytest.mark.parametrize("lang", ["en", "fr"])
def test_nothing_of_latex_is_said(lang: str) -> None:
    """No command, brace or script sign of whatever the grammar accepts is left in the words."""
    for code in examples():
        checked = formulas.checked(code, lambda start, end: Place("", start, end))
        said = spoken(read(checked), lang)
        assert not re.search(r"[\\{}_^&$]", said), (code, said)


def test_what_differs_is_heard_to_differ() -> None:
    """Of all definitions of the library no two are said alike, and each is said from its LaTeX as it is from its layout."""
    heard: dict[tuple[str, str], set[str]] = defaultdict(set)
    for name in library.names():
        graph = derive.graph(name)
        for node in graph.nodes:
            printed = definitions.definition(node, context_of(graph))
            for lang in ("en", "fr"):
                heard[lang, spoken(printed, lang)].add(latex(printed))
                assert _digits_apart(spoken(read(latex(printed)), lang)) == _digits_apart(spoken(printed, lang))
    assert len(heard) >= 250
    assert not [said for _, said in heard if "quad" in said]
    assert [codes for codes in heard.values() if len(codes) > 1] == []


def _digits_apart(said: str) -> str:
    """`x 11` of a subscript typed as one number is `x 1 1` of two indices."""
    return re.sub(r"(?<=\d)(?=\d)", " ", said)


def test_brackets_that_meet_nothing_cost_nothing() -> None:
    """A formula of open brackets is read in one pass."""
    assert spoken(read("(" * 2000)).count("open parenthesis") == 2000
