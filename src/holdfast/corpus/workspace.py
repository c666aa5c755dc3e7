"""The folder of a run: a plan that says whose work it is, stages under it, results that appear when they are whole."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from holdfast.corpus.sources import Source, wrong
from holdfast.engine.stage import Stage, Tell, Work, run_stage

WORK = ".holdfast-work"


@dataclass
class Workspace:
    """Where a run writes, and how its stages are done."""

    out: Path
    engine: str
    workers: int | None
    tell: Tell

    @property
    def work(self) -> Path:
        """What is deleted when all is done."""
        return self.out / WORK

    @property
    def results(self) -> Path:
        """Whole files that wait to be moved to `out`."""
        return self.work / "results"

    def stage(
        self, name: str, work: Work, context: Any, shards: list[Any], weights: list[int], title: str
    ) -> tuple[Stage, list[Path]]:
        """Do a stage; its pieces."""
        stage = Stage(self.work / name, work, context, shards, weights)
        return stage, run_stage(stage, self.engine, self.workers, self.tell, title)

    def finish(self, summary: dict[str, Any]) -> None:
        """Move the results to where they belong, the summary last, and delete the work."""
        for path in sorted(self.results.rglob("*")):
            if path.is_file():
                target = self.out / path.relative_to(self.results)
                target.parent.mkdir(parents=True, exist_ok=True)
                path.replace(target)
        write_text(self.out / "summary.json", json.dumps(summary, indent=1, ensure_ascii=False))
        shutil.rmtree(self.work)


@contextmanager
def workspace(
    out: Path, sources: list[Source], settings: dict[str, Any], *, engine: str, workers: int | None, force: bool,
    tell: Tell | None,
) -> Iterator[Workspace]:  # fmt: skip
    """Begin a run or go on with the one that was stopped here; a full disk is told as what it is."""
    if ":/" in str(out):
        raise wrong(f"--out {out}: expected a local folder. Inputs may be URLs; copy the results with your own tools.")
    place = Workspace(out, engine, workers, tell or (lambda title, done, total: None))
    plan = json.dumps({"sources": [asdict(source) for source in sources], "settings": settings}, sort_keys=True)
    plan_file = place.work / "plan.json"
    if force and out.exists():
        _clear(out)
    if (out / "summary.json").exists():
        raise wrong(f"{out} already holds a finished run. Give another --out, or --force to replace it.")
    if plan_file.exists() and plan_file.read_text() != plan:
        raise wrong(
            f"{out} holds a run that was stopped, of other files or with other settings. Repeat that command, give "
            "another --out, or --force to begin anew."
        )
    if out.exists() and not plan_file.exists() and any(one.name != WORK for one in out.iterdir()):
        raise wrong(f"{out} is not empty. Give a new folder as --out.")
    try:
        place.results.mkdir(parents=True, exist_ok=True)
        for partial in place.work.rglob("*.partial"):
            if partial.parent.name != "copies":
                partial.unlink(missing_ok=True)
        write_text(plan_file, plan)
        yield place
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(out).free if out.exists() else 0
            raise wrong(
                f"the disk is full ({free >> 20} MiB free at {out}). Free about as much space as the corpus takes; the "
                "same command goes on from where it was."
            ) from None
        raise


def write_text(path: Path, text: str) -> None:
    """A text file that is there whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_text(text, encoding="utf-8")
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _clear(out: Path) -> None:
    """Delete what runs of ours wrote, nothing else."""
    for name in (WORK, "data", "removed"):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in ("provenance.jsonl", "summary.json", "manifest.json"):
        (out / name).unlink(missing_ok=True)
