"""`corpus select`: what is kept is of the wanted kind, the rest has a reason and comes back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from made import rows_of, write_as
from typer.testing import CliRunner

from holdfast.audit.load import InputError
from holdfast.corpus import restore, select

MANUAL = [
    f"The option number {n} of the parser takes a value of type {kind}; its default is None, and an error is raised "
    f"where the argument is not a {kind} object." for n, kind in enumerate(["string", "list", "float", "tuple"] * 15)
]  # fmt: skip
SEA = [
    f"In chapter {n} the old whale swam {way} of the ship, and the sailors sang {song} songs under a pale moon."
    for n, (way, song) in enumerate(zip(["north", "south", "east"] * 14, ["sad", "merry"] * 21, strict=True))
]
NOISE = ["".join(np.random.default_rng(n).choice(list("qxzkvjw;~ "), 90)) for n in range(6)]


def kept(out: Path) -> list[str]:
    return [json.loads(line)["text"] for line in (out / "data" / "docs.jsonl").read_text().splitlines()]


@pytest.fixture
def docs(tmp_path: Path) -> Path:
    order = np.random.default_rng(0).permutation(len(MANUAL) + len(SEA))
    return write_as([(MANUAL + SEA)[at] for at in order], tmp_path / "docs.jsonl")


@pytest.mark.parametrize("method", ["importance", "transport"])
def test_what_is_like_the_target_is_kept_and_the_rest_comes_back(method: str, docs: Path, tmp_path: Path) -> None:
    target = write_as(
        [text.replace("whale", "shark").replace("old", "grey") for text in SEA[:20]], tmp_path / "sea.jsonl"
    )
    summary = select(docs, tmp_path / "out", method=method, keep=0.4, target=target)
    chosen = kept(tmp_path / "out")
    assert len(chosen) == summary["kept"] == round(0.4 * 102)
    assert np.mean(["ship" in text for text in chosen]) >= 0.9
    rows = rows_of(tmp_path / "out")
    assert {row["rule"] for row in rows} == {"unselected"} and all(np.isfinite(row["score"]) for row in rows)
    restore(tmp_path / "out", tmp_path / "back")
    assert (tmp_path / "back" / "docs.jsonl").read_bytes() == docs.read_bytes()
    if method == "importance":
        assert summary["kl_reduction"] > 0.1


def test_importance_on_disk_is_the_method_of_the_family(docs: Path, tmp_path: Path) -> None:
    from holdfast.curation import DSIR

    texts = [json.loads(line)["text"] for line in docs.read_text().splitlines()]
    target = write_as(SEA[:20], tmp_path / "sea.jsonl")
    select(docs, tmp_path / "out", method="importance", keep=0.4, target=target, seed=3)
    rows = DSIR(seed=3).select_rows(ref_text=texts, cur_text=SEA[:20], budget=round(0.4 * len(texts)))
    assert sorted(kept(tmp_path / "out")) == sorted(texts[row] for row in rows)


def test_topics_are_balanced_and_repeats_go_first(tmp_path: Path) -> None:
    source = write_as(MANUAL + SEA[:12], tmp_path / "docs.jsonl")
    select(source, tmp_path / "out", method="balance", keep=0.5)
    assert np.mean(["ship" in text for text in kept(tmp_path / "out")]) > 1.3 * 12 / 72
    vectors = np.random.default_rng(0).normal(size=(72, 8))
    vectors[60:] = vectors[:12] + 1e-3
    np.save(tmp_path / "vectors.npy", vectors)
    select(source, tmp_path / "d4", method="diverse", keep=0.6, embeddings=tmp_path / "vectors.npy")
    rows = rows_of(tmp_path / "d4")
    again = [row for row in rows if row["rule"] == "semantic"]
    assert len(rows) == 72 - round(0.6 * 72) and {row["rule"] for row in rows} == {"semantic", "prototype"}
    pairs = {frozenset((int(row["id"][1:]), int(row["matched_id"][1:]))) for row in again}
    assert len(pairs & {frozenset((n, 60 + n)) for n in range(12)}) >= 11


def test_gibberish_and_boilerplate_are_left_out_by_perplexity(tmp_path: Path) -> None:
    source = write_as([*MANUAL, *NOISE], tmp_path / "docs.jsonl")
    summary = select(source, tmp_path / "out", method="perplexity", keep=0.8)
    assert not set(NOISE) & set(kept(tmp_path / "out")) and summary["perplexity"][0] >= 1


def test_processes_give_the_same(docs: Path, tmp_path: Path) -> None:
    for name, settings in (("one", {}), ("two", {"engine": "processes", "workers": 2})):
        select(docs, tmp_path / name, method="balance", keep=0.3, **settings)  # type: ignore[arg-type]
    assert kept(tmp_path / "one") == kept(tmp_path / "two")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"method": "magic"}, "importance, transport, balance"),
        ({"method": "balance", "keep": 1.5}, "keep 1.5"),
        ({"method": "importance"}, "needs --target"),
        ({"method": "balance", "target": "x"}, "looks at no target"),
        ({"method": "perplexity", "embeddings": np.ones((2, 2))}, "reads words"),
        ({"method": "balance", "embeddings": np.ones((2, 2))}, "2 rows for 102 documents"),
        ({"method": "balance", "embeddings": np.full((102, 2), np.nan)}, "row 1: not finite"),
        ({"method": "balance", "embeddings": "no.npy"}, "no such file"),
    ],
)
def test_wrong_settings_are_told(settings: dict, said: str, docs: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=said):
        select(docs, tmp_path / "out", **settings)


def test_the_command_and_empty_corpora(docs: Path, tmp_path: Path) -> None:
    from holdfast.cli.app import app

    words = ["corpus", "select", str(docs), "-o", str(tmp_path / "out"), "--method", "perplexity", "--keep", "0.25"]
    done = CliRunner().invoke(app, words)
    assert done.exit_code == 0 and "26 kept, removed: 76 unselected" in done.output, done.output
    (tmp_path / "none.jsonl").write_text("")
    for method in ("balance", "perplexity", "diverse"):
        assert select(tmp_path / "none.jsonl", tmp_path / method, method=method)["kept"] == 0
    one = write_as(["only one text here"], tmp_path / "one.jsonl")
    assert select(one, tmp_path / "alone", method="diverse", keep=0.5)["kept"] == 1
