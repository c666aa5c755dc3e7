"""`corpus dedup --substring` and `--semantic`: passages and documents that say the same go, all comes back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from made import rows_of, unpacked, write_as
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.corpus import dedup, restore, sources
from holdfast.datasets.corpora import real_documents

pytest.importorskip("numba", reason="the extra corpus is not installed")
FORMATS = ("jsonl", "jsonl.gz", "csv", "txt", "parquet")
LENGTH = 15


def planted(count: int = 60, seed: int = 0) -> tuple[list[str], list[str]]:
    """Documents, some with a passage of others in their midst; and the passages."""
    rng, texts = np.random.default_rng(seed), [" ".join(text.split()[:120]) for text in real_documents()[:count]]
    told = []
    for number in range(0, 20, 2):
        words, host = texts[number].split(), texts[30 + number].split()
        at, size = int(rng.integers(5, 30)), int(rng.integers(LENGTH + 1, 40))
        told.append(" ".join(words[at : at + size]))
        texts[30 + number] = " ".join([*host[:40], told[-1], *host[40:]])
    texts[55] = " ".join(texts[1].split()[3:60])  # nothing but a passage
    return texts, told


def brute(texts: list[str], length: int) -> list[set[int]]:
    """Words of every text that lie in a run that stands earlier, without any code of ours."""
    import re

    seen: dict[tuple[str, ...], tuple[int, int]] = {}
    covered: list[set[int]] = []
    for number, text in enumerate(texts):
        words, mine = re.findall(r"\w+", text.lower()), set()
        for at in range(len(words) - length + 1):
            first = seen.setdefault(tuple(words[at : at + length]), (number, at))
            if first[0] < number or at >= first[1] + length:
                mine |= set(range(at, at + length))
        covered.append(mine)
    return covered


def texts_of(path: Path) -> list[str]:
    if ".parquet" in path.name:
        return pl.read_parquet(path)["text"].to_list()
    if ".csv" in path.name:
        return pl.read_csv(path)["text"].to_list()
    lines = unpacked(path).decode().splitlines()
    return [json.loads(line)["text"] for line in lines] if ".jsonl" in path.name else lines


@pytest.mark.parametrize("kind", FORMATS)
def test_passages_are_cut_out_as_brute_force_says_and_come_back(kind: str, tmp_path: Path) -> None:
    texts, told = planted()
    source = write_as(texts, tmp_path / f"docs.{kind}")
    summary = dedup(source, tmp_path / "out", exact_only=True, substring=LENGTH)
    rows = [row for row in rows_of(tmp_path / "out") if row["rule"] in ("substring", "repeated")]
    left = texts_of(tmp_path / "out" / "data" / source.name)
    assert len(left) == summary["kept"] == 59
    for passage in told:
        assert sum(passage in text for text in left) == 1, "a passage went everywhere, or nowhere"
    if kind == "jsonl":
        expected = brute([json.loads(line)["text"] for line in source.read_text().splitlines()], LENGTH)
        words = {number: 0 for number in range(len(texts))}
        for row in rows:
            words[row["line"] - 1] += row["score"]
        assert words == {number: len(mine) for number, mine in enumerate(expected)}
        assert summary["passages"]["words"] == sum(map(len, expected)) > 200
        cut = next(row for row in rows if row["rule"] == "substring")
        assert texts[cut["line"] - 1][slice(*cut["span"])].split()[:3] and cut["matched_line"] < cut["line"]
    restore(tmp_path / "out", tmp_path / "back")
    if kind == "parquet":
        assert pl.read_parquet(tmp_path / "back" / source.name).equals(pl.read_parquet(source))
    else:
        assert unpacked(tmp_path / "back" / source.name) == unpacked(source)


def test_only_what_else_was_removed_is_put_back(tmp_path: Path) -> None:
    texts, told = planted()
    source = write_as([*texts, texts[3]], tmp_path / "docs.jsonl")
    dedup(source, tmp_path / "out", exact_only=True, substring=LENGTH)
    restore(tmp_path / "out", tmp_path / "back", rules=["exact"])
    left = [json.loads(line)["text"] for line in (tmp_path / "back" / "docs.jsonl").read_text().splitlines()]
    assert left.count(texts[3]) == 2 and sum(told[0] in text for text in left) == 1


def test_pieces_parts_and_kills_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.corpus import substrings
    from holdfast.engine import stage

    texts, _ = planted()
    source = write_as(texts, tmp_path / "docs.jsonl")
    dedup(source, tmp_path / "one", substring=LENGTH)
    monkeypatch.setattr(sources, "SMALLEST", 1 << 12)
    monkeypatch.setattr(substrings, "TOGETHER", 1 << 9)
    write, left = stage.write_arrays, [25]

    def killed(path: Path, arrays: dict) -> None:
        left[0] -= 1
        if left[0] == 0:
            raise KeyboardInterrupt
        write(path, arrays)

    monkeypatch.setattr(stage, "write_arrays", killed)
    for _ in range(2):
        try:
            dedup(source, tmp_path / "two", substring=LENGTH)
        except KeyboardInterrupt:
            left[0] = 0
    for name in ("data/docs.jsonl", "removed/docs.jsonl", "provenance.jsonl"):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes(), name


def test_loops_and_other_alphabets(tmp_path: Path) -> None:
    loop, poem = "so it goes " * 30, "日本語のテキスト 東京は今日も雨です。" * 3
    source = write_as(["an intro here. " + loop, "é à ü " + poem, "ñ " + poem + " fin"], tmp_path / "docs.jsonl")
    dedup(source, tmp_path / "out", exact_only=True, substring=12)
    left = [json.loads(line)["text"] for line in (tmp_path / "out" / "data" / "docs.jsonl").read_text().splitlines()]
    assert left[0].startswith("an intro here. so it goes") and left[0].count("goes") < 10
    assert (
        left[1].startswith("é à ü 日本語") and left[2].startswith("ñ ") and "東京" not in left[2] and "fin" in left[2]
    )
    restore(tmp_path / "out", tmp_path / "back")
    assert (tmp_path / "back" / "docs.jsonl").read_bytes() == source.read_bytes()


def test_semantic_duplicates_by_given_vectors_and_by_words(tmp_path: Path) -> None:
    texts = [" ".join(text.split()[:60]) for text in real_documents()[:40]]
    source = write_as(texts, tmp_path / "docs.jsonl")
    vectors = np.random.default_rng(0).normal(size=(40, 16))
    vectors[30:] = vectors[:10] + 0.01
    summary = dedup(source, tmp_path / "out", semantic=0.05, embeddings=vectors)
    rows = rows_of(tmp_path / "out")
    assert summary["removed"] == {"semantic": 10} and all(row["score"] > 0.95 for row in rows)
    assert {frozenset((int(row["id"][1:]), int(row["matched_id"][1:]))) for row in rows} == {
        frozenset((n, 30 + n)) for n in range(10)
    }
    edited = [" ".join(word for n, word in enumerate(text.split()) if n % 9) for text in texts[:5]]
    more = write_as([*texts, *edited], tmp_path / "more.jsonl")
    assert dedup(more, tmp_path / "words", exact_only=True, semantic=0.4)["removed"]["semantic"] >= 4


def test_wrong_settings_and_the_command(tmp_path: Path) -> None:
    from holdfast.cli.app import app

    texts, _ = planted(56)
    source = write_as(texts, tmp_path / "docs.jsonl")
    for settings, said in (({"substring": 3}, "12 to 10000"), ({"semantic": 1.5}, "semantic 1.5"),
                           ({"embeddings": np.ones((2, 2))}, "--semantic too")):  # fmt: skip
        with pytest.raises(InputError, match=said):
            dedup(source, tmp_path / "x", **settings)
    nothing = dedup(write_as(texts[:5], tmp_path / "few.jsonl"), tmp_path / "few", substring=LENGTH)
    assert nothing["passages"] == {"documents": 0, "passages": 0, "words": 0}
    words = ["corpus", "dedup", str(source), "-o", str(tmp_path / "out"), "--substring", str(LENGTH)]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "passages of" in done.output, done.output
