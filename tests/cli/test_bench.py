"""`holdfast bench` as a stranger uses it."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from .command import holdfast

QUICK = ("--fault", "SymmetricLabelNoise", "--only", "NearestNeighbourLabels", "--draws", 1)


@pytest.fixture(scope="module")
def train(tmp_path_factory: pytest.TempPathFactory) -> Path:
    lines = ["a,b,label"] + [f"{i % 13},{(i * 7) % 11},{'yes' if i % 13 > 6 else 'no'}" for i in range(90)]
    path = tmp_path_factory.mktemp("data") / "train.csv"
    path.write_text("\n".join(lines))
    return path


def test_a_bench_prints_the_ranking_and_writes_a_profile_that_the_audit_takes(train: Path, tmp_path: Path) -> None:
    done = holdfast("bench", "labels", train, "--target", "label", "--out", tmp_path / "bench", *QUICK)
    assert done.returncode == 0, done.stderr
    assert "NearestNeighbourLabels" in done.stdout and "Chosen" in done.stdout
    files = sorted(path.name for path in (tmp_path / "bench").iterdir())
    assert files == ["bench-labels.html", "bench-labels.json", "profile.json"], "the journal has served"
    audited = holdfast("audit", train, "-t", "label", "--profile", tmp_path / "bench" / "profile.json",
                       "--only", "LAB001", "--quick", "--out", tmp_path / "report")  # fmt: skip
    assert audited.returncode == 0, audited.stderr
    finding = json.loads((tmp_path / "report" / "report.json").read_text())["findings"][0]
    assert any("chosen by planting" in words for words in finding["because"])


def test_a_narrow_terminal_shows_whole_names(train: Path, tmp_path: Path) -> None:
    only = ("--only", "NearestNeighbourDistance", "--fault", "UnitChange", "--draws", "2")
    done = holdfast("bench", "ood", train, "--target", "label", "--out", tmp_path / "bench", *only, columns=80)
    assert done.returncode == 0, done.stderr
    ranking = done.stdout.split("Chosen")[0]
    assert "NearestNeighbourDistance (default)" in ranking and " to " in ranking, ranking
    assert max(map(len, ranking.splitlines())) <= 80


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("label",), "Did you mean 'labels'"),
        (("labels", "--target", "lable"), "Did you mean 'label'"),
        (("labels", "--target", "label", "--fault", "LabelNoise"), "there is no fault 'LabelNoise'"),
        (("ood", "--only", "Mahalanobi"), "Did you mean 'Mahalanobis'"),
        (("labels", "--target", "label", "--role", "a"), "expected COLUMN=ROLE"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(train: Path, tmp_path: Path, arguments: tuple[str, ...], words: str) -> None:
    done = holdfast("bench", arguments[0], train, *arguments[1:], "--out", tmp_path / "bench")
    assert done.returncode == 2 and words in done.stderr, done.stderr
    assert "Traceback" not in done.stderr and not list(tmp_path.rglob("*.html"))
