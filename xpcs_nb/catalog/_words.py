"""Words: what free text is cut into, in records and in questions alike."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

__all__ = ["Phrase", "asked_for", "words_of"]

WORD = re.compile(r"[^\W_]+")

#: A phrase in quotes, or a word; a star at the end asks for words that begin so.
PARTS = re.compile(r'"([^"]*)"(\*?)|([^\s"]+)')


@dataclass(frozen=True)
class Phrase:
    """Words that follow each other; of the last one, with `prefix`, only how it begins."""

    words: tuple[str, ...]
    prefix: bool


def words_of(text: str) -> list[str]:
    """Return the words of a text in order: letters and digits, without case and accents."""
    if text.isascii():
        return WORD.findall(text.lower())
    parts = unicodedata.normalize("NFKD", text.casefold())
    return WORD.findall("".join(part for part in parts if not unicodedata.combining(part)))


def asked_for(text: str) -> list[Phrase] | None:
    """Return what free text asks for, all of which must occur; None where it has no letter or digit to look for."""
    phrases = []
    for quoted, quoted_star, word in PARTS.findall(text):
        words = words_of(quoted or word)
        if words:
            phrases.append(Phrase(tuple(words), bool(quoted_star) or word.endswith("*")))
    return phrases or (None if text.strip() else [])
