r"""A teacher's own formulas, read by a grammar that knows every command and its arguments, and written anew from what was read.

The commands are those that both amsmath (with amssymb) and KaTeX know and that do nothing but set mathematics.  Only what a rule
of the grammar returns is written, so that no token reaches LaTeX that the grammar has not understood; what it accepts compiles.

    row      = (base script*)*
    base     = symbol | operator \limits? | group | command argument* | \left delimiter row \right delimiter | environment
    script   = "'"+ | ("^" | "_") argument        at most one above and one below
    argument = symbol | group | base, which is put in braces
    group    = "{" row "}"
    cells    = \hline* row ("&" row)* (("\\" | "\\[" length "]") \hline* row ("&" row)*)*
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from derive.errors import DeriveError, Place, nearest, said
from derive.teaching.formats import escape

# ---------------------------------------------------------------- the commands, by what they take

_LETTERS = (
    "alpha beta gamma delta epsilon varepsilon zeta eta theta vartheta iota kappa lambda mu nu xi pi varpi rho varrho sigma "
    "varsigma tau upsilon phi varphi chi psi omega Gamma Delta Theta Lambda Xi Pi Sigma Upsilon Phi Psi Omega "
    "ell imath jmath partial nabla infty aleph Re Im wp prime top ast star circ bullet dagger perp"
)
"""What may be an argument or a script without braces."""

_SYMBOLS = (
    "hbar emptyset varnothing "
    "pm mp times div cdot oplus ominus otimes oslash odot wedge vee land lor cap cup setminus bot "
    "amalg ddagger square blacksquare triangle Diamond lozenge bigstar neg lnot forall exists nexists angle surd bmod "
    "le leq ge geq ne neq ll gg equiv sim simeq approx cong propto prec succ preceq succeq subset supset subseteq "
    "supseteq in ni notin mid nmid parallel models vdash doteq triangleq leqslant geqslant lesssim gtrsim because "
    "therefore not to gets rightarrow leftarrow leftrightarrow Rightarrow Leftarrow Leftrightarrow longrightarrow "
    "longleftarrow Longrightarrow mapsto longmapsto hookrightarrow nearrow searrow swarrow nwarrow implies impliedby iff "
    "dots ldots cdots vdots ddots dotsb dotsc colon checkmark"
)
_DELIMITERS = (
    "langle rangle lfloor rfloor lceil rceil lbrace rbrace lbrack rbrack vert Vert lvert rvert lVert rVert backslash "
    "uparrow downarrow updownarrow Uparrow Downarrow"
)
_SPACES = "quad qquad displaystyle textstyle scriptstyle"
_BIG_OPERATORS = "sum prod int iint oint coprod bigcup bigcap bigoplus bigotimes bigodot bigvee bigwedge"
_FUNCTIONS = (
    "arccos arcsin arctan arg cos cosh cot coth csc deg det dim exp gcd hom inf ker lg lim liminf limsup ln log max min Pr "
    "sec sin sinh sup tan tanh"
)
_ARGUMENTS = {
    1: "hat bar tilde vec dot ddot check breve acute grave mathring widehat widetilde overline underline overrightarrow "
    "overleftarrow overbrace underbrace sqrt boxed phantom hphantom vphantom pmod operatorname substack mathrm mathbf mathit "
    "mathsf mathtt mathcal mathbb mathfrak boldsymbol xrightarrow xleftarrow",
    2: "frac dfrac tfrac cfrac binom dbinom tbinom overset underset stackrel",
}
_SIZES = "big Big bigg Bigg bigl bigr Bigl Bigr biggl biggr Biggl Biggr"

ARGUMENTS = {name: count for count, names in _ARGUMENTS.items() for name in names.split()}
OPTIONAL = frozenset(("sqrt", "xrightarrow", "xleftarrow"))
"""The commands that take a row in square brackets before their argument."""
LETTERS = frozenset(_LETTERS.split())
OPERATORS = frozenset((*_BIG_OPERATORS.split(), *_FUNCTIONS.split()))
SPACES = frozenset(_SPACES.split())
SIZES = frozenset(_SIZES.split())
PLAIN = LETTERS | SPACES | frozenset((*_SYMBOLS.split(), *_DELIMITERS.split()))
"""The commands that take nothing."""
WORDS = frozenset(("text", "textrm", "textbf", "textit", "textsf", "texttt"))
PLACED = frozenset(("left", "right", "middle", "limits", "nolimits", "hline"))
"""The commands that stand in certain places only."""
COMMANDS = PLAIN | OPERATORS | SIZES | WORDS | PLACED | frozenset(ARGUMENTS)
SIGNS = frozenset(",;:! {}|%#&_$")
"""The signs that are printed, or are spaces, behind a backslash."""

CHARACTERS = frozenset("+-*/=<>()[]|!?.,:;@~") | frozenset(map(chr, (*range(48, 58), *range(65, 91), *range(97, 123))))
TEXT_CHARACTERS = CHARACTERS | frozenset(" '\"")
TEXT_SIGNS = frozenset(", {}%#&_$")
DELIMITERS = frozenset((*"()[]|/.<>", r"\{", r"\}", r"\|", *(f"\\{name}" for name in _DELIMITERS.split())))


@dataclass(frozen=True)
class Cells:
    """The cells of an environment: how many a row has at most, and whether rules stand between the rows."""

    columns: int
    rules: bool = False


MATRIX = Cells(10)
ENVIRONMENTS = {
    **dict.fromkeys(("matrix", "pmatrix", "bmatrix", "Bmatrix", "vmatrix", "Vmatrix", "smallmatrix"), MATRIX),
    "cases": Cells(2),
    "aligned": Cells(20),
    "gathered": Cells(1),
    "array": Cells(20, rules=True),
}
ALPHABETS = {"mathbb": "[A-Z ]", "mathcal": "[A-Z ]", "mathfrak": "[A-Za-z0-9 ]"}
"""The alphabets whose fonts hold nothing else: TeX would print other signs, or none."""
ACCENTS = frozenset(("hat", "bar", "tilde", "vec", "dot", "ddot", "check", "breve", "acute", "grave", "mathring"))
WIDE_ACCENTS = frozenset(("widehat", "widetilde"))

COPIES = dict.fromkeys(
    (*WORDS, "boldsymbol", "phantom", "hphantom", "vphantom", "overrightarrow", "overleftarrow"), 4
) | dict.fromkeys(("overset", "underset", "overbrace", "underbrace", "xrightarrow", "xleftarrow"), 3)
"""The commands that TeX carries out several times, once for each size that they might have."""

DEPTH, WORK, EXTENT = 30, 6_000, 1_000
"""How deep a formula may be nested, how many signs TeX may set for it, and how many em it may be wide or high: TeX cannot add up
lengths beyond 1,300."""

WIDE = frozenset(("quad", "qquad", "pmod", "bmod", "iff", "implies", "impliedby", "longmapsto", "longrightarrow", "longleftarrow",
                  "Longrightarrow", *_FUNCTIONS.split(), *_SIZES.split()))  # fmt: skip
"""What may be up to 4 em wide or high; everything else is at most one."""

# ---------------------------------------------------------------- tokens

_TOKEN = re.compile(r"\\[A-Za-z]+|\\(?:\s|.)?|[⁰¹²³⁴-⁹⁺⁻ⁿⁱᵀ]+|[₀-₉₊₋]+|.", re.DOTALL)
_SCRIPTS = {"ᵀ": r"\top", "⁺": "+", "⁻": "-", "₊": "+", "₋": "-"}


@dataclass(frozen=True, slots=True)
class Token:
    """A command, a sign or a character, whether a space was typed before it, and where it stands in the formula."""

    text: str
    spaced: bool
    start: int
    end: int

    def __str__(self) -> str:
        return f" {self.text}" if self.spaced else self.text


def tokens(code: str) -> list[Token]:
    """The tokens of a formula, what TeX has no character for spelled as its command: `σ` is `\\sigma`, `x²` is `x^{2}`."""
    out: list[Token] = []
    spaced = False
    for found in _TOKEN.finditer(code):
        if found[0].isspace():
            spaced = True
            continue
        for spelled in _spelled(found[0]):
            out.append(Token(spelled, spaced, found.start(), found.end()))
            spaced = False
    return out


def _spelled(text: str) -> list[str]:
    if text in "%#":
        return [f"\\{text}"]
    if text[0] == "\\" or text.isascii():
        return ["\\ " if text[1:].isspace() and len(text) == 2 else text]
    if text[0] in "⁰¹²³⁴⁵⁶⁷⁸⁹⁺⁻ⁿⁱᵀ₀₁₂₃₄₅₆₇₈₉₊₋":
        script = [_SCRIPTS.get(sign) or unicodedata.normalize("NFKC", sign) for sign in text]
        return ["_" if text[0] in "₀₁₂₃₄₅₆₇₈₉₊₋" else "^", "{", *script, "}"]
    if text in escape.SYMBOLS:
        return _TOKEN.findall(escape.SYMBOLS[text])
    return [{"\u2212": "-", "\u2032": "'", "\u2044": "/", "…": r"\ldots"}.get(text, text)]


# ---------------------------------------------------------------- the grammar

LATIN = escape.LATIN - frozenset("¡¢§ª«¶º»¿‚„†‡•€‰‹›™")
"""The letters and marks beside ASCII that both LaTeX and KaTeX set in words."""

_CLOSERS = frozenset(("", "}", r"\right", r"\end"))
_LENGTH = re.compile(r"-?\d{1,3}(\.\d{1,4})?(pt|em|ex|mm|cm)")
_EM = {"pt": 0.1, "em": 1.0, "ex": 0.43, "mm": 0.26, "cm": 2.6}


def checked(code: str, place: Callable[[int, int], Place]) -> str:
    """The formula in one line, as it may be printed; `DeriveError` where it could not be.

    `place` says where the characters from one number to another stand in the lecture.
    """
    return _Parser(unicodedata.normalize("NFC", code), place).formula()


@dataclass(frozen=True, slots=True)
class _Base:
    """What scripts may stand at: as it is written, and what may follow it."""

    latex: str
    kind: str = "atom"
    """`plain` needs no braces as an argument, an `operator` takes \\limits, on a `space` no script can stand, an `open`
    one needs braces for it."""


class _Parser:
    """Reads a formula from left to right; every method returns what it has read as LaTeX."""

    def __init__(self, code: str, place: Callable[[int, int], Place]) -> None:
        self.tokens = tokens(code)
        self.place = place
        self.at = self.depth = self.work = self.accents = self.brackets = 0
        self.extent = 0.0
        self.lone = False
        self.copies = 1
        self.length = len(code)

    def peek(self) -> str:
        return self.tokens[self.at].text if self.at < len(self.tokens) else ""

    def next(self) -> Token:
        self.at += 1
        return self.tokens[self.at - 1] if self.at <= len(self.tokens) else self.end

    @property
    def end(self) -> Token:
        return Token("", False, max(0, self.length - 1), self.length)

    def formula(self) -> str:
        latex = self.row(("",)).removeprefix(" ")
        return latex + "{}" if latex.endswith("\\ ") else latex

    def row(self, ends: Sequence[str], middle: bool = False) -> str:
        """Bases with their scripts up to one of the tokens `ends`, which stays unread."""
        out: list[str] = []
        while (token := self.peek()) not in ends:
            if token in _CLOSERS:
                whole = Token("", False, 0, self.length)
                raise (
                    self.error(said("{token} closes nothing.", token=token))
                    if token
                    else self.error(said("A {end} is missing.", end=ends[-1]), at=whole)
                )
            out.append(self.scripted(middle))
        self.lone = self.lone and len(out) == 1
        return joined(out)

    def nested(self, ends: Sequence[str], levels: int = 1, middle: bool = False) -> str:
        """A row inside of something, its end read too."""
        self.deeper(levels)
        row = self.row(ends, middle)
        if self.lone:  # TeX takes the braces from around a lone accent: its scripts would meet those of the group
            row, self.lone = row + "{}", False
        self.next()
        self.depth -= levels
        return row

    def deeper(self, levels: int) -> None:
        self.depth += levels
        if self.depth > DEPTH:
            raise self.error("The formula is nested too deeply.")

    # ------------------------------------------------------------ bases and scripts

    def scripted(self, middle: bool) -> str:
        """One base with its index and its exponent, at most one of each."""
        base = _Base("", "space") if self.peek() in ("^", "_", "'") else self.base(middle)
        scripts, seen = "", set[str]()
        while (token := self.peek()) in ("^", "_", "'"):
            above = token.replace("'", "^")
            if above in seen:
                raise self.error(said("Two {token} in a row.", token=token), "Put the inner one in braces: x^{a^b}.")
            seen.add(above)
            primed = token == "'"
            while self.peek() == "'":
                scripts += self.next().text
            if not primed or self.peek() == "^":  # an exponent right behind primes goes on with them
                mark = self.next()
                scripts += f"{mark.text if primed else mark}{self.argument(mark)}"
        self.lone = bool(scripts) and base.kind == "accent"
        if scripts and base.kind == "open":  # to MathJax the scripts would be those of what is inside
            return f"{{{base.latex}}}{scripts}"
        return base.latex + ("{}" if scripts and base.kind == "space" else "") + scripts

    def base(self, middle: bool = False) -> _Base:
        """One symbol, group or construction, without its scripts."""
        token = self.next()
        text, name = token.text, token.text[1:]
        self.counted(token)
        if text == "{":
            return _Base(f"{_space(token)}{{{self.nested(('}',))}}}")
        if not text.startswith("\\"):
            return self.character(token)
        if text == "\\":
            raise self.error("The formula ends in a lone backslash.", at=token)
        if text == r"\begin":
            return _Base(_space(token) + self.environment())
        if name in SIGNS:
            return _Base(str(token), "space" if name in ",;:! " else "atom")
        if name in PLAIN:
            return _Base(str(token), "plain" if name in LETTERS else "space" if name in SPACES else "atom")
        if name in WORDS:
            return _Base(f"{token}{{{self.words(token)}}}")
        if name in ARGUMENTS:
            return self.command(token)
        if name in OPERATORS:
            return self.operator(str(token))
        if name in SIZES or name in PLACED:
            return self.placed(token, middle)
        if text == r"\\":
            raise self.error(r"\\ begins a new row, and there are no rows here.", r"Use \begin{aligned} … \end{aligned}.", token)
        own = said("Write {form}.", form=rf"\mathbb{{{name}}}") if len(name) == 1 and name.isupper() else ""
        hint = own or nearest(text, (f"\\{command}" for command in COMMANDS))
        raise self.error(said("The command {text} is not known in formulas.", text=text), hint, token)

    def counted(self, token: Token) -> None:
        self.work += self.copies
        self.extent += 4 if token.text[1:] in WIDE else 1
        if self.work > WORK or self.extent > EXTENT:
            raise self.error("The formula is too large.", "Cut it into several.", token)

    def character(self, token: Token) -> _Base:
        text = token.text
        if text in CHARACTERS:
            return _Base(str(token), "plain" if text.isalnum() else "atom")
        if text in LATIN and text.isalpha():
            return _Base(rf"{_space(token)}\text{{{text}}}")
        hints = {"&": r"Write \& for the character.", "$": r"Write \$ for the character.", "`": "Write ' for a prime."}
        if text == "&":
            raise self.error("& separates columns, and there are none here.", hints[text], token)
        named = text if text.isprintable() and not unicodedata.combining(text) else f"U+{ord(text):04X}"
        hint = hints.get(text, r"Write \hat{x} or \bar{x} for accents." if unicodedata.combining(text) else "")
        raise self.error(said("The character {named} cannot be set in a formula.", named=named), hint, token)

    def placed(self, token: Token, middle: bool) -> _Base:
        """What stands in certain places only: sizes and fences with their delimiters, limits, rules."""
        match token.text:
            case r"\left":
                opened = self.delimiter(token)
                inner = self.nested((r"\right",), 2, middle=True)
                closed = self.delimiter(self.tokens[self.at - 1])
                return _Base(joined([opened, inner, closed]))
            case r"\middle" if not middle:
                raise self.error(r"\middle stands between \left and \right.", r"Outside of them write \big|.", token)
            case r"\limits" | r"\nolimits":
                raise self.error(said(r"{text} follows an operator, such as \sum.", text=token.text), at=token)
            case r"\hline":
                raise self.error(r"\hline stands at the beginning of a row of an array.", at=token)
        return _Base(self.delimiter(token))

    def delimiter(self, token: Token) -> str:
        """A command with the delimiter that it makes large."""
        found = self.next()
        if found.text not in DELIMITERS:
            raise self.error(
                said("{text} needs a delimiter after it.", text=token.text), "Such as ( or | or \\{, or . for none.", found
            )
        return joined([str(token), str(found)])

    def operator(self, latex: str) -> _Base:
        if self.peek() in (r"\limits", r"\nolimits"):
            return _Base(joined([latex, str(self.next())]), "operator")
        return _Base(latex, "operator")

    # ------------------------------------------------------------ commands with arguments

    def command(self, token: Token) -> _Base:
        name, out = token.text[1:], [str(token)]
        starred = name == "operatorname" and self.peek() == "*"
        if starred:
            out.append(self.next().text)
        copies, self.copies = self.copies, self.copies * COPIES.get(name, 1)
        self.deeper(1)
        if name in OPTIONAL and self.peek() == "[":
            out.append(self.optional())
        accents = self.accents
        read = self.letters if name in ALPHABETS else self.lines if name == "substack" else self.argument
        out += [read(token) for _ in range(ARGUMENTS[name])]
        if name in ACCENTS and self.accents > accents:
            self.one_accent(token, out[-1], self.accents - accents)
        self.accents += self.copies * (name in ACCENTS or name in WIDE_ACCENTS)
        self.depth -= 1
        self.copies = copies
        if starred:
            return self.operator(joined(out))
        kinds = {"operatorname": "operator", "underset": "open", "boldsymbol": "open"} | dict.fromkeys(
            (*ACCENTS, *WIDE_ACCENTS), "accent"
        )
        return _Base(joined(out), kinds.get(name, "atom"))

    def one_accent(self, of: Token, argument: str, accents: int) -> None:
        """Under an accent there is at most one other, and then no script: amsmath loses its way among more."""
        if accents > self.copies or re.search("[_^']", argument):
            raise self.error(
                said("There is too much under {text}, with another accent.", text=of.text), r"Use \overline or \widehat.", of
            )

    def argument(self, of: Token) -> str:
        """A group, or a base, in braces where it is more than a letter."""
        following = self.peek()
        if following in _CLOSERS or following in ("&", r"\\", "^", "_", "'", "["):
            hint = "Put it in braces." if following and following not in _CLOSERS else ""
            raise self.error(said("{text} needs something after it.", text=of.text), hint, of)
        if following == "{":
            return self.base().latex
        found = self.base()
        if found.kind == "operator" and self.peek() == "{":
            raise self.error(
                said("{text} takes {inner} alone.", text=of.text, inner=found.latex.strip()),
                "Put braces around all that belongs to it.",
                of,
            )
        return found.latex if found.kind == "plain" else f"{{{found.latex.removeprefix(' ')}}}"

    def optional(self) -> str:
        """A row in square brackets, inside braces where it holds brackets, or begins with a brace, which KaTeX takes off."""
        self.next()
        self.brackets += 1
        row = self.nested(("]",))
        self.brackets -= 1
        return f"[{{{row}}}]" if re.search(r"^ ?\{|[][]", row) else f"[{row}]"

    def letters(self, of: Token) -> str:
        """What an alphabet has, in braces or one alone."""
        argument = self.argument(of)
        if re.fullmatch(ALPHABETS[of.text[1:]] + "*", argument.replace("{", "").replace("}", "")) is None:
            kind = "letters and digits" if of.text == r"\mathfrak" else "capital letters"
            raise self.error(
                said("{text} has {kind} only.", text=of.text, kind=kind),
                r"Write \mathbf{1}, \mathrm{x} or \text{…} for others.",
                of,
            )
        return argument

    def lines(self, of: Token) -> str:
        r"""The lines of \substack."""
        if self.next().text != "{":
            raise self.error(r"\substack needs its lines in braces.", at=of)
        return f"{{{self.cells(Cells(1), '}')}}}"

    # ------------------------------------------------------------ words and environments

    def words(self, command: Token) -> str:
        """Plain text in braces, its spaces kept."""
        if self.next().text != "{":
            raise self.error(said("{text} needs words in braces.", text=command.text), at=command)
        out = ""
        while (token := self.next()).text != "}":
            text = token.text
            if text == "":
                raise self.error(said("{text} is never closed.", text=command.text), at=command)
            if text not in TEXT_CHARACTERS and text not in LATIN and not (text[0] == "\\" and text[1:] in TEXT_SIGNS):
                shown = text if text.isprintable() else f"U+{ord(text[0]):04X}"
                raise self.error(
                    said("The words of {text} may not hold {shown}.", text=command.text, shown=shown),
                    "Close them first: \\text{if } x.",
                    token,
                )
            self.counted(token)
            out += _space(token) + _WORDS.get(text, text)
        return out + _space(token)

    def environment(self) -> str:
        opened = self.tokens[self.at - 1]
        name = self.name()
        if name not in ENVIRONMENTS:
            known = ", ".join(sorted(ENVIRONMENTS))
            raise self.error(
                said("The environment '{name}' cannot be used in a formula.", name=name),
                said("Use {known}.", known=known),
                opened,
            )
        if self.brackets:  # an & there would end the cell of a matrix around it
            raise self.error(said("'{name}' cannot stand in square brackets.", name=name), at=opened)
        form, columns = ENVIRONMENTS[name], ""
        if name == "array":
            columns = self.columns()
            form = Cells(len(columns.replace("|", "")), rules=True)
        inner = self.cells(form, r"\end", 4)
        end = self.tokens[self.at - 1]
        if (closed := self.name()) != name:
            raise self.error(said(r"\begin{{{name}}} is closed by \end{{{closed}}}.", name=name, closed=closed), at=end)
        columns = f"{{{columns}}}" if columns else ""
        return joined([rf"\begin{{{name}}}{columns}", inner, rf"\end{{{name}}}"])

    def columns(self) -> str:
        """The columns of an array: l, c and r, with bars between them."""
        spec = self.name()
        if re.fullmatch(r"\|{0,2}([lcr]\|{0,2}){1,20}", spec) is None:
            raise self.error(
                "An array needs its columns in braces.", r"For example \begin{array}{l|cr}: at most 20 of l, c and r."
            )
        return spec

    def cells(self, form: Cells, end: str, levels: int = 1) -> str:
        """Rows of cells, up to their end, which is read too."""
        self.deeper(levels)
        out: list[str] = []
        column = 1
        fresh = True
        while True:
            while fresh and form.rules and self.peek() == r"\hline":
                out.append(str(self.next()))
            cell = self.row(("&", r"\\", end))
            out.append(f"{{}}{cell.lstrip()}" if fresh and cell.lstrip()[:1] in ("[", "*") else cell)
            mark = self.next()
            if mark.text == end:
                self.depth -= levels
                return joined(out) + _space(mark)
            column, fresh = (column + 1, False) if mark.text == "&" else (1, True)
            if column > form.columns:
                raise self.error(
                    said("There are more than {columns} columns here.", columns=form.columns),
                    r"Write \& for the character.",
                    mark,
                )
            self.counted(mark)
            out.append(str(mark) + (self.length_of_gap() if fresh else ""))

    def length_of_gap(self) -> str:
        """The length that may follow the end of a row, in square brackets."""
        if self.peek() != "[" or self.tokens[self.at].spaced:
            return ""
        opened = self.next()
        letters = self.until("]")
        if (found := _LENGTH.fullmatch(letters)) is None:
            raise self.error(r"\\[ ] takes a length.", r"Such as \\[2pt]; write \\ [x] for a bracket.", opened)
        self.extent += abs(float(letters[:-2])) * _EM[found[2]]
        self.counted(opened)
        return f"[{letters}]"

    def name(self) -> str:
        """The name of an environment, or the columns of an array, between braces."""
        if self.next().text != "{":
            raise self.error("An environment needs a name in braces.")
        return self.until("}")

    def until(self, end: str) -> str:
        """The bare characters up to `end`, which is read too."""
        letters = ""
        while (text := self.next().text) not in (end, "") and len(letters) < 50:
            letters += text
        return letters

    def error(self, message: str, hint: str = "", at: Token | None = None) -> DeriveError:
        """What is wrong, and where: at a token, or else at the one that is next."""
        at = at or (self.tokens[self.at] if self.at < len(self.tokens) else self.end)
        return DeriveError(message, self.place(at.start, at.end), hint)


_WORDS = {"|": r"\textbar{}", "<": r"\textless{}", ">": r"\textgreater{}"}


def _space(token: Token) -> str:
    return " " if token.spaced else ""


def joined(parts: Sequence[str]) -> str:
    """Pieces of a formula side by side, a command kept apart from what would be read as more of its name.

    >>> joined([r"\\alpha", "x"]), joined([r"\\alpha", "@"]), joined([r"\\alpha", "2"])
    ('\\\\alpha x', '\\\\alpha @', '\\\\alpha2')
    """
    out: list[str] = []
    for part in filter(None, parts):
        if (part[0].isalpha() or part[0] == "@") and out and _ENDS_IN_COMMAND.search(out[-1][-30:]):
            out.append(" ")
        out.append(part)
    return "".join(out)


_ENDS_IN_COMMAND = re.compile(r"\\[A-Za-z]+$")  # KaTeX counts @ as a letter of a name
