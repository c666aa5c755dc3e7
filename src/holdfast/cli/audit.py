"""`holdfast audit` and `holdfast demo`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.cli import fail, interrupted
from holdfast.report.gate import Gate, judge


def run(
    train: str, test: str | None, *, out: Path, roles: list[str], groups: list[str], proba: list[str],
    model: Path | None, ignore: list[str], fail_on: list[str] | tuple[()] = (), junit: Path | None = None,
    sarif: Path | None = None, **settings: Any,
) -> None:  # fmt: skip
    """Audit two files, write the report, print the summary, leave with the gate's exit code."""
    import holdfast
    from holdfast.audit.load import InputError

    try:
        ignored = _pairs(ignore, "--ignore", "CODE=REASON")
        conditions = _conditions(fail_on, ignored, settings)
        given = {
            **_pairs(roles, "--role", "COLUMN=ROLE"),
            **dict.fromkeys(groups, "group"),
            **dict.fromkeys(proba, "proba"),
        }
        if proba and test is None:
            raise InputError("--proba names columns of the test set, but no test set was given.")
        _writable(out)
        for option, file in (("--junit", junit), ("--sarif", sarif)):
            if file is not None:
                _writable_file(file, option)
        with _progress() as tell:
            report = holdfast.audit(
                train,
                test,
                roles=given,
                ignore=ignored,
                proba=proba or None,
                model=_load_model(model),
                work=out,
                progress=tell,
                **settings,
            )
        page, record = report.save(out), report.to_dict()
        gate = judge(record, *conditions) if fail_on else None
        _write_formats(record, gate, junit, sarif)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted()
    _summary(record, page)
    if gate is not None:
        _leave(gate)


def run_demo(out: Path, seed: int, quick: bool) -> None:
    """The audit of the bundled data."""
    from holdfast.datasets import heart_disease

    train, test = heart_disease()
    run(
        str(train),
        str(test),
        target="disease",
        out=out,
        metric=None,
        task=None,
        roles=[],
        groups=["hospital"],
        proba=[],
        model=None,
        only=[],
        ignore=[],
        seed=seed,
        repeats=5,
        max_rows=50_000,
        quick=quick,
    )


def _pairs(given: list[str], option: str, form: str) -> dict[str, str]:
    from holdfast.audit.load import InputError

    pairs = {}
    for text in given:
        name, sign, value = text.partition("=")
        if not sign or not name or not value.strip():
            raise InputError(f"{option} {text!r}: expected {form}.")
        pairs[name] = value
    return pairs


def _writable(folder: Path, option: str = "--out", shown: Path | None = None) -> None:
    """Find out before minutes of work that the report could not be written."""
    from holdfast.audit.load import InputError

    parent = folder
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(f"{option} {shown or folder}: {parent} is a file; give a folder.")
    try:
        import tempfile

        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as problem:
        raise InputError(
            f"{option} {shown or folder}: cannot write in {parent}: {problem.strerror}. Give another folder."
        ) from None


def _writable_file(file: Path, option: str) -> None:
    from holdfast.audit.load import InputError

    if file.is_dir():
        raise InputError(f"{option} {file}: this is a folder; give a file.")
    _writable(file.parent, option, file)


def _conditions(
    fail_on: list[str] | tuple[()], ignored: dict[str, str], settings: dict[str, Any]
) -> tuple[float | None, tuple[str, ...]]:
    """The conditions of --fail-on, checked before any work."""
    from holdfast.audit.check import checks
    from holdfast.audit.load import InputError
    from holdfast.report.gate import read_conditions

    if not fail_on:
        return None, ()
    try:
        known = {check.code for check in checks()}
        return read_conditions(fail_on, known, ignored, settings["only"], settings["quick"])
    except ValueError as problem:
        raise InputError(str(problem)) from None


def _write_formats(record: dict[str, Any], gate: Gate | None, junit: Path | None, sarif: Path | None) -> None:
    from holdfast.report.writing import write_all

    contents, failures = {}, None if gate is None else gate.reasons
    if junit is not None:
        from holdfast.report.junit import junit as as_junit

        contents[junit] = as_junit(record, failures)
    if sarif is not None:
        from holdfast.report.sarif import sarif as as_sarif

        contents[sarif] = as_sarif(record, failures)
    write_all(contents)


def _leave(gate: Gate) -> None:
    """Say why the gate is closed and leave with its exit code; say that it is open and go on."""
    from holdfast.audit.load import safe_text

    words = {0: "open", 3: "closed by a price", 4: "closed by a check", 5: "cannot be judged"}
    reasons = "".join(f"\n  {code}: {safe_text(reason, 300)}" for code, reason in gate.reasons.items())
    print(f"Gate: {words[gate.exit_code]} (exit code {gate.exit_code}){reasons}", file=sys.stderr)
    if gate.exit_code:
        sys.exit(gate.exit_code)


def _proba(source: str, names: list[str], where: str) -> Any:
    """The user's probability columns of a file, as an array."""
    from holdfast.audit.load import InputError, read_table

    if not names:
        return None
    frame = read_table(source, where).frame
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise InputError(f"--proba: {where} has no column {absent[0]!r}. It has: {', '.join(frame.columns[:20])}.")
    array = frame.select(names).to_numpy()
    return array[:, 0] if len(names) == 1 else array


def _load_model(path: Path | None) -> Any:
    if path is None:
        return None
    from holdfast.audit.given_model import load_model

    return load_model(path)


@contextmanager
def _progress() -> Iterator[Callable[[str, int, int], None]]:
    """A live bar per stage on a terminal, plain silence elsewhere."""
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

    console = Console(stderr=True)
    if not console.is_terminal:
        yield lambda stage, done, total: None
        return
    columns = (
        TextColumn("{task.description:<14.14}"),
        BarColumn(bar_width=28),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("[dim]{task.fields[now]}"),
    )
    with Progress(*columns, console=console, transient=True) as bars:
        known: dict[str, Any] = {}

        def tell(stage: str, done: int, total: int) -> None:
            head, _, rest = stage.partition(" ")
            if head not in known:
                known[head] = bars.add_task(head, total=total, now="")
            bars.update(known[head], completed=done, total=max(total, 1), now=rest if done < total else "")

        yield tell


def _summary(record: dict[str, Any], page: Path) -> None:
    from rich.console import Console

    from holdfast.report.terminal import render_terminal

    console = Console()
    render_terminal(record, console)
    console.print(f"\nReport: {page}  ({page.with_name('report.json').name} beside it)", highlight=False, markup=False)
