"""Text → statements.  The text is never evaluated: Python's grammar reads it and a whitelist decides what may stay.

    statement   = declaration | definition
    declaration = name ":" ("[" axes "]" | kind | kind "[" axes "]" | "size")
    definition  = name "=" expression | name "[" indices "]" "=" expression

Statements end at a line's end or a `;`, unless a bracket is open; `#` starts a comment.
"""

from __future__ import annotations

import ast
import keyword
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass

from derive.errors import DeriveError, Place, nearest, said
from derive.graphs.graph import CONSTANT, KINDS
from derive.language.numbers import LITERAL
from derive.language.spelling import instead_of, missing_sign
from derive.language.words import FUNCTIONS, REDUCTIONS

MAX_TEXT = 50_000
MAX_LINE = 10_000
MAX_BRACKETS = 50
MAX_NODES = 3_000
MAX_DEPTH = 100
MAX_LITERAL = 40
MAX_NAME = 40

SIZE = "size"
"""The kind of an integer of the definition itself, such as a stride or a padding."""

HELD = {CONSTANT: "real", **{f"{kind}_{CONSTANT}": kind for kind in KINDS if kind != "label"}}
"""The words for the kinds of constants, written `positive constant`, and the kinds; no derivative is by a label anyway."""

_SIZES = ("int", "integer", "N", "Z", "natural")
_NUMBERS = ("float", "double", "number", "scalar", "R")
_TENSORS = (*_NUMBERS, "vector", "matrix", "tensor", "array")
"""What integers, numbers and tensors are called in other languages."""

_TWO_WORDS = re.compile(rf"^(\s*[^\W\d]\w*\s*:\s*[^\W\d]\w*)( +)(?={CONSTANT}\b)")
RESERVED = frozenset((*KINDS, CONSTANT, *REDUCTIONS, *FUNCTIONS))
GREEK = "αβγδεζηθικλμνξπρστφχψωΓΔΘΛΞΠΣΦΨΩ"
NAME = re.compile(rf"[A-Za-z{GREEK}][A-Za-z{GREEK}0-9]*(?:_[A-Za-z{GREEK}0-9]+)*")
_DECLARED = re.compile(rf"\s*({NAME.pattern})\s*:(?!=)")
_ALLOWED = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_+-*/@=<>!.,:;()[]# \n" + GREEK)
_GLUED = re.compile(rf"(?<![\w.])(?>{LITERAL})[^\W\d]+")
_CLOSES = {")": "(", "]": "["}
_LAMBDA = "Write lam, or the Greek letter λ."
_UNREADABLE = "This cannot be read as a definition."
_STATEMENT = "A line is a definition, name = expression, or a declaration, name: [axes]."


@dataclass(frozen=True)
class Source:
    """The user's text, to point into."""

    lines: tuple[str, ...]

    def place(self, node: ast.AST) -> Place:
        """Where a node stands; of a node over several lines, its first."""
        line: int = node.lineno  # type: ignore[attr-defined]
        text = self.lines[line - 1]
        start = _column(text, node.col_offset)  # type: ignore[attr-defined]
        same = node.end_lineno == line  # type: ignore[attr-defined]
        end = _column(text, node.end_col_offset) if same else len(text.rstrip())  # type: ignore[attr-defined]
        return Place(text, start, end, line)

    def written(self, node: ast.AST) -> str:
        """The text of a node, on one line."""
        place = self.place(node)
        first, last = place.line, node.end_lineno  # type: ignore[attr-defined]
        if first == last:
            return place.text[place.start : place.end]
        middle = [line.split("#")[0].strip() for line in self.lines[first : last - 1]]
        ending = self.lines[last - 1]
        whole = [place.text.split("#")[0][place.start :].strip(), *middle, ending[: _column(ending, node.end_col_offset)].strip()]  # type: ignore[attr-defined]
        return " ".join(whole)

    def error(self, message: str, node: ast.AST, hint: str = "") -> DeriveError:
        """What is wrong with this node, with its place in the text."""
        return DeriveError(message, self.place(node), hint)


@dataclass(frozen=True)
class Declaration:
    """`name: kind[axes]`; of a name that is defined too, the axes of its definition."""

    name: str
    kind: str
    axes: tuple[ast.expr, ...]
    node: ast.AnnAssign
    constant: bool = False


@dataclass(frozen=True)
class Definition:
    """`name = value`, or `name[indices] = value`."""

    name: str
    indices: tuple[ast.Name, ...] | None
    value: ast.expr
    target: ast.expr


ParsedLine = Declaration | Definition


def _column(line: str, offset: int) -> int:
    """The column of a UTF-8 offset, as Python's parser counts."""
    return len(line.encode()[:offset].decode(errors="ignore"))


def parse(text: str) -> tuple[Source, list[ParsedLine]]:
    """The declarations and definitions of a text, in order.  Raises DeriveError where it cannot be read."""
    if len(text) > MAX_TEXT:
        raise DeriveError(
            said(
                "The text is too long: {count:,} characters, and at most {max_text:,} are read.",
                count=len(text),
                max_text=MAX_TEXT,
            )
        )
    text = text.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    lines = tuple(text.expandtabs(1).split("\n"))
    source = Source(lines)
    code = [_guarded(line, number) for number, line in enumerate(lines, 1)]
    statements = [_statement(source, piece, line, column) for piece, line, column in _pieces(source, code)]
    return source, statements


def _guarded(line: str, number: int) -> str:
    """A line without its comment, once its characters and its length have been looked at."""
    code = line.split("#")[0]
    if len(code) > MAX_LINE:
        raise DeriveError(
            said(
                "The line is too long: {count:,} characters, and at most {max_line:,} are read.",
                count=len(code),
                max_line=MAX_LINE,
            ),
            Place(line, 0, 1, number),
        )
    for column, sign in enumerate(code):
        if sign not in _ALLOWED:
            place = Place(line, column, column + 1, number)
            raise DeriveError(said("{shown} is not part of the language.", shown=_shown(sign)), place, _instead(code, column))
    if long := re.search(rf"[0-9.]{{{MAX_LITERAL + 1},}}", code):
        raise DeriveError(
            said("The number is too long (at most {max_literal} digits).", max_literal=MAX_LITERAL),
            Place(line, *long.span(), number),
        )
    if product := _GLUED.search(code):
        place = Place(line, product.start(), product.end(), number)
        hint = "Write a product with *: 2*x. Numbers are decimal: 3, 0.5, 1e-5."
        raise DeriveError("A number is followed by a letter.", place, hint)
    return code


def _shown(sign: str) -> str:
    if sign.isprintable() and not sign.isspace():
        return said("The sign {sign}", sign=sign if sign.isascii() else f"{sign} (U+{ord(sign):04X})")
    return said("The invisible character {code}", code=f"U+{ord(sign):04X}")


def _instead(code: str, column: int) -> str:
    if known := instead_of(code, column):
        return known
    sign = code[column]
    plain = unicodedata.normalize("NFKC", sign)
    if plain != sign and all(s in _ALLOWED for s in plain):
        return said("Write {form}.", form=plain)
    if sign.isdecimal():
        return said("Digits are 0 to 9: write {digit}.", digit=unicodedata.decimal(sign))
    if sign.isalpha():
        return "Names are written with the letters A–Z, a–z, digits, _ and Greek letters that no Latin letter looks like."
    return ""


def _pieces(source: Source, code: list[str]) -> Iterator[tuple[str, int, int]]:
    """The statements' texts, each with the line and the column it starts at."""
    opened: list[tuple[str, Place]] = []
    piece, start = "", (1, 0)
    for number, line in enumerate(code, 1):
        for column, sign in enumerate(line):
            place = Place(source.lines[number - 1], column, column + 1, number)
            if sign in "([":
                opened.append((sign, place))
                if len(opened) > MAX_BRACKETS:
                    raise DeriveError(
                        said("Too many brackets inside one another (at most {max_brackets}).", max_brackets=MAX_BRACKETS), place
                    )
            elif sign in ")]":
                if not opened or opened[-1][0] != _CLOSES[sign]:
                    raise DeriveError(said("This {sign} closes no {close}.", sign=sign, close=_CLOSES[sign]), place)
                opened.pop()
            if sign == ";" and not opened:
                yield from _nonempty(piece, *start)
                piece = ""
            else:
                start = start if piece.strip() else (number, column)
                piece = (piece if piece.strip() else "") + sign
        if opened:
            piece += "\n"
        else:
            yield from _nonempty(piece, *start)
            piece = ""
    if opened:
        raise DeriveError(said("This {opened} is never closed.", opened=opened[-1][0]), opened[-1][1])


def _nonempty(piece: str, line: int, column: int) -> Iterator[tuple[str, int, int]]:
    if piece.strip():
        yield piece.rstrip(), line, column


def _statement(source: Source, piece: str, line: int, column: int) -> ParsedLine:
    module = _read(source, piece, line, column)
    before = len(source.lines[line - 1][:column].encode())
    start = Place(source.lines[line - 1], column, column + 1, line)
    for count, (node, depth) in enumerate(_nodes(module)):
        if count > MAX_NODES:
            message = said("The definition is too long: it has more than {max_nodes:,} parts.", max_nodes=MAX_NODES)
            raise DeriveError(message, start, "Give names to its parts.")
        if depth > MAX_DEPTH:
            message = said(
                "The definition is too long: its operations are more than {max_depth} deep, and each + adds to that.",
                max_depth=MAX_DEPTH,
            )
            raise DeriveError(message, start, "Give names to its parts, or write sum(x[i] for i in n).")
        if hasattr(node, "lineno"):
            if node.lineno == 1:
                node.col_offset += before  # type: ignore[attr-defined]
            if node.end_lineno == 1:  # type: ignore[attr-defined]
                node.end_col_offset += before  # type: ignore[attr-defined]
            node.lineno += line - 1
            node.end_lineno += line - 1  # type: ignore[attr-defined]
    match module.body:
        case [ast.AnnAssign() as declared]:
            return _declaration(source, declared)
        case [ast.Assign() as defined]:
            return _definition(source, defined)
        case [ast.AugAssign() as augmented]:
            raise source.error("A name is defined once, with =.", augmented, _STATEMENT)
        case [ast.Expr(ast.Compare(ops=[ast.Eq()])) as compared]:
            raise source.error("A definition is written with a single =.", compared, _STATEMENT)
        case [ast.Expr(ast.Lambda()) as word]:
            raise source.error(said("The word {word} cannot be used here.", word="lambda"), word, _LAMBDA)
        case [other]:
            raise source.error("This is neither a definition nor a declaration.", other, _STATEMENT)
    raise DeriveError("This is neither a definition nor a declaration.", start, _STATEMENT)


def _read(source: Source, piece: str, line: int, column: int) -> ast.Module:
    try:
        return ast.parse(_TWO_WORDS.sub(lambda found: found[1] + "_" * len(found[2]), piece))  # of the same length
    except SyntaxError as error:
        offset, row = max(0, (error.offset or 1) - 1), (error.lineno or 1) - 1
        number = min(line + row, len(source.lines))
        text = source.lines[number - 1]
        start = min(offset + (column if row == 0 else 0), max(0, len(text.rstrip()) - 1))
        message, place, hint = _syntax(error.msg or "", piece, Place(text, start, start + 1, number))
        if message == _UNREADABLE and (missing := missing_sign(piece)) is not None:
            message, first, last, hint = missing
            if message != _UNREADABLE and (declared := _DECLARED.match(piece)):
                message, hint = "The axes are a list.", said("Write {name}: [m, n].", name=declared[1])
            place = _inside(source, piece, line, column, first, last)
        raise DeriveError(message, place, hint) from None
    except (RecursionError, MemoryError, ValueError, OverflowError):
        place = Place(source.lines[line - 1], column, column + 1, line)
        raise DeriveError("This definition is too deeply nested to be read.", place) from None


def _inside(source: Source, piece: str, line: int, column: int, first: int, last: int) -> Place:
    """The place of a stretch of a piece of the text."""
    row = piece.count("\n", 0, first)
    start = first - (piece.rfind("\n", 0, first) + 1) + (0 if row else column)
    return Place(source.lines[line - 1 + row], start, start + last - first, line + row)


def _syntax(message: str, piece: str, place: Place) -> tuple[str, Place, str]:
    """Our words for the complaint of Python's parser."""
    for word in re.findall(r"[A-Za-z]+", piece):
        if keyword.iskeyword(word) and word not in ("for", "in", "if", "and", "or", "not", "else", "is"):
            start = max(0, place.text.find(word))
            instead = _LAMBDA if word == "lambda" else "Choose another name."
            return (
                said("The word {word} cannot be used here.", word=word),
                Place(place.text, start, start + len(word), place.line),
                instead,
            )
    if "single target" in message:
        return "One name is declared at a time.", place, _STATEMENT
    if "cannot assign" in message or "illegal target" in message:
        called = re.match(rf"\s*({NAME.pattern})\s*\(", piece)
        hint = said("Write {name} = …; what it is a function of, its formula says.", name=called[1]) if called else _STATEMENT
        return "Only a name, or name[i, j], can stand left of =.", place, hint
    if "leading zeros" in message:
        return "A number starts with one zero at most.", place, ""
    return _UNREADABLE, place, _STATEMENT


def _nodes(module: ast.Module) -> Iterator[tuple[ast.AST, int]]:
    """Every node with its depth, without recursion."""
    todo: list[tuple[ast.AST, int]] = [(module, 0)]
    while todo:
        node, depth = todo.pop()
        yield node, depth
        todo += [(child, depth + 1) for child in ast.iter_child_nodes(node)]


def _declaration(source: Source, node: ast.AnnAssign) -> Declaration:
    if not isinstance(node.target, ast.Name):
        raise source.error("Only a name can be declared.", node.target, "Declare a tensor as name: [axes].")
    name = checked_name(source, node.target)
    if node.value is not None:
        hint = said("Leave the axes out, or declare them by themselves: {name}: [n]; {name} = …", name=name)
        raise source.error(said("{name} is declared and defined at once.", name=name), node, hint)
    match node.annotation:
        case ast.List(elts=axes):
            return Declaration(name, "real", tuple(axes), node)
        case ast.Name(id=kind) if kind in KINDS or kind == SIZE:
            return Declaration(name, kind, (), node)
        case ast.Subscript(value=ast.Name(id=kind), slice=axes) if kind in KINDS:
            return Declaration(name, kind, tuple(axes.elts) if isinstance(axes, ast.Tuple) else (axes,), node)
        case ast.Name(id=word) if held := HELD.get(_one_word(word)):
            return Declaration(name, held, (), node, constant=True)
        case ast.Subscript(value=ast.Name(id=word), slice=axes) if held := HELD.get(_one_word(word)):
            return Declaration(name, held, tuple(axes.elts) if isinstance(axes, ast.Tuple) else (axes,), node, constant=True)
        case ast.Name(id=word) | ast.Subscript(value=ast.Name(id=word)):
            if word == SIZE:
                raise source.error(
                    "A size is one integer and has no axes.", node.annotation, said("Write {name}: {size}.", name=name, size=SIZE)
                )
            kinds = (*KINDS, CONSTANT, SIZE)
            if _one_word(word) == f"label_{CONSTANT}":
                raise source.error(
                    "A label is no constant: it takes whole numbers, and nothing is differentiated by it.",
                    node.annotation,
                    said("Write {name}: label[C].", name=name),
                )
            first, *after = _one_word(word).split("_")
            word = " ".join((first, *after)) if after == [CONSTANT] else word
            hint = _kind_instead(name, word, node.annotation) or nearest(first if after == [CONSTANT] else word, kinds)
            hint = hint or said("A kind is one of {names}; axes are a list: {name}: [n].", names=", ".join(kinds), name=name)
            raise source.error(said("{word} is not a kind of tensor.", word=word), node.annotation, hint)
    raise source.error("The axes are a list.", node.annotation, said("Write {name}: [m, n].", name=name))


def _kind_instead(name: str, word: str, annotation: ast.expr) -> str:
    """A hint for a kind as other languages call it."""
    if word in _SIZES:
        return said("Write {name}: {size}.", name=name, size=SIZE)
    if word in _TENSORS and isinstance(annotation, ast.Subscript):
        return said("Write {name}: {axes}.", name=name, axes=f"[{ast.unparse(annotation.slice).strip('()')}]")
    if word in _NUMBERS and isinstance(annotation, ast.Name):
        return said("Write {name}: {axes}.", name=name, axes="real")
    return ""


def _one_word(word: str) -> str:
    """Two words of a declaration as they were put together, with one stroke between them."""
    return re.sub(rf"_+(?={CONSTANT}$)", "_", word)


def _definition(source: Source, node: ast.Assign) -> Definition:
    if len(node.targets) > 1:
        raise source.error("One name is defined at a time.", node, _STATEMENT)
    target = node.targets[0]
    match target:
        case ast.Name():
            return Definition(checked_name(source, target), None, node.value, target)
        case ast.Subscript(value=ast.Name() as name, slice=indices):
            names = tuple(indices.elts) if isinstance(indices, ast.Tuple) else (indices,)
            for index in names:
                if not isinstance(index, ast.Name):
                    raise source.error("An index left of = is a letter.", index, said("Write {name}[i] = …", name=name.id))
                checked_name(source, index)
            letters = tuple(index for index in names if isinstance(index, ast.Name))
            if len({letter.id for letter in letters}) < len(letters) or not letters:
                raise source.error("The indices left of = must differ.", target)
            return Definition(checked_name(source, name), letters, node.value, target)
    raise source.error("Only a name, or name[i, j], can stand left of =.", target, _STATEMENT)


def checked_name(source: Source, node: ast.Name) -> str:
    """The name, if it may be given to something."""
    name = node.id
    if name in RESERVED:
        raise source.error(said("{name} is a word of the language.", name=name), node, "Choose another name.")
    if len(name) > MAX_NAME or not NAME.fullmatch(name):
        hint = said("A name is a letter, then letters, digits and single _ inside, at most {max_name} in all.", max_name=MAX_NAME)
        raise source.error("This is not a good name.", node, hint)
    return name
