"""What the subcommands share: options, one progress bar with the time left, how errors and Ctrl-C end."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import wraps
from inspect import Signature, signature
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from holdfast.cli import EXIT_INTERRUPTED, fail, interrupted

EXIT_ALARM = 3
SHARES = {"reading": 0.65, "comparing": 0.1, "verifying": 0.1, "writing": 0.15, "training": 0.35}  # of the time

Inputs = Annotated[
    list[str],
    typer.Argument(help="Files, folders or URLs: JSON Lines, Parquet, CSV, TSV or text (a line each), also gz or zst."),
]
Out = Annotated[
    str,
    typer.Option("--out", "-o", help="A new folder (or its URL) for the documents kept and removed, and why."),
]
AlarmRate = Annotated[float, typer.Option(help="Say so where more than this share of the documents is removed.")]


@dataclass(frozen=True)
class Common:
    """The options of every command that writes a corpus; `settings` are those that its verb takes."""

    text: str
    id: str
    broken: str
    engine: str
    workers: int | None
    force: bool
    work: str | None
    strict: bool

    def settings(self) -> dict[str, Any]:
        """Keyword arguments of a verb."""
        return {name: value for name, value in vars(self).items() if name != "strict"}


def _options(
    text: Annotated[str, typer.Option(help="The field (column) with the text.")] = "text",
    id: Annotated[str, typer.Option(help="The field (column) with the name of a document, where there is one.")] = "id",
    broken: Annotated[
        str, typer.Option(help="Broken records: aside (taken out, can be put back), keep or stop.")
    ] = "aside",
    engine: Annotated[str, typer.Option(help="local (this process), processes, or ray (a cluster).")] = "local",
    workers: Annotated[int | None, typer.Option(help="Processes or tasks at a time; as many as cores.")] = None,
    force: Annotated[bool, typer.Option("--force", help="Replace what an earlier run wrote into --out.")] = False,
    work: Annotated[
        str | None,
        typer.Option(help="Where --out is a URL: a folder for the work. Seen by other machines, they can go on there."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help=f"End with exit code {EXIT_ALARM} where an alarm was raised.")
    ] = False,
) -> None:
    """Typed once: what `with_common` adds to a command."""


def with_common(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Common` after its own; it gets them as its argument `common`."""
    hints = get_type_hints(command, include_extras=True)
    added = [
        one.replace(annotation=get_type_hints(_options, include_extras=True)[name])
        for name, one in signature(_options).parameters.items()
    ]
    own = [
        one.replace(annotation=hints[name]) for name, one in signature(command).parameters.items() if name != "common"
    ]

    @wraps(command)
    def run(**given: Any) -> None:
        command(common=Common(**{one.name: given.pop(one.name) for one in added}), **given)

    run.__signature__ = Signature([*own, *added])  # type: ignore[attr-defined]
    run.__annotations__ = {one.name: one.annotation for one in (*own, *added)}
    return run


@contextmanager
def told(
    out: str | Path, kept: bool = True, shares: Mapping[str, float] = SHARES
) -> Iterator[Callable[[str, int, int], None]]:
    """Progress for a verb; its errors as one line each, and how to go on."""
    try:
        with progress(shares) as tell:
            yield tell
    except ModuleNotFoundError as problem:
        fail(str(problem))
    except (ValueError, OSError, RuntimeError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        left = f"What was done is kept in {out}: the same command goes on from there." if kept else "It is not whole."
        print(f"\nInterrupted. {left}", file=sys.stderr)
        sys.exit(EXIT_INTERRUPTED)


@contextmanager
def plain() -> Iterator[None]:
    """For what is done in one go: errors as one line each."""
    try:
        yield
    except (ValueError, OSError, ModuleNotFoundError) as problem:
        fail(str(problem))
    except KeyboardInterrupt:
        interrupted()


def named(words: str, option: str, example: str) -> tuple[str, str]:
    """NAME=TEXT, cut at the first equals sign."""
    name, _, value = words.partition("=")
    if not name or not value:
        raise ValueError(f"{option} {words!r}: expected NAME=PATH, such as {example}.")
    return name, value


def named_numbers(given: list[str], option: str) -> dict[str, float]:
    """NAME=NUMBER as a dictionary."""
    found = {}
    for words in given:
        name, _, value = words.rpartition("=")
        try:
            found[name] = float(value)
        except ValueError:
            name = ""
        if not name:
            raise ValueError(f"{option} {words!r}: expected NAME=NUMBER, such as web=2e9.")
    return found


@contextmanager
def progress(shares: Mapping[str, float] = SHARES) -> Iterator[Callable[[str, int, int], None]]:
    """One bar with the time left, on a terminal; nothing elsewhere. `shares` of the time go to the stages."""
    if not sys.stderr.isatty():
        yield lambda stage, done, total: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn

    columns = (
        BarColumn(bar_width=28), TextColumn("{task.percentage:>3.0f} %"), TimeElapsedColumn(), TextColumn("about"),
        TimeRemainingColumn(), TextColumn("left [dim]{task.description}"),
    )  # fmt: skip
    with Progress(*columns, console=Console(stderr=True), transient=True) as bars:
        bar, before, now = bars.add_task("", total=1.0), [0.0], [""]

        def tell(stage: str, done: int, total: int) -> None:
            if stage != now[0]:
                before[0] += shares.get(now[0], 0.0)
                now[0] = stage
            bars.update(bar, completed=before[0] + shares.get(stage, 0.0) * done / max(total, 1), description=stage)

        yield tell


def show(summary: dict[str, Any], out: str, strict: bool) -> None:
    """The summary in a few lines, alarms last; exit code 3 where they are strict."""
    from holdfast.audit.load.errors import safe_text

    removed = ", ".join(f"{count:,} {rule}" for rule, count in summary["removed"].items()) or "none"
    print(f"{summary['documents']:,} documents: {summary['kept']:,} kept, removed: {removed}.")
    for name, words in (("broken", "broken records"), ("too_large_to_compare", "records too large to compare")):
        about = summary[name]
        if about["count"]:
            first = about["first"][0]
            where = safe_text(f"{first['file']}, line {first['line']}: {first['reason']}", 300)
            print(f"{about['count']:,} {words}, first in {where}")
    for name, words in (
        ("not_utf8", "documents with bytes that are no UTF-8 (kept as they are)"),
        ("repeated_ids", "documents have the id of an earlier one"),
        ("crowded_buckets", "crowded buckets, in which not every pair was compared"),
    ):
        if summary.get(name):
            print(f"{summary[name]:,} {words}")
    print(f"Written to {out}: data/, removed/, provenance.jsonl, summary.json")
    for alarm in summary["alarms"]:
        print(f"ALARM: {safe_text(alarm, 300)}", file=sys.stderr)
    if strict and summary["alarms"]:
        sys.exit(EXIT_ALARM)
