"""A printed formula read back into a tree, from the page and docs/notation.md alone: nothing of `derive` is asked.

A formula has exactly one reading here or none: `Unread` says what cannot be read, or what could be read in two ways.  What is
taken from the page besides the formula is its vocabulary, a `Page`: which tensors there are and of which axes, the sizes,
what an axis counts from, the language.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import count

from oracles.tokens import ACCENTS, GREEK, Token, Unread, tokens

WORDS = {
    "en": ("if", "otherwise"),
    "fr": ("si", "sinon"),
}
FUNCTIONS = {
    "log", "sin", "cos", "tanh", "erf", "exp", "sign", "sinh", "cosh", "arctan", "lgamma", "digamma", "trigamma", "tetragamma",
    "log1p", "expm1", "log2", "log10", "softmin", "var", "std", "cumsum",
    "max", "min", "sum", "mean", "prod", "argmax", "diag", "tr", "det", "ReLU", "σ",
    "Φ", "φ", "GELU", "SiLU", "ELU", "SELU", "Mish", "softplus", "softsign", "softmax", "log softmax", "logsumexp", "leaky relu",
    "hard tanh", "hard sigmoid", "gelu tanh", "sigmoid", "normal cdf", "normal pdf",
}  # fmt: skip
OF_VECTORS = ("softmax",)
"""Functions of a vector whose value may have an index behind it, or a letter below them."""
RELATIONS = ("=", "<", ">", "≤", "≥", "≠")
LOOSE = ("+", "−", *RELATIONS, "≈", ",", ";", ")", "]", "}", "/", "⊙", "⊘", "said", "apart")
"""Before these a product ends."""


def spelled(name: str, rank: int = 0) -> str:
    """How a name is printed, as one line: `x_hat` with a hat, `W_h` with a subscript, `w1` w₁, and of the tensor `W1` W⁽¹⁾."""
    name = {**{sign: word for word, sign in GREEK.items()}, "lam": "lambda", "eps": "epsilon"}.get(name, name)
    if name in GREEK:
        return GREEK[name]
    if found := re.fullmatch(r"(.+?)_?(hat|bar|tilde)", name):
        base, *rest = re.split(r"(?=[_^])", spelled(found[1], rank), maxsplit=1)
        return base + ACCENTS[found[2]] + "".join(rest)
    if found := re.fullmatch(r"(.*?[^\d_])_?(\d+)", name):
        base = spelled(found[1])
        return f"{base}^({found[2]})" if rank else f"{base}{'' if '_' in base else '_'}{found[2]}"
    if found := re.fullmatch(r"(.+?)_(.+)", name):
        return f"{_letter(found[1])}_{_letter(found[2])}"
    return _letter(name)


def _letter(name: str) -> str:
    name = {"lam": "lambda", "eps": "epsilon"}.get(name, name)
    return GREEK.get(name, unicodedata.normalize("NFD", name).replace("_", " "))


@dataclass(frozen=True)
class Page:
    """What a reader of a page knows before he reads a formula on it.

    `tensors`: the name in the source and the axes (names or numbers of sizes) by how each is printed; `sizes` likewise.
    `labels` are the tensors whose entries are indices.
    """

    tensors: Mapping[str, tuple[str, int]]
    sizes: frozenset[str] = frozenset()
    labels: frozenset[str] = frozenset()
    functions: frozenset[str] = frozenset()
    lang: str = "en"
    base: int = 1

    @cached_property
    def known(self) -> dict[str, list[tuple[str, str, str, int]]]:
        """By its first letter: (subscript, superscript, name, rank) of every tensor."""
        found: dict[str, list[tuple[str, str, str, int]]] = {}
        for printed, (name, rank) in self.tensors.items():
            base, sub, sup = re.fullmatch(r"([^_^]+)(?:_([^^]+))?(?:\^(.+))?", printed).groups()  # type: ignore[union-attr]
            found.setdefault(base, []).append((sub or "", sup or "", name, rank))
        return found


@dataclass(eq=False)
class Tree:
    """A formula read: an operation and its parts."""

    op: str
    args: tuple[Tree, ...] = ()
    text: str = ""
    value: Fraction | None = None
    names: tuple[str, ...] = ()
    """Bound letters, each with a number that no other has."""

    def __str__(self) -> str:
        inner = " ".join([*([self.text] if self.text else []), *self.names, *map(str, self.args)])
        return str(self.value) if self.value is not None else f"({self.op} {inner})".replace(" )", ")")


def cut(signs: list[Token], between: str) -> list[list[Token]]:
    """Signs in pieces, at the separators that stand in no brackets."""
    pieces: list[list[Token]] = [[]]
    depth = 0
    for sign in signs:
        depth += (sign.kind in ("(", "[", "{")) - (sign.kind in (")", "]", "}"))
        if sign.kind == between and not depth:
            pieces.append([])
        else:
            pieces[-1].append(sign)
    return pieces


# ---------------------------------------------------------------- whole formulas


def read(formula: str, page: Page, latex: bool, scope: Mapping[str, str] | None = None) -> list[list[Tree]]:
    """The equations of a printed line, each as its sides; `scope` are the letters that are free in it, with their numbers."""
    signs = tokens(formula, latex, page.lang != "en")
    reader = Reader(signs, page, latex, dict(scope or {}))
    out = [reader.equation()]
    while reader.taken("apart"):
        reader.scope = dict(scope or {})
        out.append(reader.equation())
    reader.finish()
    return out


_COUNT = count()


class Reader:
    """A list of signs, and where in it one is."""

    def __init__(self, signs: list[Token], page: Page, latex: bool, scope: dict[str, str], in_index: bool = False) -> None:
        self.signs, self.page, self.latex, self.scope, self.at = signs, page, latex, scope, 0
        self.bars: list[str] = []
        self.in_index = in_index

    # ---- signs

    @property
    def next(self) -> str:
        return self.signs[self.at].kind if self.at < len(self.signs) else ""

    def peek(self, ahead: int = 0) -> Token:
        at = self.at + ahead
        return self.signs[at] if at < len(self.signs) else Token("")

    def taken(self, kind: str) -> Token | None:
        if self.next != kind:
            return None
        self.at += 1
        return self.signs[self.at - 1]

    def must(self, kind: str) -> Token:
        if (found := self.taken(kind)) is None:
            raise Unread(f"{kind} is expected, and there is {self.rest()}")
        return found

    def rest(self) -> str:
        return " ".join(t.text or t.kind for t in self.signs[self.at :]) or "the end"

    def finish(self) -> None:
        if self.next:
            raise Unread(f"what is left cannot be read: {self.rest()}")

    def inside(self, signs: list[Token], in_index: bool = False) -> Reader:
        return Reader(signs, self.page, self.latex, self.scope, in_index or self.in_index)

    # ---- relations

    def equation(self) -> list[Tree]:
        """a = b ≈ c.  The letters of the left side are free in all of it."""
        sides = [self.left_side()]
        while self.next in ("=", "≈"):
            relation = self.next
            self.at += 1
            side = self.sum()
            sides.append(Tree("about", (side,)) if relation == "≈" else side)
        return sides

    def left_side(self) -> Tree:
        """The letters in the subscripts of a left side are the indices of the equation."""
        if self.next == "∇":
            return self.sum()
        bound = {t.text for t in self.peek().parts[0]} if self.next == "big" else set()
        for sign in self.signs[self.at :]:
            if sign.kind in ("=", "≈", "apart"):
                break
            for part in [sign, *(t for p in sign.parts for t in p)]:
                if part.kind == "sub":
                    self.declare(part, bound)
                for inner in (t for p in part.parts for t in p if part.kind != "sub"):
                    if inner.kind == "sub":
                        self.declare(inner, bound)
        return self.sum()

    def declare(self, sub: Token, bound: set[str]) -> None:
        for letter in re.findall(r"[^\W\d_]\d*", "".join(t.text for t in sub.parts[0] if t.kind in ("word", ","))):
            if not self.is_known(letter) and letter not in bound:
                self.scope.setdefault(letter, f"{letter}#{next(_COUNT)}")

    def is_known(self, word: str) -> bool:
        return word in self.page.sizes or any(not sub and not sup for sub, sup, _, _ in self.page.known.get(word, ()))

    def conditions(self) -> list[Tree]:
        """Relations with a comma between them, each a chain: 0 ≤ a < b."""
        found = [self.chain()]
        while self.taken(","):
            found.append(self.chain())
        return found

    def chain(self) -> Tree:
        sides, signs = [self.sum()], []
        while self.next in RELATIONS:
            signs.append(self.next)
            self.at += 1
            sides.append(self.sum())
        if not signs:
            raise Unread(f"a condition without a relation: {sides[0]}")
        return Tree("relation", tuple(sides), " ".join(signs))

    # ---- sums and products

    def sum(self) -> Tree:
        negative = self.taken("−") is not None
        terms = [self.signed(negative)]
        while self.next in ("+", "−"):
            minus = self.next == "−"
            self.at += 1
            if self.next in ("+", "−"):
                raise Unread(f"two signs side by side: {self.rest()}")
            terms.append(self.signed(minus))
        return terms[0] if len(terms) == 1 else Tree("add", tuple(terms))

    def signed(self, negative: bool) -> Tree:
        term = self.fraction()
        return Tree("negative", (term,)) if negative else term

    def fraction(self) -> Tree:
        """In text: all that is to the left of a slash with spaces, Σ and all, over the one factor, or the Σ, behind it."""
        top = self.elementwise()
        while self.next == "/" and self.peek().gap:
            self.at += 1
            bottom = self.elementwise(one=self.next != "big")
            if self.starts_factor():
                raise Unread(f"what is under the slash could end here or go on: {self.rest()}")
            top = Tree("over", (top, bottom))
        return top

    def elementwise(self, one: bool = False) -> Tree:
        """Products, with ⊙ or ⊘ between them: there each is one factor, but for numbers before the first."""
        out, last = self.product(one), False
        while self.next in ("⊙", "⊘") and not one:
            sign = self.next
            self.at += 1
            if last:
                raise Unread(f"a fraction beside {sign}")
            right = self.product(one=True)
            if self.starts_factor():
                raise Unread(f"a product beside {sign} without brackets: {self.rest()}")
            out = Tree("hadamard" if sign == "⊙" else "divided", (out, right))
        return out

    def product(self, one: bool = False) -> Tree:
        factors = [self.factor()]
        while not one and (self.next in ("·", "×") or self.starts_factor()):
            dot = self.taken("·") or self.taken("×")
            if dot and not self.starts_factor(any_bar=True):
                raise Unread(f"nothing stands behind a dot: {self.rest()}")
            if factors[-1].op == "slash" and not dot and not self.may_follow_slash(factors[-1]):
                raise Unread(f"what is under the slash could end here or go on: {self.rest()}")
            if factors[-1].op == "big":
                raise Unread(f"what stands behind a sum: {self.rest()}")
            factors.append(self.factor())
        return factors[0] if len(factors) == 1 else Tree("product", tuple(factors))

    def may_follow_slash(self, slash: Tree) -> bool:
        """1/2 x and 1/n Σ_i x_i: a number over a number, and any number over something before a Σ, need no brackets."""
        top, bottom = slash.args
        return top.op == "number" and (bottom.op == "number" or self.next == "big")

    def starts_factor(self, any_bar: bool = False) -> bool:
        kind = self.next
        if kind in ("|", "‖"):
            return any_bar or kind not in self.bars
        return kind not in ("", "·", "×", "sub", "sup", *LOOSE) and not (
            kind == "word" and self.peek().text in WORDS[self.page.lang] and not self.latex
        )

    def factor(self) -> Tree:
        """A factor with its exponents; in text, a slash without spaces binds it to the next."""
        out = self.power()
        if self.next == "/" and not self.peek().gap:
            self.at += 1
            if self.peek().gap:
                raise Unread(f"a slash with a space on one side: {self.rest()}")
            if out.op in ("big", "negative"):
                raise Unread("a sum over a slash without spaces")
            out = Tree("slash", (out, self.power()))
            if self.next == "/" and not self.peek().gap:
                raise Unread("a/b/c")
        return out

    def power(self) -> Tree:
        at = self.at
        base = self.atom()
        if self.next == "sup":
            if base.op in ("number", "call") and self.signs[at].kind == "{":
                raise Unread("a power of what no bracket holds")
            if base.op == "root":
                raise Unread("a power behind a root: of the root or of what is under it")
            base = self.raised(base, self.must("sup"))
        if self.next in ("sup", "sub"):
            raise Unread(f"two scripts: {self.rest()}")
        return base

    def raised(self, base: Tree, sup: Token) -> Tree:
        signs = sup.parts[0]
        if signs and signs[-1].kind == "⊤":
            if [t.kind for t in signs[:-1]] == ["−"]:  # A⁻ᵀ
                signs = [signs[0], Token("number", "1"), signs[-1]]
            return Tree("transposed", (self.raised(base, Token("sup", parts=[signs[:-1]])) if signs[:-1] else base,))
        entrywise = bool(signs) and signs[0].kind == "⊙"
        inner = self.inside(signs[entrywise:])
        exponent = inner.sum()
        inner.finish()
        return Tree("entry power" if entrywise else "power", (base, exponent))

    # ---- atoms

    def atom(self) -> Tree:
        sign = self.peek()
        self.at += 1
        match sign.kind:
            case "number":
                return Tree("number", value=Fraction(sign.text))
            case "word":
                return self.word(sign)
            case "∞":
                return Tree("infinity")
            case "…":
                return Tree("left out")
            case "(":
                return self.bracketed()
            case "[":
                return self.text_grid()
            case "|" | "‖":
                return self.absolute(sign.kind)
            case "{":
                return self.text_cases()
            case "cases":
                return self.cases(sign)
            case "grid":
                rows, width = int(sign.text), len(sign.parts) // int(sign.text)
                cells = tuple(self.whole(p) for p in sign.parts)
                return Tree("grid", tuple(Tree("row", cells[r * width : (r + 1) * width]) for r in range(rows)))
            case "frac":
                return self.latex_fraction(sign)
            case "root":
                return Tree("root", (self.whole(sign.parts[0]),))
            case "√":
                if self.next == "big":
                    raise Unread("a root of a sum without brackets")
                return Tree("root", (self.atom(),))
            case "big":
                return self.big(sign)
            case "bracket":
                self.must("[")
                found = self.conditions()
                self.must("]")
                return Tree("indicator", tuple(found))
            case "ones" | "eye":
                return Tree(sign.kind)
            case "unit":
                return Tree("unit", (self.index_list(self.must("sub"), 1)[0],))
            case "onehots":
                return Tree("onehots", text=self.whole_name(self.must("sub")))
            case "∂":
                return self.derivative()
            case "∇":
                return self.nabla()
        raise Unread(f"no formula begins with {sign.text or sign.kind}: {self.rest()}")

    def whole(self, signs: list[Token]) -> Tree:
        inner = self.inside(signs)
        out = inner.sum()
        inner.finish()
        return out

    def bracketed(self) -> Tree:
        """(a + b), (a; b; c), and (W_h)_ij: a name with a subscript of its own takes its indices behind a bracket."""
        bars, self.bars = self.bars, []
        items = self.listed(")")
        self.bars = bars
        if len(items) > 1:
            return Tree("vector", tuple(items))
        if self.next == "sub" and items[0].op == "tensor":
            name, rank = items[0].text, next(r for n, r in self.page.tensors.values() if n == items[0].text)
            return Tree("tensor", tuple(self.index_list(self.must("sub"), rank)), name)
        if self.next == "sub" and items[0].op in ("power", "transposed"):  # (A⁻¹)_ij
            return Tree("entry", (items[0], *self.index_list(self.must("sub"), 2)))
        return Tree("bracket", (items[0],))

    def separator(self) -> bool:
        """A comma, or a semicolon where commas are decimal signs."""
        return (self.taken(",") or self.taken(";")) is not None

    def listed(self, closing: str) -> list[Tree]:
        items = [self.sum()]
        separators = set()
        while self.next in (",", ";"):
            separators.add(self.next)
            self.at += 1
            items.append(self.sum())
        if separators and separators != {"," if self.page.lang == "en" else ";"}:
            raise Unread(f"{separators} between numbers in {self.page.lang}")
        self.must(closing)
        return items

    def text_grid(self) -> Tree:
        """[a, b; c, d], and with the comma as the decimal sign [[a; b]; [c; d]]."""
        if self.page.lang != "en":
            rows = list[Tree]()
            while not rows or self.taken(";"):
                self.must("[")
                rows.append(Tree("row", tuple(self.listed("]"))))
            self.must("]")
            return Tree("grid", tuple(rows))
        rows, cells = [], [self.sum()]
        while not self.taken("]"):
            if self.taken(","):
                cells.append(self.sum())
            else:
                self.must(";")
                rows.append(Tree("row", tuple(cells)))
                cells = [self.sum()]
        return Tree("grid", (*rows, Tree("row", tuple(cells))))

    def absolute(self, bar: str) -> Tree:
        self.bars.append(bar)
        body = self.sum()
        self.must(bar)
        self.bars.pop()
        if bar == "|":
            return Tree("absolute", (body,))
        if self.next == "sub":
            if self.raw(self.must("sub")) != "F":
                raise Unread("a norm with a subscript")
            return Tree("norm", (body,), "F")
        return Tree("norm", (body,))

    def text_cases(self) -> Tree:
        when, otherwise = WORDS[self.page.lang]
        rows = list[Tree]()
        while True:
            value = self.sum()
            word = self.must("word").text
            if word == when:
                rows.append(Tree("case", (value, *self.conditions())))
            elif word == otherwise:
                rows.append(Tree("case", (value,)))
            else:
                raise Unread(f"{word} in cases")
            if not self.taken(";"):
                break
        self.must("}")
        return Tree("cases", tuple(rows))

    def cases(self, sign: Token) -> Tree:
        when, otherwise = WORDS[self.page.lang]
        rows = list[Tree]()
        for value, condition in zip(sign.parts[::2], sign.parts[1::2], strict=True):
            inner = self.inside(condition)
            word = inner.must("said").text
            if word not in (when, otherwise):
                raise Unread(f"{word} in cases")
            rows.append(Tree("case", (self.whole(value), *(inner.conditions() if word == when else ()))))
            inner.finish()
        return Tree("cases", tuple(rows))

    # ---- names

    def word(self, sign: Token) -> Tree:
        word = sign.text
        if word == "δ" and "δ" not in self.page.known and self.next == "sub":
            return Tree("delta", tuple(self.index_list(self.must("sub"), 2)))
        sub = self.peek() if self.next == "sub" else None
        after = self.peek(1 if sub else 0)
        if sub and word in OF_VECTORS and after.kind == "(":
            return self.along(word, self.index_list(self.must("sub"), 1)[0])
        name, _, letter = word.partition("_")  # softmax_i in text is one word
        if name in OF_VECTORS and letter in self.scope and self.next == "(":
            return self.along(name, Tree("letter", text=self.scope[letter]))
        sup = after if after.kind == "sup" else None
        found = list(self.readings(word, sub, sup))
        word = word.replace("_", " ")
        called = self.peek().kind == "(" and (word in FUNCTIONS or word in self.page.functions)
        if called and not (found and self.peek().gap and not self.latex and word not in FUNCTIONS):
            if not found:
                return self.call(word)
            if len(word) > 1:
                raise Unread(f"{word} is a function and a tensor")
        if len(found) > 1:
            raise Unread(f"{word} may be {' or '.join(str(tree) for tree, _ in found)}")
        if not found:
            raise Unread(f"nobody knows {word}{'_' + sub.raw if sub else ''} here")
        tree, used = found[0]
        self.at += used
        return tree

    def readings(self, word: str, sub: Token | None, sup: Token | None) -> list[tuple[Tree, int]]:
        """What a word may mean, and how many of the scripts behind it belong to that."""
        found = list[tuple[Tree, int]]()
        raw = self.raw(sub) if sub else ""
        numbered = sup is not None and re.fullmatch(r"\(\d+\)(⊤|\\top)?", sup.raw)  # no power, but a part of the name
        if word in self.scope and not numbered and not sub:  # an index has no index
            found.append((Tree("letter", text=self.scope[word]), 0))
        own = {own_sub for own_sub, *_ in self.page.known.get(word, ())}
        for own_sub, own_sup, name, rank in self.page.known.get(word, ()):
            if self.page.base and "0" in raw and raw in own and not own_sub:  # entries count from 1: w₀ is none
                continue
            tree, used = self.tensor(name, rank, own_sub, own_sup, raw, sub, sup)
            if tree:
                found.append((tree, used))
        if (f"{word}_{raw}" if sub else word) in self.page.sizes and not numbered:
            found.append((Tree("size", text=f"{word}_{raw}" if sub else word), 1 if sub else 0))
        if not found and word in ("e", "π") and not sub:
            found.append((Tree("constant", text=word), 0))
        return found

    def tensor(
        self, name: str, rank: int, own_sub: str, own_sup: str, raw: str, sub: Token | None, sup: Token | None
    ) -> tuple[Tree | None, int]:
        if own_sub and raw != own_sub:
            return None, 0
        if sup and not own_sup and re.fullmatch(r"\(\d+\)(⊤|\\top)?", sup.raw):
            return None, 0
        if own_sup and not (sup and sup.raw.replace("\\top ", "⊤").replace("\\top", "⊤").removesuffix("⊤") == own_sup):
            return None, 0
        indices: tuple[Tree, ...] = ()
        if sub and not own_sub:
            try:
                indices = tuple(self.index_list(sub, rank))
            except Unread as error:
                if rank and len([*self.page.known]) and not self.other(name):
                    raise
                del error
                return None, 0
        used = (sub is not None) + bool(own_sup)
        tree = Tree("tensor", indices, name)
        if own_sup and sup and sup.parts[0][-1:] and sup.parts[0][-1].kind == "⊤":
            tree = Tree("transposed", (tree,))
        return tree, used

    def other(self, name: str) -> bool:
        """Whether another tensor begins with the same letter."""
        return any(len(entries) > 1 and any(n == name for _, _, n, _ in entries) for entries in self.page.known.values())

    def raw(self, sub: Token) -> str:
        """A subscript as a word: h of W_h, "log p" of a longer name."""
        return " ".join(t.text for t in sub.parts[0] if t.kind != "sub").replace("_", " ") if sub.parts[0] else ""

    def whole_name(self, sub: Token) -> str:
        """A subscript as a name with its own: c₁ of 𝐄_{c₁}."""
        parts = [f"_{self.whole_name(t)}" if t.kind == "sub" else t.text for t in sub.parts[0]]
        return "".join(parts)

    def index_list(self, sub: Token, rank: int) -> list[Tree]:
        """The indices in a subscript: with commas between them, or close together, each one sign."""
        signs = sub.parts[0]
        pieces = cut(signs, ",")
        if len(pieces) == 1 and rank > 1:
            pieces = [[t] for sign in signs for t in self.characters(sign)]
            if len(pieces) != rank:
                raise Unread(f"{sub.raw} are not {rank} indices")
        if len(pieces) != rank:
            raise Unread(f"{sub.raw} are not {rank} indices")
        out = []
        for piece in pieces:
            if [t.kind for t in piece] == [":"]:
                out.append(Tree("colon"))
                continue
            inner = self.inside(piece, in_index=True)
            out.append(inner.sum())
            inner.finish()
        return out

    def characters(self, sign: Token) -> list[Token]:
        """The indices that a sign stands for: ij of text are two, 12 are two entries, i1 is one if it is a letter here."""
        if sign.kind == "number":
            return [Token("number", c) for c in sign.text]
        if sign.kind != "word" or sign.text in self.scope:
            return [sign]
        return [
            Token("number" if found.isdigit() else "word", found)
            for found in re.findall(r"\d|[^\W\d_][\u0300-\u036f]*", sign.text)
        ]

    def call(self, word: str) -> Tree:
        self.must("(")
        bars, self.bars = self.bars, []
        args = self.listed(")")
        self.bars = bars
        out = Tree("call", tuple(args), word)
        if self.next != "sub" or word not in OF_VECTORS:
            return out
        if args[0].op != "tensor" or args[0].args:
            raise Unread(f"an entry of {word} of what has no name")
        rank = next(r for n, r in self.page.tensors.values() if n == args[0].text)
        return Tree("entry", (out, *self.index_list(self.must("sub"), rank)))

    def along(self, word: str, letter: Tree) -> Tree:
        """softmax_i(a_i + b_i), the entry at i of the softmax of all of these: the letter means something here already."""
        if letter.op != "letter":
            raise Unread(f"{word} along what is no letter: {letter}")
        self.must("(")
        bars, self.bars = self.bars, []
        (body,) = self.listed(")")
        self.bars = bars
        return Tree("along", (body, letter), word)

    # ---- binders

    def big(self, sign: Token) -> Tree:
        """Σ and its like.  Under it stand letters, and conditions; a condition that begins with a letter that is not listed
        binds that letter, and the letters behind the relations, too, if they mean nothing else.
        """
        outer = self.scope
        self.scope = dict(outer)
        items = cut(sign.parts[0], ";")
        if len(items) == 1:
            items = cut(sign.parts[0], ",")
        elif self.page.lang == "en":
            raise Unread(f"semicolons below {sign.text}: {sign.raw}")
        names, listed = list[str](), list[str]()
        for item in items:
            if len(item) == 1 and item[0].kind == "word":
                listed.append(item[0].text)
        split = [c for word in listed for c in ([word] if self.latex or len(word) == 1 or word[1:].isdigit() else word)]
        for letter in split:
            names.append(self.bind(letter, outer))
        conditions = list[Tree]()
        for item in items:
            if len(item) == 1 and item[0].kind == "word":
                continue
            begins = len(item) > 2 and item[0].kind == "word" and item[1].kind in RELATIONS and item[0].text not in split
            if begins and not self.is_known(item[0].text):  # of a number it is a condition
                names.append(self.bind(item[0].text, outer))
                split.append(item[0].text)
                plain = [t.kind for t in item[::2]] == ["word"] * len(item[1::2]) + ["word"]  # i<j, i<j<k
                for other in [t.text for t in item[2::2]] if plain else []:
                    if other not in self.scope and not self.is_known(other):
                        names.append(self.bind(other, outer))
                        split.append(other)
            inner = self.inside(item, in_index=True)
            conditions.append(inner.chain())
            inner.finish()
        if not names:
            raise Unread(f"{sign.text} says nothing of its index: {sign.raw}")
        body = self.elementwise()
        self.scope = outer
        return Tree("big", (body, *conditions), sign.text, names=tuple(names))

    def bind(self, letter: str, outer: Mapping[str, str]) -> str:
        if letter in outer:
            raise Unread(f"{letter} is bound where it already means something")
        if self.is_known(letter):
            raise Unread(f"{letter} is an index and a tensor or a size")
        self.scope[letter] = f"{letter}#{next(_COUNT)}"
        return self.scope[letter]

    # ---- derivatives

    def derivative(self) -> Tree:
        """In text: ∂a/∂x, ∂(a b)/∂x, ∂/∂x[…], ∂²L/∂x∂y."""
        second = self.next == "sup"
        if second:
            self.must("sup")
        top = None if self.next == "/" else self.power()
        self.must("/")
        self.must("∂")
        return self.derived(top, second, self)

    def latex_fraction(self, sign: Token) -> Tree:
        upper, lower = sign.parts
        if not (upper and upper[0].kind == "∂" and lower and lower[0].kind == "∂"):
            return Tree("over", (self.whole(upper), self.whole(lower)))
        above, below = self.inside(upper), self.inside(lower)
        above.must("∂")
        second = above.taken("sup") is not None
        top = above.product() if above.next else None
        above.finish()
        below.must("∂")
        out = self.derived(top, second, below)
        below.finish()
        return out

    def derived(self, top: Tree | None, second: bool, below: Reader) -> Tree:
        by = self.variable(below)
        if second:
            if below.taken("sup"):
                return Tree("second", (top or Tree("number"), by, by))
            below.must("∂")
            return Tree("second", (top or Tree("number"), by, self.variable(below)))
        if top is None:
            self.must("[")
            bars, self.bars = self.bars, []
            top = self.sum()
            self.bars = bars
            self.must("]")
            return Tree("slope", (top, by))
        while top.op == "bracket":
            top = top.args[0]
        return Tree("derivative" if top.op == "tensor" else "slope", (top, by))

    def variable(self, below: Reader) -> Tree:
        at = below.at
        by = below.atom()
        if by.op == "bracket":
            by = by.args[0]
        if by.op != "tensor":
            raise Unread(f"a derivative by {by}")
        del at
        return by

    def nabla(self) -> Tree:
        second = self.next == "sup"
        sub = self.must("sub") if not second else None
        if second:
            self.must("sup")
            sub = self.must("sub")
        if self.next == "sup":
            self.must("sup")
            second = True
        assert sub
        by = self.inside(sub.parts[0]).atom()
        of = self.atom()
        if by.op != "tensor" or of.op != "tensor":
            raise Unread("∇ of what")
        return Tree("hessian" if second else "gradient", (of, by))
