"""The first stage of every command: read, parse, and note of every document what the later stages need."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from holdfast.corpus.digests import as_keys, digests_of
from holdfast.corpus.records import Fields, Piece, Wanted, read_pieces
from holdfast.corpus.sources import Shard, Source
from holdfast.engine.store import read_arrays
from holdfast.ops.text_kernels import kernels

Arrays = dict[str, np.ndarray]


@dataclass(frozen=True)
class Scan:
    """What all shards share. `look` adds what a command needs: signatures, hits; None: nothing.

    With `exact`, hashes of the texts are noted, by which equal ones are known.
    """

    sources: list[Source]
    piece: int
    fields: Fields
    look: Callable[[np.ndarray, np.ndarray, Any, Any], Arrays] | None
    settings: Any
    total: int
    exact: bool = True


def scan_shard(scan: Scan, shard: Shard, skip: int, last: Callable[[str], np.ndarray]) -> Iterator[Arrays]:  # noqa: ARG001
    """The stage's work: arrays of every piece of a shard."""
    tools = None if scan.look is None else kernels(scan.total)
    wanted: Wanted = "hashes" if tools is None else "arrays" if tools.COMPILED else "texts"
    for piece in read_pieces(scan.sources[shard.source], shard, scan.piece, scan.fields, skip, wanted):
        arrays = _places(piece, shard.source)
        if scan.look is None:
            yield arrays | {"exact": as_keys(piece.hashes())}
            continue
        text, starts = piece.text_buffer()
        if scan.exact:
            arrays["exact"] = as_keys(digests_of(text, starts))
        yield arrays | scan.look(text, starts, scan.settings, tools)


def sample_texts(sources: list[Source], shards: list[Shard], piece: int, fields: Fields, count: int) -> list[str]:
    """About so many texts, from the beginnings of eight shards: the same ones whenever the corpus is the same."""
    chosen = [shards[int(at)] for at in np.unique(np.linspace(0, len(shards) - 1, 8))] if shards else []
    texts: list[str] = []
    for shard in chosen:
        found = next(read_pieces(sources[shard.source], shard, piece, fields), None)
        texts += found.texts[: count // len(chosen)] if found else []
    return texts


def _places(piece: Piece, source: int) -> Arrays:
    starts, stops, lines = piece.places()
    names, name_ends = piece.name_buffer()
    return {
        "starts": starts.astype(np.int64),
        "stops": stops.astype(np.int64),
        "lines": lines.astype(np.uint32),
        "names": names,
        "name_ends": name_ends,
        "name_keys": as_keys(piece.name_hashes())[:, 0],
        "about": np.array([source, piece.line_count, piece.replaced, len(starts), piece.stop], dtype=np.int64),
        "broken": np.frombuffer(json.dumps({"broken": piece.broken, "large": piece.large}).encode(), dtype=np.uint8),
    }


class Index:
    """Documents by number: in which piece, file, line and bytes they are, and what they are called."""

    def __init__(self, sources: list[Source], pieces: list[Path]) -> None:
        heads = [read_arrays(path, ("about", "broken")) for path in pieces]
        table = np.array([head["about"] for head in heads], dtype=np.int64).reshape(-1, 5)
        self._troubles = [json.loads(head["broken"].tobytes()) for head in heads]
        self.sources, self.pieces = sources, pieces
        self.source, self.replaced = table[:, 0], int(table[:, 2].sum())
        self.first = np.concatenate([[0], np.cumsum(table[:, 3])])
        lines = np.concatenate([[0], np.cumsum(table[:, 1])])[:-1]
        begins = np.searchsorted(self.source, np.arange(len(sources)))
        header = np.array([int(source.format == "csv") for source in sources])
        self.first_line = lines - np.append(lines, 0)[begins][self.source] + header[self.source]
        self.count, self._first = int(self.first[-1]), self.first.tolist()
        self._kept: tuple[int, Arrays] = (-1, {})

    def gather(self, name: str) -> np.ndarray:
        """One array over all documents."""
        parts = [read_arrays(path, (name,))[name] for path in self.pieces]
        return np.concatenate(parts) if parts else np.empty(0)

    def piece_of(self, documents: np.ndarray) -> np.ndarray:
        """The piece of every document."""
        return np.searchsorted(self.first, documents, side="right") - 1

    def describe(self, document: int) -> dict[str, Any]:
        """File, line (row), place and name of one document; ask in order: a piece is read once then."""
        number = bisect_right(self._first, document) - 1
        if self._kept[0] != number:
            names = ("starts", "stops", "lines", "names", "name_ends")
            self._kept = number, read_arrays(self.pieces[number], names)
        arrays, at = self._kept[1], document - int(self.first[number])
        ends = arrays["name_ends"]
        name = arrays["names"][ends[at] : ends[at + 1]].tobytes().decode("utf-8", "replace")
        return {
            "file": self.sources[int(self.source[number])].name,
            "line": int(self.first_line[number]) + int(arrays["lines"][at]) + 1,
            "start": int(arrays["starts"][at]),
            "stop": int(arrays["stops"][at]),
            "id": name or None,
        }

    def troubles(self, kind: str) -> Iterator[tuple[int, dict[str, Any]]]:
        """Source number and description of every broken or too large record."""
        for number, troubles in enumerate(self._troubles):
            source = int(self.source[number])
            for start, stop, line, reason in troubles[kind]:
                yield source, {
                    "file": self.sources[source].name,
                    "line": int(self.first_line[number]) + line + 1,
                    "start": start, "stop": stop, "reason": reason,
                }  # fmt: skip

    def repeated_names(self) -> int:
        """How many documents have a name that an earlier one has."""
        held = [read_arrays(path, ("name_keys", "name_ends")) for path in self.pieces]
        named = np.concatenate([part["name_keys"][np.diff(part["name_ends"]) > 0] for part in held])
        named.sort()
        return int((named[1:] == named[:-1]).sum())
