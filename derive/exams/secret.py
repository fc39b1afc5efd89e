"""What only who holds the key can tell: numbers drawn from HMAC-SHA256 of a key and words (RFC 2104)."""

from __future__ import annotations

import hmac
import os
import secrets
from collections.abc import MutableSequence
from contextlib import suppress
from hashlib import sha256
from itertools import count
from math import gcd
from pathlib import Path
from typing import Any

from derive.errors import DeriveError, said

LENGTH = 32
"""The bytes of a new key."""


def new_key() -> bytes:
    """A key, as text of hexadecimal digits."""
    return secrets.token_hex(LENGTH).encode()


def read_key(path: Path) -> bytes:
    """The key in a file, which only its owner may read; a new one where there is none.  Raises DeriveError for one too short."""
    try:
        with suppress(FileNotFoundError), path.open("rb") as file:
            key = file.read(4096).strip()
            if len(key) < LEAST:
                raise DeriveError(said("The key in {path} is too short.", path=path), hint="Remove the file: a new one is made.")
            return key
        key = new_key()
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(key + b"\n")
        return key
    except OSError as error:
        raise DeriveError(said("{path} cannot be read: {reason}.", path=path, reason=error.strerror or error)) from None


LEAST = 16
"""The bytes of the shortest key."""


class Draw:
    """A stream of numbers that a key and some words determine: the same for the same, on every machine.

    >>> [draw.below(10) for draw in [Draw(b"key", "exam", "student")] for _ in range(6)]
    [6, 0, 3, 8, 5, 0]
    """

    def __init__(self, key: bytes, *words: str) -> None:
        self._key = key
        self._words = b"".join(len(word.encode()).to_bytes(4, "big") + word.encode() for word in words)
        self._count = count()

    def below(self, bound: int) -> int:
        """A whole number from 0 to bound - 1, each as likely as the others to within 2^-64."""
        size = (bound.bit_length() + 7) // 8 + 8
        bits = b""
        while len(bits) < size:
            bits += hmac.new(self._key, next(self._count).to_bytes(8, "big") + self._words, sha256).digest()
        return int.from_bytes(bits[:size], "big") % bound

    def shuffle(self, things: MutableSequence[Any]) -> None:
        """Put them in an order that is drawn (Fisher and Yates)."""
        for k in range(len(things) - 1, 0, -1):
            other = self.below(k + 1)
            things[k], things[other] = things[other], things[k]

    def order(self, size: int) -> tuple[int, int]:
        """(a, b) so that a k + b modulo `size` takes every place once as k counts: places in an order that nobody foresees."""
        step = next(a for a in iter(lambda: 1 + self.below(size), 0) if gcd(a, size) == 1)
        return step, self.below(size)
