"""The same names, spelt otherwise: what an export, a form or a new version did to categories and columns."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable, Sequence


def respelt(strange: Sequence[str], known: Sequence[str]) -> dict[str, str]:
    """The known name that each strange one stands for; left out where none or several would do.

    Case, blanks, accents and punctuation may differ, numbers be written otherwise ("3" and "3.0"), and all strange
    names may have a beginning or an end in common that no known one has.

    >>> respelt(["NEW YORK", "são paulo ", "3.0"], ["New York", "Sao Paulo", "3", "4"])
    {'NEW YORK': 'New York', 'são paulo ': 'Sao Paulo', '3.0': '3'}
    >>> respelt(["new a", "new b", "new c"], ["a", "b", "d"])
    {'new a': 'a', 'new b': 'b'}
    >>> respelt(["A"], ["a", "a."])
    {}
    """
    found = _matched(strange, known, _plain)
    if len(strange) > 1:
        start, end = _common_start(strange), _common_start([name[::-1] for name in strange])[::-1]
        for key in (lambda name: _plain(name.removeprefix(start)), lambda name: _plain(name.removesuffix(end))):
            found |= {name: to for name, to in _matched(strange, known, key).items() if name not in found}
    return {name: found[name] for name in strange if name in found}


def _matched(strange: Sequence[str], known: Sequence[str], key: Callable[[str], str]) -> dict[str, str]:
    """Strange names whose key is the plain form of exactly one known name."""
    plain: dict[str, list[str]] = {}
    for name in known:
        plain.setdefault(_plain(name), []).append(name)
    keys = {name: key(name) for name in strange}
    return {name: plain[k][0] for name, k in keys.items() if k and len(plain.get(k, ())) == 1}


def _plain(name: str) -> str:
    """Letters and digits in small letters, without accents; a number as Python writes it."""
    try:
        return repr(float(name))
    except ValueError:
        letters = unicodedata.normalize("NFKD", name).casefold()
        return "".join(letter for letter in letters if letter.isalnum())


def _common_start(names: Sequence[str]) -> str:
    first, last = min(names), max(names)
    same = 0
    while same < len(first) and first[same] == last[same]:
        same += 1
    return first[:same]
