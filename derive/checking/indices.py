"""The indices of a typed formula: which letters are bound, which are free, where each entry lies counted from 0."""

from __future__ import annotations

from dataclasses import replace

from derive.checking.cursor import Cursor
from derive.checking.signs import Signed
from derive.checking.tree import Bound, Spot, position
from derive.errors import said
from derive.graphs.names import POOL, fresh
from derive.notation.style import GREEK


class Indices(Cursor):
    """Reads indices, and knows what letters mean."""

    # ------------------------------------------------------------ letters

    def is_new_letter(self, sign: Signed) -> bool:
        """Whether a sign is a letter that means nothing yet."""
        word = sign.text.lstrip("\\")
        known = word in self.scope or self.names.size(word) or self.names.member(word) or word in self.names.letters
        return ((len(word) == 1 and word.isalpha()) or word in GREEK) and not known

    def enter(self, sign: Signed) -> Bound:
        """Bind a letter until `leave`."""
        word = sign.text.lstrip("\\")
        if not (len(word) == 1 and word.isalpha()) and word not in GREEK:
            raise self.fault(sign.span, said("{shown} cannot be bound: an index is a letter.", shown=sign.text))
        self.shadowed.append((word, self.scope.get(word)))
        self.scope[word] = self.letter_for(word)
        return Bound(self.scope[word], sign.span)

    def leave(self, bounds: tuple[Bound, ...]) -> None:
        for _ in bounds:
            word, before = self.shadowed.pop()
            if before is None:
                del self.scope[word]
                self.closed.add(word)
            else:
                self.scope[word] = before

    def letter_for(self, word: str) -> str:
        """A letter of the language for an index: its own, unless it is taken."""
        graph = self.names.graph
        taken = {*graph.members, *(str(s) for s in graph.sizes), *self.used}
        found = fresh([GREEK.get(word, word), *POOL], taken, stem="i")
        self.used.add(found)
        return found

    # ------------------------------------------------------------ index expressions

    def may_be_index(self, signs: list[Signed]) -> bool:
        """Whether signs can be an index: letters that are no numbers' names, labels, sizes, whole numbers."""
        depth = 0
        for k, sign in enumerate(signs):
            word = sign.text.lstrip("\\")
            depth += (sign.text == "{") - (sign.text == "}")
            if sign.text in ("+", "-", "{", "}", "_") or sign.text.isdigit() or depth:
                continue
            if word in self.scope or self.names.size(word) or word in self.names.letters:
                continue
            member = self.names.member(word)
            if member and self.names.is_label(member):
                continue
            if member or not ((len(word) == 1 and word.isalpha()) or word in GREEK) or (k and signs[k - 1].text.isdigit()):
                return False
        return bool(signs)

    def bracketed_indices(self) -> tuple[Spot, ...]:
        """Indices in brackets right behind what they are of, as the graph language has them, counted from 0; or none."""
        if self.peek() != "[" or self.here[0] != self.last:
            return ()
        opening, at = self.next(), self.at
        group = self.until("]", opening)
        if any(s.text in ("=", "<", ">", r"\le", r"\ge", r"\ne") for s in group):
            self.at = at - 1
            return ()
        return tuple(
            replace(spot, shift=self.names.base)
            for spot in self.indices_of(group, 1 if "," not in [s.text for s in group] else None)
        )

    def indices_of(self, signs: list[Signed], rank: int | None) -> tuple[Spot, ...]:
        """The indices under a name, for so many axes if that is known."""
        parts: list[list[Signed]] = [[]]
        depth = 0
        for sign in signs:
            depth += (sign.text == "{") - (sign.text == "}")
            if sign.text == "," and not depth:
                parts.append([])
            else:
                parts[-1].append(sign)
        if len(parts) == 1 and rank != 1:
            parts = self._side_by_side(parts[0])
        return tuple(self.spot(part) for part in parts)

    def _side_by_side(self, signs: list[Signed]) -> list[list[Signed]]:
        """Indices that stand side by side without commas."""
        split: list[Signed] = []
        for sign in signs:
            if sign.text.isdigit() and len(sign.text) > 1:
                split += [Signed(c, sign.span) for c in sign.text]
            else:
                split.append(sign)
        parts: list[list[Signed]] = []
        k = 0
        while k < len(split):
            joined = bool(parts) and (split[k].text in ("+", "-") or parts[-1][-1].text in ("+", "-"))
            if not joined:
                parts.append([])
            parts[-1].append(split[k])
            if split[k + 1 : k + 2] and split[k + 1].text == "_":
                end = k + 3
                if split[k + 2 : k + 3] and split[k + 2].text == "{":
                    while end < len(split) and split[end - 1].text != "}":
                        end += 1
                parts[-1] += split[k + 1 : end]
                k = end
            else:
                k += 1
        return parts

    def spot(self, signs: list[Signed]) -> Spot:
        """An index: letters, labels, sizes and whole numbers, added up.  Raises DeriveError where it is none."""
        return self.inner(signs, self._spot)

    def _spot(self) -> Spot:
        first, pieces, letters, shift, constant, sign = self.here[0], list[str](), set[str](), 0, 0, 1
        if self.peek() == ":":
            raise self.fault(self.here, "There are no slices.", "Leave the index out, or write a letter.")
        while self.peek():
            if self.peek() in ("+", "-"):
                sign = 1 if self.next().text == "+" else -1
            number = int(self.next().text) if self.peek().isdigit() else None
            if number is not None and (not self.peek() or self.peek() in ("+", "-")):
                text, counted = str(number), 0
            else:
                text, counted = self._letter(letters)
                text = text if number is None else f"{number}*{text}"
                counted *= 1 if number is None else number
                if not counted and not self.names.base and self.peek() and self.peek().isalpha():  # s o, a stride
                    more, counted = self._letter(letters)
                    text = f"{text}*{more}"
            shift += sign * counted * self.names.base
            if number is not None and text == str(number):
                constant += sign * number
            else:
                pieces.append(("-" if sign < 0 else "+" if pieces else "") + text)
            sign = 1
            if self.peek() and self.peek() not in ("+", "-"):
                raise self.fault(
                    self.here, "An index adds letters and numbers.", "Write a comma between two indices: W_{i, j+1}."
                )
        if not pieces and constant >= 0:
            return Spot(str(constant), frozenset(), (first, self.last))
        return Spot(" ".join(pieces) or "0", frozenset(letters), (first, self.last), shift + constant)

    def _letter(self, letters: set[str]) -> tuple[str, int]:
        """One letter of an index as the language has it, and whether it counts from the first entry."""
        sign = self.next()
        if sign.text in (r"\mathrm", r"\text", r"\boldsymbol", r"\mathbf") and self.peek() == "{":
            sign = Signed("".join(s.text for s in self.group()), sign.span)
        word = sign.text.lstrip("\\")
        if word in self.scope:
            letters.add(self.scope[word])
            return self.scope[word], 1
        under: list[Signed] = []
        if self.peek() == "_":
            self.at += 1
            under = self.group()
        member = self.names.member(word)
        if member and self.names.is_label(member):
            axes = self.names.axes(member)
            found = self.indices_of(under, len(axes)) if under else ()
            if len(found) != len(axes):
                raise self.fault(sign.span, said("{name} holds several labels.", name=member), "Write which one: t_n.")
            inside = ", ".join(position(spot, self.names.base) for spot in found)
            for spot in found:
                letters |= spot.letters
            return (f"{member}[{inside}]" if inside else member), 1
        if not member and self.names.size(word):
            return word, 0
        if member:
            raise self.fault(sign.span, said("{name} is a number, not an index.", name=member))
        if under or not ((len(word) == 1 and word.isalpha()) or word in GREEK):
            raise self.fault(sign.span, said("{shown} is not read as an index.", shown=sign.text))
        if word not in self.names.letters:
            if word in self.closed and word not in self.names.beside:
                raise self.fault(
                    sign.span,
                    said("{name} is bound before this, and not here.", name=word),
                    "Put all that is summed in brackets, or name the other index otherwise.",
                )
            self.names.letters[word] = self.letter_for(word)
        letters.add(self.names.letters[word])
        return self.names.letters[word], 1
