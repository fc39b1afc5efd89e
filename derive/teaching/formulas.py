r"""A teacher's own formulas: checked where they are read, so that every format can print them.

The commands that may be written are those that both amsmath (with amssymb) and KaTeX know and that do nothing but set
mathematics; anything that reads a file, defines a name or changes what characters mean is unknown here.
"""

from __future__ import annotations

import re
from difflib import get_close_matches
from itertools import pairwise

from derive.errors import DeriveError, Place

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
    "le leq ge geq ne neq ll gg lt gt equiv sim simeq approx cong propto prec succ preceq succeq subset supset subseteq "
    "supseteq in ni notin mid nmid parallel perp models vdash doteq triangleq leqslant geqslant lesssim gtrsim because "
    "therefore not to gets rightarrow leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow longrightarrow "
    "longleftarrow Longrightarrow mapsto longmapsto hookrightarrow uparrow downarrow updownarrow Uparrow Downarrow nearrow "
    "searrow swarrow nwarrow implies impliedby iff "
    # dots, spaces, brackets, sizes
    "dots ldots cdots vdots ddots dotsb dotsc quad qquad langle rangle lfloor rfloor lceil rceil lbrace rbrace lbrack rbrack "
    "vert Vert lvert rvert lVert rVert backslash left right middle big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr "
    "displaystyle textstyle scriptstyle limits nolimits colon checkmark hline begin end"
)
_ARGUMENTS = {
    1: "hat bar tilde vec dot ddot check breve acute grave mathring widehat widetilde overline underline overrightarrow "
    "overleftarrow overbrace underbrace sqrt boxed phantom hphantom vphantom pmod operatorname substack mathrm mathbf mathit "
    "mathsf mathtt mathcal mathbb mathfrak mathscr boldsymbol text textrm textbf textit textsf texttt xrightarrow xleftarrow",
    2: "frac dfrac tfrac cfrac binom dbinom tbinom overset underset stackrel",
}
ARGUMENTS = {name: count for count, names in _ARGUMENTS.items() for name in names.split()}
COMMANDS = frozenset(_WORDS.split()) | frozenset(ARGUMENTS)
SIGNS = frozenset("\\,;:! {}|%#&_$")
ENVIRONMENTS = frozenset(
    "matrix pmatrix bmatrix Bmatrix vmatrix Vmatrix smallmatrix cases aligned gathered array split".split(),
)
DEPTH = 40

_TOKEN = re.compile(r"\\[A-Za-z]+|\\.|\\$|\s+|.", re.DOTALL)
_ENVIRONMENT = re.compile(r"\\(?:begin|end)\s*\{([^{}]*)\}")


def checked(code: str, place: Place) -> str:
    """The formula in one line, its `%` and `#` made printable; `DeriveError` where it could not be printed."""
    flat = re.sub(r"(?<!\\)((?:\\\\)*)([%#])", r"\1\\\2", " ".join(code.split()))
    _Checker(flat, place).check()
    return flat


class _Checker:
    """Follows brackets and environments through one formula."""

    def __init__(self, code: str, place: Place) -> None:
        self.code, self.place = code, place
        self.open: list[str] = []

    def check(self) -> None:
        for name in _ENVIRONMENT.findall(self.code):
            if name not in ENVIRONMENTS:
                raise self.error(f"The environment '{name}' cannot be used in a formula.", ", ".join(sorted(ENVIRONMENTS)))
        plain = _ENVIRONMENT.sub(lambda found: f"\\{found[0][1:4].strip()} ", self.code)
        tokens = [token for token in _TOKEN.findall(plain) if not token.isspace()]
        for token, after in pairwise([*tokens, ""]):
            self.token(token, after)
        if self.open:
            raise self.error(f"{self.open[-1]} is never closed.")
        self.scripts(tokens)

    def token(self, token: str, after: str) -> None:
        if token in ("{", r"\left", r"\beg"):
            self.open.append(token.replace("beg", "begin"))
            if len(self.open) > DEPTH:
                raise self.error("The formula is nested too deeply.")
        elif token in ("}", r"\right", r"\end"):
            opening = {"}": "{", r"\right": r"\left", r"\end": r"\begin"}[token]
            if not self.open or self.open.pop() != opening:
                raise self.error(f"{token} closes nothing.")
        elif token == "&" and r"\begin" not in self.open:
            raise self.error("& separates columns, and there are none here.", r"Write \& for the character.")
        elif token == "\\":
            raise self.error("The formula ends in a lone backslash.")
        elif token.startswith("\\") and token[1:] not in SIGNS and token[1:] not in COMMANDS:
            near = get_close_matches(token[1:], sorted(COMMANDS), n=1)
            raise self.error(f"The command {token} is not known in formulas.", f"Did you mean \\{near[0]}?" if near else "")
        if after in ("}", "", "&", r"\end", r"\right", "^", "_") and (token in ("^", "_") or token[1:] in ARGUMENTS):
            raise self.error(f"{token} is followed by nothing.")

    def scripts(self, tokens: list[str]) -> None:
        """No formula has two exponents, or two indices, in a row."""
        seen: list[set[str]] = [set()]
        argument = False
        for token in tokens:
            if token in ("^", "_"):
                if token in seen[-1]:
                    raise self.error(f"Two {token} in a row.", "Put the inner one in braces: x^{a^b}.")
                seen[-1].add(token)
                argument = True
                continue
            if token == "{":
                seen.append({"{"} if argument else set())
            elif token == "}" and len(seen) > 1:
                if "{" not in seen.pop():
                    seen[-1].clear()
            elif not argument:
                seen[-1] -= {"^", "_"}
            argument = False

    def error(self, message: str, hint: str = "") -> DeriveError:
        return DeriveError(message, self.place, hint)
