"""`corpus dedup` and `restore`: what is found, that every removal is verified and explained, that all can be undone."""

from __future__ import annotations

import gzip
import json
from collections import Counter
from pathlib import Path

import numpy as np
import polars as pl
import pytest
from typer.testing import CliRunner

import holdfast
from holdfast.audit.load import InputError
from holdfast.corpus import dedup, restore

pytest.importorskip("numba", reason="the extra corpus is not installed")
from made import corpus, rows_of, unpacked, write_as

FORMATS = ("jsonl", "jsonl.gz", "jsonl.zst", "csv", "csv.gz", "txt", "parquet")


def grams(text: str, k: int = 3) -> set[tuple[str, ...]]:
    """Word k-grams, without any code of ours."""
    import re

    words = re.findall(r"\w+", text.lower())
    return {tuple(words[at : at + k]) for at in range(max(len(words) - k + 1, 1))} if words else set()


@pytest.fixture(scope="module")
def found(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, dict]:
    folder = tmp_path_factory.mktemp("dedup")
    source = corpus().write(folder / "docs.jsonl")
    return source, folder / "out", dedup(source, folder / "out")


def test_planted_copies_are_found_and_every_removal_is_verified(found: tuple[Path, Path, dict]) -> None:
    _, out, summary = found
    made, rows = corpus(), rows_of(out)
    centre = {int(row["id"][1:]): int(row["matched_id"][1:]) for row in rows}
    assert not set(centre) & set(centre.values()), "a document that others were matched with was removed"
    for row in rows:
        one, other = (made.documents[int(row[name][1:])] for name in ("id", "matched_id"))
        true = len(grams(one) & grams(other)) / len(grams(one) | grams(other))
        assert row["score"] == pytest.approx(true, abs=0.02) and true >= 0.33
        assert row["rule"] == ("exact" if one == other else "near")
        assert row["matched_line"] == int(row["matched_id"][1:]) + 1
    hits, planted = Counter(), Counter(made.kind.values())
    for copy, original in made.origin.items():
        hits[made.kind[copy]] += centre.get(copy, copy) == centre.get(original, original)
    assert hits["exact"] == planted["exact"]
    assert hits["block"] >= 0.95 * planted["block"]
    assert hits["scattered"] >= 0.85 * planted["scattered"]
    assert summary["kept"] == len(made.documents) - len(rows)
    assert len((out / "data" / "docs.jsonl").read_text().splitlines()) == summary["kept"]


def test_exact_only_and_thresholds(tmp_path: Path) -> None:
    texts = ["a b c d e f g", "a b c d e f g", "A b c d e f g!", "a b c d e x y", "", "", "q"]
    source = write_as(texts, tmp_path / "x.jsonl")
    assert dedup(source, tmp_path / "exact", exact_only=True)["removed"] == {"exact": 2}
    summary = dedup(source, tmp_path / "near", threshold=0.9, bands=64, rows=2)
    assert summary["removed"] == {"exact": 2, "near": 1}
    assert dedup(source, tmp_path / "low", threshold=0.4, bands=64, rows=2)["removed"] == {"exact": 2, "near": 2}
    row = next(row for row in rows_of(tmp_path / "low") if row["id"] == "d3")
    assert row["score"] == pytest.approx(3 / 7, abs=1e-4)


@pytest.mark.parametrize("kind", FORMATS)
def test_every_format_gives_the_same_and_comes_back_whole(kind: str, tmp_path: Path) -> None:
    texts = corpus(120).documents
    source = write_as(texts, tmp_path / f"docs.{kind}")
    summary = dedup(source, tmp_path / "out")
    expected = dedup(write_as(texts, tmp_path / "plain.jsonl"), tmp_path / "plain")
    assert summary["removed"] == expected["removed"] and summary["documents"] == 120
    rows, lines = rows_of(tmp_path / "out"), [row["line"] for row in rows_of(tmp_path / "plain")]
    if "csv" not in kind:
        assert [row["line"] for row in rows] == lines
    back = restore(tmp_path / "out", tmp_path / "back")
    assert back == {source.name: len(rows)}
    if kind == "parquet":
        assert pl.read_parquet(tmp_path / "back" / source.name).equals(pl.read_parquet(source))
    else:
        assert unpacked(tmp_path / "back" / source.name) == unpacked(source)
        kept = unpacked(tmp_path / "out" / "data" / source.name)
        removed = unpacked(tmp_path / "out" / "removed" / source.name)
        assert sorted((kept + removed).splitlines()) == sorted(unpacked(source).splitlines())


def test_only_one_rule_is_put_back(found: tuple[Path, Path, dict], tmp_path: Path) -> None:
    source, out, summary = found
    assert restore(out, tmp_path / "near", rules=["near"]) == {"docs.jsonl": summary["removed"]["near"]}
    lines = (tmp_path / "near" / "docs.jsonl").read_text().splitlines()
    assert len(lines) == summary["documents"] - summary["removed"]["exact"]
    assert [line for line in source.read_text().splitlines() if line in set(lines)][: len(lines)]
    with pytest.raises(InputError, match="rule 'nearly'"):
        restore(out, tmp_path / "other", rules=["nearly"])


def test_names_with_line_separators_come_back(tmp_path: Path) -> None:
    rows = [{"id": f"a\u2028\x85{number}", "text": "the same text\u2028here"} for number in range(3)]
    data = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    (tmp_path / "x.jsonl").write_text(data, encoding="utf-8")
    assert dedup(tmp_path / "x.jsonl", tmp_path / "out")["removed"] == {"exact": 2}
    restore(tmp_path / "out", tmp_path / "back")
    assert (tmp_path / "back" / "x.jsonl").read_text(encoding="utf-8") == data


def test_damaged_output_is_not_restored(tmp_path: Path) -> None:
    dedup(write_as(["a b c d", "a b c d"], tmp_path / "x.jsonl"), tmp_path / "out")
    path = tmp_path / "out" / "data" / "x.jsonl"
    path.write_bytes(path.read_bytes().replace(b"a", b"z"))
    with pytest.raises(InputError, match="checksum"):
        restore(tmp_path / "out", tmp_path / "back")


def test_broken_records_are_counted_located_and_kept_aside(tmp_path: Path) -> None:
    good = b'{"id": 1, "text": "a good document of some words"}\n'
    lines = [good, b"\n", b'{"text": "cut\n', b"[1, 2]\n", b'{"text": null}\n', b'{"other": 1}\n',
             b'{"id": 2, "text": "bad byte \xff here in the text"}\n', b'{"text": "half \\ud800 surrogate"}\n',
             b'{"id": 1, "text": "the same id again"}\n', b'{"text": "' + b"\\u0000" * 3 + b'"}']  # fmt: skip
    (tmp_path / "x.jsonl").write_bytes(b"".join(lines))
    summary = dedup(tmp_path / "x.jsonl", tmp_path / "out")
    broken = summary["broken"]
    assert broken["count"] == 4 and [row["line"] for row in broken["first"]] == [3, 4, 5, 6]
    assert "JSON" in broken["first"][0]["reason"] and "list" in broken["first"][1]["reason"]
    assert summary["not_utf8"] == 1 and summary["repeated_ids"] == 1 and summary["documents"] == 5
    assert (tmp_path / "out" / "removed" / "x.jsonl").read_bytes() == b"".join(lines[2:6])
    restore(tmp_path / "out", tmp_path / "back")
    assert (tmp_path / "back" / "x.jsonl").read_bytes() == b"".join(lines)
    assert dedup(tmp_path / "x.jsonl", tmp_path / "keep", broken="keep")["broken"]["set_aside"] == 0
    assert (tmp_path / "keep" / "data" / "x.jsonl").read_bytes() == b"".join(lines)
    with pytest.raises(InputError, match=r"line 3.*4 such records"):
        dedup(tmp_path / "x.jsonl", tmp_path / "stop", broken="stop")


def test_gigantic_records_are_passed_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from holdfast.corpus import records

    monkeypatch.setattr(records, "MAX_DOCUMENT", 1000)
    lines = [json.dumps({"text": text}) + "\n" for text in ("short one here", "x y " * 5000, "short two here")]
    (tmp_path / "x.jsonl").write_text("".join(lines))
    monkeypatch.setattr(records, "_quick_piece", lambda *arguments: None)
    summary = dedup(tmp_path / "x.jsonl", tmp_path / "out")
    assert summary["too_large_to_compare"]["first"][0]["line"] == 2 and summary["documents"] == 2
    assert (tmp_path / "out" / "data" / "x.jsonl").read_text() == "".join(lines)


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("x.jsonl", b'{"content": "a"}\n', "no field 'text'. Did you mean 'content'"),
        ("x.csv", b"txt,id\na,1\n", "no column 'text'. Did you mean 'txt'"),
        ("x.jsonl", b"\x00\x01\x02", "looks binary"),
        ("x.bin", b"abc", "the name says no format"),
        ("x.parquet", b"PAR1 no", "cannot be read as Parquet"),
        ("x.jsonl.gz", b"\x1f\x8b\x08\x00broken", "x.jsonl.gz"),
    ],
)
def test_wrong_input_is_told(name: str, data: bytes, said: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=said.replace(".", r"\.")):
        dedup(tmp_path / name, tmp_path / "out")


def test_wrong_arguments_are_told(tmp_path: Path) -> None:
    source = write_as(["a b c"], tmp_path / "corpus.jsonl")
    for change, said in (({"threshold": 0}, "threshold"), ({"bands": 0}, "bands"), ({"broken": "drop"}, "aside")):
        with pytest.raises(InputError, match=said):
            dedup(source, tmp_path / "out", **change)
    with pytest.raises(InputError, match=r"Did you mean .*corpus.jsonl"):
        dedup(tmp_path / "corpsu.jsonl", tmp_path / "out")
    dedup(source, tmp_path / "out")
    with pytest.raises(InputError, match="finished run"):
        dedup(source, tmp_path / "out")
    assert dedup(source, tmp_path / "out", force=True)["documents"] == 1
    with pytest.raises(InputError, match="not empty"):
        dedup(source, tmp_path)


def test_folders_and_urls(tmp_path: Path) -> None:
    import fsspec

    texts = corpus(120).documents
    (tmp_path / "in" / "deep").mkdir(parents=True)
    write_as(texts[:60], tmp_path / "in" / "a.jsonl")
    write_as(texts[60:], tmp_path / "in" / "deep" / "b.parquet")
    summary = dedup(tmp_path / "in", tmp_path / "out")
    assert summary["documents"] == 120 and (tmp_path / "out" / "data" / "deep" / "b.parquet").exists()
    with fsspec.open("memory://corpus/a.jsonl", "wb") as file:
        file.write((tmp_path / "in" / "a.jsonl").read_bytes())
    with fsspec.open("memory://tables/b.parquet", "wb") as file:
        file.write((tmp_path / "in" / "deep" / "b.parquet").read_bytes())
    assert dedup("memory://tables/b.parquet", tmp_path / "table")["documents"] == 60
    remote = dedup("memory://corpus/a.jsonl", tmp_path / "remote")
    assert remote["removed"] == dedup(tmp_path / "in" / "a.jsonl", tmp_path / "local")["removed"]
    with pytest.raises(InputError, match=r"memory://corpus/nothing\.jsonl cannot be read"):
        dedup("memory://corpus/nothing.jsonl", tmp_path / "no")


def test_nothing_in_it(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for name, data in (
        ("a.jsonl", b""),
        ("b.csv", b"id,text\n"),
        ("c.txt", b"\n\n"),
        ("d.jsonl.gz", gzip.compress(b"")),
    ):
        (tmp_path / "in" / name).write_bytes(data)
    summary = dedup(tmp_path / "in", tmp_path / "out")
    assert summary["documents"] == summary["kept"] == 0 and not summary["alarms"]
    assert (tmp_path / "out" / "data" / "b.csv").read_bytes() == b"id,text\n"
    assert set(restore(tmp_path / "out", tmp_path / "back").values()) == {0}
    with pytest.raises(InputError, match="no file in this folder"):
        dedup(_new(tmp_path), tmp_path / "x")


def _new(folder: Path) -> Path:
    (folder / "empty").mkdir()
    return folder / "empty"


def test_alarms(tmp_path: Path) -> None:
    source = write_as(
        [f"the same template with number {n} in it and no more" for n in range(200)], tmp_path / "x.jsonl"
    )
    summary = dedup(source, tmp_path / "out", alarm_cluster=50)
    assert summary["crowded_buckets"] and summary["clusters"]["largest"] > 150
    assert len(summary["alarms"]) == 2 and "cluster" in summary["alarms"][1]
    done = CliRunner().invoke(_app(), ["corpus", "dedup", str(source), "-o", str(tmp_path / "cli"), "--strict"])
    assert done.exit_code == 3 and "ALARM" in done.output


def test_the_command_says_what_was_done(tmp_path: Path) -> None:
    source = write_as(["a b c d", "a b c d"], tmp_path / "x.jsonl")
    done = CliRunner().invoke(_app(), ["corpus", "dedup", str(source), "-o", str(tmp_path / "out")])
    assert done.exit_code == 0 and "2 documents: 1 kept, removed: 1 exact." in done.output
    again = CliRunner().invoke(_app(), ["corpus", "dedup", str(source), "-o", str(tmp_path / "out")])
    assert again.exit_code == 2
    back = CliRunner().invoke(_app(), ["corpus", "restore", str(tmp_path / "out"), "-o", str(tmp_path / "back")])
    assert back.exit_code == 0 and "1 records put back" in back.output
    assert holdfast.corpus.dedup is dedup


def test_both_versions_of_the_kernels_agree() -> None:
    from holdfast.ops import text_compiled, text_plain

    rng = np.random.default_rng(0)
    letters = [*"abc AB,. \n_09", "é", "“", "—", "中", "文", "あ", "ж", "\xa0", "Ç", "½", "𝒳"]
    encoded = ["".join(rng.choice(letters, size=rng.integers(60))).encode() for _ in range(500)] + [b"", b" "]
    text = np.frombuffer(b"".join(encoded), dtype=np.uint8)
    starts = np.concatenate([[0], np.cumsum([len(one) for one in encoded])])
    results = []
    for version in (text_plain, text_compiled):
        words, places, ends = version.word_hashes(text, starts)
        grams, gram_ends = version.shingles(words, ends, 3)
        left, right = rng.integers(len(encoded), size=(2, 100)) if not results else results[0][-2:]
        score = version.jaccard(grams, gram_ends, left, right)
        results.append(
            [words, places, ends, grams, gram_ends, version.band_keys(grams, gram_ends, 8, 3), score, left, right]
        )
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


def test_bands_collide_as_often_as_the_theory_says() -> None:
    from holdfast.ops.text_compiled import band_keys

    rng = np.random.default_rng(0)
    for share in (0.3, 0.6):
        sets = rng.integers(1 << 32, size=(300, 2, 200), dtype=np.uint32)
        common = round(200 * 2 * share / (1 + share))
        sets[:, 1, :common] = sets[:, 0, :common]
        keys = band_keys(sets.reshape(-1), np.arange(601) * 200, 20, 2).reshape(300, 2, 20)
        assert (keys[:, 0] == keys[:, 1]).mean() == pytest.approx(share**2, abs=0.03)


def _app():  # type: ignore[no-untyped-def]
    from holdfast.cli.app import app

    return app
