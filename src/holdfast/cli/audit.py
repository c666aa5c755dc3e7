"""`holdfast audit` and `holdfast demo`."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from holdfast.cli import fail, interrupted


def run(
    train: str, test: str | None, *, out: Path, roles: list[str], groups: list[str], proba: list[str],
    model: Path | None, ignore: list[str], **settings: Any,
) -> None:  # fmt: skip
    """Audit two files, write the report, print the summary."""
    import holdfast
    from holdfast.audit.load import InputError

    try:
        given = {
            **_pairs(roles, "--role", "COLUMN=ROLE"),
            **dict.fromkeys(groups, "group"),
            **dict.fromkeys(proba, "proba"),
        }
        _writable(out)
        with _progress() as tell:
            report = holdfast.audit(
                train,
                test,
                roles=given,
                ignore=_pairs(ignore, "--ignore", "CODE=REASON"),
                proba=_proba(test, proba),
                model=_load_model(model),
                progress=tell,
                **settings,
            )
        page = report.save(out)
    except (InputError, OSError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted()
    _summary(report.to_dict(), page)


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


def _writable(folder: Path) -> None:
    """Find out before minutes of work that the report could not be written."""
    from holdfast.audit.load import InputError

    parent = folder
    while not parent.exists() and parent != parent.parent:
        parent = parent.parent
    if not parent.is_dir():
        raise InputError(f"--out {folder}: {parent} is a file; give a folder.")
    try:
        import tempfile

        with tempfile.TemporaryFile(dir=parent):
            pass
    except OSError as problem:
        raise InputError(
            f"--out {folder}: cannot write in {parent}: {problem.strerror}. Give another folder."
        ) from None


def _proba(test: str | None, names: list[str]) -> Any:
    """The user's probability columns of the test file, as an array."""
    from holdfast.audit.load import InputError, read_table

    if not names:
        return None
    if test is None:
        raise InputError("--proba names columns of the test set, but no test set was given.")
    frame = read_table(test, "test").frame
    absent = [name for name in names if name not in frame.columns]
    if absent:
        raise InputError(f"--proba: the test set has no column {absent[0]!r}. It has: {', '.join(frame.columns[:20])}.")
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
