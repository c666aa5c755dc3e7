"""Small corpora for these tests: from HOLDFAST_DATA where it is set, from the bundled passages elsewhere."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

import polars as pl

from holdfast.datasets.corpora import MadeCorpus, make_corpus


@cache
def corpus(count: int = 400) -> MadeCorpus:
    return make_corpus(count, copies=0.1, edited=0.2, seed=3)


def rows_of(out: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in (out / "provenance.jsonl").read_text(encoding="utf-8").splitlines()]


def write_as(texts: list[str], path: Path) -> Path:
    """In the format that the name says."""
    import gzip

    import zstandard

    frame = pl.DataFrame({"id": [f"d{number}" for number in range(len(texts))], "text": texts})
    kind = path.name.split(".", 1)[1]
    if kind == "parquet":
        frame.write_parquet(path)
        return path
    lines = [json.dumps(row, ensure_ascii=False) for row in frame.to_dicts()]
    data = ("\n".join(lines) + "\n").encode()
    if kind.startswith("csv"):
        data = frame.write_csv().encode()
    if kind.startswith("txt"):
        data = ("\n".join(" ".join(text.split()) for text in texts) + "\n").encode()
    if kind.endswith(".gz"):
        data = gzip.compress(data)
    if kind.endswith(".zst"):
        data = zstandard.ZstdCompressor().compress(data)
    path.write_bytes(data)
    return path


def unpacked(path: Path) -> bytes:
    import gzip
    import io

    import zstandard

    data = path.read_bytes()
    if path.suffix == ".gz":
        return gzip.decompress(data)
    if path.suffix == ".zst":
        return zstandard.ZstdDecompressor().stream_reader(io.BytesIO(data), read_across_frames=True).read()
    return data
