"""The folder of a run: a plan that says whose work it is, stages under it, results that appear when they are whole."""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from hashlib import blake2b
from pathlib import Path
from tempfile import gettempdir
from typing import Any

from holdfast.corpus.plain_json import dumps, loads
from holdfast.corpus.sources import Source, file_system, wrong
from holdfast.engine.stage import Stage, Tell, Work, run_stage

WORK = ".holdfast-work"
FOLDERS, FILES = ("data", "removed"), ("provenance.jsonl", "hits.jsonl", "summary.json", "manifest.json")


@dataclass
class Remote:
    """A folder behind a URL: results are copied there when they are whole, the summary last."""

    url: str

    def __post_init__(self) -> None:
        self.system, self.root = file_system(self.url)
        self.system.invalidate_cache()  # listings of before: another machine may have written since

    def exists(self, name: str = "") -> bool:
        """Whether there is such a file, or anything at all."""
        try:
            return bool(self.system.exists(f"{self.root}/{name}") if name else self.system.find(self.root))
        except FileNotFoundError:
            return False

    def put(self, path: Path, name: str) -> None:
        """Copy a file there and see that it arrived."""
        target = f"{self.root}/{name}"
        try:
            self.system.makedirs(target.rpartition("/")[0], exist_ok=True)
            self.system.put_file(str(path), target)
            size = int(self.system.info(target)["size"])
        except Exception as problem:
            raise wrong(f"{self.url}/{name} cannot be written: {type(problem).__name__}: {problem}. {GO_ON}") from None
        if size != path.stat().st_size:
            raise wrong(f"{self.url}/{name}: {size} of {path.stat().st_size} bytes arrived. {GO_ON}")

    def clear(self) -> None:
        """Delete what runs of ours wrote, nothing else."""
        for name in (*FOLDERS, *FILES):
            if self.system.exists(f"{self.root}/{name}"):
                self.system.rm(f"{self.root}/{name}", recursive=True)


GO_ON = "The same command goes on from here."


@dataclass
class Workspace:
    """Where a run writes, and how its stages are done."""

    out: Path
    engine: str
    workers: int | None
    tell: Tell
    remote: Remote | None = None

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

    def once(self, name: str, make: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """What `make` gives, in plain JSON types; it is kept: a run that was stopped later does not ask again."""
        path = self.work / f"{name}.json"
        if not path.exists():
            write_bytes(path, dumps(make()))
        return dict(loads(path.read_bytes()))

    def is_placed(self, name: str) -> bool:
        """Whether a result is where it belongs already: a run that was stopped while it moved them goes on."""
        return (self.work / "placed" / name).exists() if self.remote else (self.out / name).exists()

    def finish(self, summary: dict[str, Any]) -> None:
        """Move the results to where they belong, the summary last, and delete the work."""
        names = [str(path.relative_to(self.results)) for path in sorted(self.results.rglob("*")) if path.is_file()]
        for name in names:
            self._place(name)
        write_text(self.results / "summary.json", json.dumps(summary, indent=1, ensure_ascii=False))
        self._place("summary.json")
        shutil.rmtree(self.out if self.remote else self.work)

    def _place(self, name: str) -> None:
        path = self.results / name
        target = (self.work / "placed" if self.remote else self.out) / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if self.remote is None:
            path.replace(target)
            return
        self.remote.put(path, name)
        target.touch()
        path.unlink()


@contextmanager
def workspace(
    out: str | Path, sources: list[Source], settings: dict[str, Any], *, engine: str, workers: int | None, force: bool,
    tell: Tell | None, work: str | Path | None = None,
) -> Iterator[Workspace]:  # fmt: skip
    """Begin a run or go on with the one that was stopped here; a full disk is told as what it is.

    A run whose results go to a URL is done in a folder of its own in `work`, by default that for temporary files.
    """
    out = str(out).removeprefix("file://")
    remote = _remote(out, engine, work) if "://" in out else None
    if work is not None and remote is None:
        raise wrong(f"work {work}: a run whose results go to a folder is done there. Give it where --out is a URL.")
    folder = _local_folder(remote.url, Path(work or gettempdir())) if remote else Path(out)
    place = Workspace(folder, engine, workers, tell or (lambda title, done, total: None), remote)
    plan = json.dumps({"sources": [asdict(source) for source in sources], "settings": settings}, sort_keys=True)
    _check(place, out, plan, force)
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700 if remote else 0o777)
        place.results.mkdir(parents=True, exist_ok=True)
        for partial in place.work.rglob("*.partial"):
            if partial.parent.name != "copies":
                partial.unlink(missing_ok=True)
        write_text(place.work / "plan.json", plan)
        yield place
    except OSError as problem:
        if problem.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(folder).free if folder.exists() else 0
            raise wrong(
                f"the disk is full ({free >> 20} MiB free at {folder}). Free about as much space as the corpus takes; "
                "the same command goes on from where it was."
            ) from None
        raise


def _check(place: Workspace, out: str, plan: str, force: bool) -> None:
    """Whether this is a new folder, or one of the same run; with `force`, make it one."""
    folder, remote, plan_file = place.out, place.remote, place.work / "plan.json"
    if force:
        _clear(folder)
        if remote:
            remote.clear()
    if remote.exists("summary.json") if remote else (folder / "summary.json").exists():
        raise wrong(f"{out} already holds a finished run. Give another --out, or --force to replace it.")
    if plan_file.exists() and plan_file.read_text() != plan:
        raise wrong(
            f"{out} holds a run that was stopped, of other files or with other settings. Repeat that command, give "
            "another --out, or --force to begin anew."
        )
    if not plan_file.exists() and (remote.exists() if remote else _holds_others(folder)):
        raise wrong(f"{out} is not empty. Give a new folder as --out.")


def _holds_others(folder: Path) -> bool:
    return folder.exists() and any(one.name != WORK for one in folder.iterdir())


def _remote(url: str, engine: str, work: str | Path | None) -> Remote:
    if engine == "ray" and work is None:
        raise wrong(f"--out {url}: with --engine ray give --work, a folder that all nodes see.")
    return Remote(url.rstrip("/"))


def _local_folder(url: str, work: Path) -> Path:
    """Where a run is done whose results go to a URL: the same folder for the same URL, so that it can go on."""
    return work / f"holdfast-{blake2b(url.encode(), digest_size=8).hexdigest()}"


def write_text(path: Path, text: str) -> None:
    """A text file that is there whole or not at all."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, data: bytes) -> None:
    """A file that is there whole or not at all."""
    partial = path.with_name(f"{path.name}.{os.getpid()}.partial")
    try:
        partial.write_bytes(data)
        partial.replace(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise


def _clear(out: Path) -> None:
    """Delete what runs of ours wrote, nothing else."""
    for name in (WORK, *FOLDERS):
        shutil.rmtree(out / name, ignore_errors=True)
    for name in FILES:
        (out / name).unlink(missing_ok=True)
