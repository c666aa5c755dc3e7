"""Byte-pair tokens: a small vocabulary learnt from text, from which every text can be written and read back."""

from __future__ import annotations

import json
import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from functools import lru_cache
from itertools import pairwise

START = 0  # the code before every text, and the padding after it; bytes are 1 to 256, merged pairs come after
WORDS = re.compile(rb" ?[^\s]+|\s+")


class BytePairs:
    """Bytes, and the pairs of tokens that stood together most often within words, merged in the order learnt.

    From "Neural Machine Translation of Rare Words with Subword Units", algorithm 1, on bytes.

    >>> pairs = BytePairs.learn(["low low lower", "lowest"], merges=2)
    >>> pairs.encode("low"), pairs.decode(pairs.encode("slow é")), pairs.size
    ([258], 'slow é', 259)
    """

    def __init__(self, merges: Iterable[tuple[int, int]] = ()) -> None:
        self.merges = [(int(left), int(right)) for left, right in merges]
        self.rank = {pair: place for place, pair in enumerate(self.merges)}
        self.bytes = [b"", *(bytes([value]) for value in range(256))]
        for left, right in self.merges:
            if not 0 < min(left, right) <= max(left, right) < len(self.bytes):
                raise ValueError(f"merge ({left}, {right}) names a token that does not exist yet.")
            self.bytes.append(self.bytes[left] + self.bytes[right])
        self._word = lru_cache(maxsize=1 << 16)(self._encode_word)

    @property
    def size(self) -> int:
        """How many codes there are, the start code among them."""
        return len(self.bytes)

    @classmethod
    def learn(cls, texts: Iterable[str], merges: int = 256) -> BytePairs:
        """Merge the most frequent pair, `merges` times; ties go to the smaller codes. Stops where no pair repeats."""
        counts = Counter(word for text in texts for word in WORDS.findall(text.encode()))
        words = [[value + 1 for value in word] for word in counts]
        often = list(counts.values())
        pairs: Counter[tuple[int, int]] = Counter()
        homes: dict[tuple[int, int], set[int]] = defaultdict(set)

        def count(place: int, sign: int) -> None:
            for pair in pairwise(words[place]):
                pairs[pair] += sign * often[place]
                homes[pair].add(place)

        for place in range(len(words)):
            count(place, 1)
        learnt: list[tuple[int, int]] = []
        while len(learnt) < merges and pairs:
            best = max(pairs, key=lambda pair: (pairs[pair], -pair[0], -pair[1]))
            if pairs[best] < 2:
                break
            for place in homes.pop(best):
                count(place, -1)
                words[place] = _merged(words[place], best, 257 + len(learnt))
                count(place, 1)
            del pairs[best]
            learnt.append(best)
        return cls(learnt)

    def encode(self, text: str) -> list[int]:
        """The codes of a text, without the start code."""
        return [code for word in WORDS.findall(text.encode()) for code in self._word(word)]

    def decode(self, codes: Iterable[int]) -> str:
        """The text of codes; bytes that are no UTF-8 become the replacement character."""
        return b"".join(self.bytes[code] for code in codes).decode(errors="replace")

    def to_json(self) -> str:
        """The merges, as text that `from_json` reads."""
        return json.dumps(self.merges)

    @classmethod
    def from_json(cls, text: str) -> BytePairs:
        """What `to_json` wrote."""
        return cls((left, right) for left, right in json.loads(text))

    def _encode_word(self, word: bytes) -> tuple[int, ...]:
        codes = [value + 1 for value in word]
        while len(codes) > 1:
            places = [self.rank.get(pair, len(self.merges)) for pair in pairwise(codes)]
            first = min(places)
            if first == len(self.merges):
                break
            codes = _merged(codes, self.merges[first], 257 + first)
        return tuple(codes)


def _merged(codes: list[int], pair: tuple[int, int], new: int) -> list[int]:
    found, place = [], 0
    while place < len(codes):
        both = tuple(codes[place : place + 2]) == pair
        found.append(new if both else codes[place])
        place += 2 if both else 1
    return found
