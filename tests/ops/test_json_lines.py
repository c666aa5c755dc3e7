"""The compiled reader of JSON Lines must say what the usual one says, or that it does not know."""

from __future__ import annotations

import json
import random
from itertools import pairwise
from typing import Any

import pytest

pytest.importorskip("numba", reason="the extra corpus is not installed")
from holdfast.ops.json_lines import read_lines

LETTERS = [*'ab"\\/\n\t\x00\x1f \x7f', "é", "中", "𝒳", "\u2028"]
DAMAGE = b'{}[]",:\\u0dD8e-.1 \t\r\x80\xc3\xed\xf0'


def value(draw: random.Random) -> Any:
    if draw.random() < 0.5:
        return "".join(draw.choices(LETTERS, k=draw.randrange(12)))
    return draw.choice([None, True, False, 0, -1, 12, 1.5, -0.25, 10**17, 10**20, [1], {"a": 1}, 1e30, -0.0])


def line(draw: random.Random) -> bytes:
    record = {draw.choice(["id", "text", "x", "text", "té"]): value(draw) for _ in range(draw.randrange(5))}
    marks = draw.choice([(",", ":"), (", ", ": "), (" , ", " :\t")])
    data = bytearray(json.dumps(record, ensure_ascii=draw.random() < 0.5, separators=marks).encode())
    for _ in range(draw.choice([0, 0, 1, 2])):
        at = draw.randrange(len(data))
        data[at : at + draw.randrange(2)] = bytes([draw.choice(DAMAGE)][: draw.randrange(2)])
    return bytes(data).replace(b"\n", b" ")


def usual(lines: list[bytes]) -> tuple[list[str], list[str]] | None:
    orjson = pytest.importorskip("orjson")
    try:
        records = [orjson.loads(one) for one in lines]
        texts, names = [record["text"] for record in records], [record.get("id") for record in records]
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not all(type(text) is str for text in texts):
        return None
    return texts, ["" if name is None else str(name) for name in names]


def test_what_it_reads_is_what_is_there() -> None:
    draw = random.Random(0)
    read = refused = 0
    for _ in range(30_000):
        lines = [line(draw) for _ in range(draw.randint(1, 2))]
        data = b"\n".join(lines) + b"\n"
        found, expected = read_lines(data, "text", "id"), usual(lines)
        refused += found is None and expected is not None
        if found is None:
            continue
        read += 1
        parts = [
            [values[start:stop].tobytes().decode() for start, stop in pairwise(starts)]
            for values, starts in (found[:2], found[2:4])
        ]
        assert (parts[0], parts[1]) == expected, data
        assert found.line_starts.tolist() == [0, *(at + 1 for at, byte in enumerate(data) if byte == 10)]
    assert read > 1500 and refused < read


@pytest.mark.parametrize(
    "data",
    [
        b'{"text": "no end"}',
        b"\n",
        b'{"text": "a"}\n\n',
        b'{"text": "a", "text": "b"}\n',
        b'{"text": "a", "i\\u0064": 3}\n',
        b'{"text": "a", "m": {"text": "b"}}\n',
        b'{"text": "cut \xe4\xb8"}\n',
        b'{"text": "a surrogate \xed\xa0\x80"}\n',
        b'{"text": "half \\ud835"}\n',
        b'{"text": "a", "n": 01}\n',
        b'{"text": "a", "n": 1.}\n',
        b'{"text": "a",}\n',
        b'{"text": null}\n',
        b'{"other": "a"}\n',
    ],
)
def test_what_is_out_of_the_ordinary_is_refused(data: bytes) -> None:
    assert read_lines(data, "text", "id") is None
