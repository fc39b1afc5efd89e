r"""A teacher's own formulas: checked where they are read, so that every format can print them.

The commands that may be written are those that both amsmath (with amssymb) and KaTeX know and that do nothing but set
mathematics; anything that reads a file, defines a name or changes what characters mean is unknown here.
"""

from __future__ import annotations

import re

from derive.errors import DeriveError, Place, nearest

_WORDS = (
    # letters
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho sigma "
    "varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega "
    "ell hbar imath jmath partial nabla infty emptyset varnothing aleph Re Im wp prime "
    # operators and functions
    "sum prod int iint oint coprod bigcup bigcap bigoplus bigotimes bigodot bigvee bigwedge "
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max min Pr "
    "sec sin sinh sup tan tanh bmod "
    "pm mp times div cdot ast star circ bullet oplus ominus otimes oslash odot wedge vee land lor cap cup setminus top bot "
    "amalg dagger ddagger square blacksquare triangle Diamond lozenge bigstar neg lnot forall exists nexists angle surd "
    # relations and arrows
    "le leq ge geq ne neq ll gg equiv sim simeq approx cong propto prec succ preceq succeq subset supset subseteq "
    "supseteq in ni notin mid nmid parallel perp models vdash doteq triangleq leqslant geqslant lesssim gtrsim because "
    "therefore not to gets rightarrow leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow longrightarrow "
    "longleftarrow Longrightarrow mapsto longmapsto hookrightarrow uparrow downarrow updownarrow Uparrow Downarrow nearrow "
    "searrow swarrow nwarrow implies impliedby iff "
    # dots, spaces, brackets, sizes
    "dots ldots cdots vdots ddots dotsb dotsc quad qquad langle rangle lfloor rfloor lceil rceil lbrace rbrace lbrack rbrack "
    "vert Vert lvert rvert lVert rVert backslash left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr "
    "displaystyle textstyle scriptstyle limits nolimits colon checkmark hline"
)
_ARGUMENTS = {
    1: "hat bar tilde vec dot ddot check breve acute grave mathring widehat widetilde overline underline overrightarrow "
    "overleftarrow overbrace underbrace sqrt boxed phantom hphantom vphantom pmod operatorname substack mathrm mathbf mathit "
    "mathsf mathtt mathcal mathbb mathfrak boldsymbol xrightarrow xleftarrow",
    2: "frac dfrac tfrac cfrac binom dbinom tbinom overset underset stackrel",
}
ARGUMENTS = {name: count for count, names in _ARGUMENTS.items() for name in names.split()}
WORDS = frozenset(("text", "textrm", "textbf", "textit", "textsf", "texttt"))
COMMANDS = frozenset(_WORDS.split()) | frozenset(ARGUMENTS) | WORDS
SIGNS = frozenset("\\,;:! {}|%#&_$")
ENVIRONMENTS = frozenset(
    ("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix", "cases", "aligned", "gathered", "array")
)
DEPTH = 40

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\\$|.", re.DOTALL)


def checked(code: str, place: Place) -> str:
    """The formula in one line, its `%` and `#` made printable; `DeriveError` where it could not be printed."""
    flat = re.sub(r"(?<!\\)((?:\\\\)*)([%#])", r"\1\\\2", " ".join(code.split()))
    checker = _Checker(flat, place)
    checker.row("")
    return flat


class _Checker:
    """Reads a formula as TeX would, and stops at what TeX would stumble over."""

    def __init__(self, code: str, place: Place) -> None:
        self.tokens = [token for token in _TOKEN.findall(code) if not token.isspace()]
        self.place = place
        self.at = self.depth = self.tables = 0

    def peek(self) -> str:
        return self.tokens[self.at] if self.at < len(self.tokens) else ""

    def next(self) -> str:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else ""

    def row(self, end: str) -> None:
        """Everything up to `end`, which is read too."""
        self.depth += 1
        if self.depth > DEPTH:
            raise self.error("The formula is nested too deeply.")
        while (token := self.peek()) != end:
            if token in ("", "}", r"\right", r"\end"):
                raise self.error(f"{token} closes nothing." if token else f"A {end} is missing.")
            self.item()
            self.scripts()
        self.next()
        self.depth -= 1

    def item(self) -> None:
        """One symbol, group or construction, without its scripts."""
        token = self.next()
        name = token[1:] if token.startswith("\\") else ""
        if token == "{":
            self.row("}")
        elif token in ("^", "_"):
            self.at -= 1  # scripts of nothing: {}^n
        elif token == "&" and not self.tables:
            raise self.error("& separates columns, and there are none here.", r"Write \& for the character.")
        elif token == "\\":
            raise self.error("The formula ends in a lone backslash.")
        elif name in WORDS:
            self.words(token)
        elif token == r"\left":
            self.next()
            self.row(r"\right")
            self.next()
        elif token == r"\begin":
            self.environment()
        elif name in COMMANDS:
            self.arguments(token, name)
        elif name and name not in SIGNS:
            known = (f"\\{command}" for command in COMMANDS)
            raise self.error(f"The command {token} is not known in formulas.", nearest(token, known))

    def arguments(self, token: str, name: str) -> None:
        if name in ("sqrt", "xrightarrow", "xleftarrow") and self.peek() == "[":
            while self.next() not in ("]", ""):
                pass
        for _ in range(ARGUMENTS.get(name, 0)):
            self.argument(token)

    def argument(self, of: str) -> None:
        if self.peek() in ("", "}", "&", r"\right", r"\end", "^", "_"):
            raise self.error(f"{of} needs something after it.")
        self.item()

    def scripts(self) -> None:
        """An index and an exponent, at most one of each."""
        seen: set[str] = set()
        while (token := self.peek()) in ("^", "_", "'"):
            if token.replace("'", "^") in seen:
                raise self.error(f"Two {token} in a row.", "Put the inner one in braces: x^{a^b}.")
            self.next()
            if token != "'":
                seen.add(token)
                self.argument(token)

    def words(self, command: str) -> None:
        """Plain text in braces."""
        if self.next() != "{":
            raise self.error(f"{command} needs words in braces.")
        while (token := self.next()) != "}":
            if token in ("", "{", "^", "_", "&") or (token.startswith("\\") and token[1:] not in SIGNS):
                raise self.error(f"The words of {command} may not hold {token}." if token else f"{command} is never closed.")

    def environment(self) -> None:
        name = self.name()
        if name not in ENVIRONMENTS:
            raise self.error(f"The environment '{name}' cannot be used in a formula.", f"Use {', '.join(sorted(ENVIRONMENTS))}.")
        self.tables += 1
        if name == "array":
            self.argument(r"\begin{array}")
        self.row(r"\end")
        if (closed := self.name()) != name:
            raise self.error(rf"\begin{{{name}}} is closed by \end{{{closed}}}.")
        self.tables -= 1

    def name(self) -> str:
        """The name of an environment, between braces."""
        if self.next() != "{":
            raise self.error("An environment needs a name in braces.")
        letters = iter(self.next, "}")
        return "".join(letter for letter, _ in zip(letters, range(20), strict=False))

    def error(self, message: str, hint: str = "") -> DeriveError:
        return DeriveError(message, self.place, hint)
