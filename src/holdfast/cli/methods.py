"""`holdfast methods`: the catalogue of what there is, read from the methods themselves."""

from __future__ import annotations

from inspect import getdoc, signature
from typing import Any

from holdfast.cli import fail
from holdfast.lazy import methods, missing_extras


def run(search: str | None, coverage: bool) -> None:
    """List methods, show one, or show which papers are done."""
    if coverage:
        _coverage()
        return
    known = methods()
    if search in known:
        _page(search, known[search])
        return
    chosen = {name: cls for name, cls in known.items() if search is None or _matches(search, name, cls)}
    if not chosen:
        from difflib import get_close_matches

        close = get_close_matches(search or "", known, n=3, cutoff=0.4)
        hint = f" Did you mean {', '.join(close)}?" if close else " `holdfast methods` lists all."
        fail(f"no method matches {search!r}.{hint}")
    _table(chosen)
    if search is None:
        _missing()


def _matches(search: str, name: str, cls: type) -> bool:
    from holdfast.audit.sources import family_sources

    entry = family_sources(name.split(".")[0]).get(cls.source, {})  # type: ignore[attr-defined]
    text = f"{name} {cls.__doc__} {entry.get('title', '')} {entry.get('authors', '')}".lower()
    return all(word in text for word in search.lower().split())


def _table(chosen: dict[str, Any]) -> None:
    from rich import box
    from rich.console import Console
    from rich.table import Table

    table = Table("method", "role", "what it is", box=box.SIMPLE_HEAD, pad_edge=False)
    for name, cls in chosen.items():
        table.add_row(name, cls.role, (cls.__doc__ or "").strip().splitlines()[0])
    Console().print(table)


def _missing() -> None:
    """One line for every extra that is not installed, with how many methods it would bring."""
    from collections import Counter

    for extra, count in Counter(missing_extras().values()).items():
        print(f"{count} more methods need an extra: pip install 'holdfast[{extra}]'")


def _page(name: str, cls: Any) -> None:
    from holdfast.audit.sources import family_sources

    entry = family_sources(name.split(".")[0])[cls.source]
    lines = [f"{name}  ({cls.role})", "", getdoc(cls) or "", ""]
    for verb in ("fit", *cls.verbs):
        if verb in cls.__dict__:
            taken = ", ".join(list(signature(cls.__dict__[verb]).parameters)[1:])
            lines.append(f"  .{verb}({taken})")
    settings = ", ".join(f"{key}={value!r}" for key, value in cls.settings().items())
    lines += ["", f"Settings: {settings or 'none'}"]
    if cls.role == "fault":
        lines.append(f"Strengths: {', '.join(f'{one:g}' for one in cls.strengths)} ({cls.unit})")
    else:
        lines.append(f"Finds its fault in the worlds: {', '.join(cls.claims)}")
    if cls.blind:
        lines.append(f"Blind in: {', '.join(cls.blind)}")
    lines += ["", f"Source: {entry['authors']} ({entry['year']}). {entry['title']}. {entry['id']}",
              f"Uses: {entry['uses']}. Deviates: {entry['deviates']}"]  # fmt: skip
    print("\n".join(lines))


def _coverage() -> None:
    """Catalogue rows that a method, a script with a record, a data function or a page stands on: all are tested."""
    from holdfast.audit.sources import done_elsewhere, family_sources, reproduced

    done: dict[int, tuple[str, list[str]]] = {}
    for name, cls in methods().items():
        entry = family_sources(name.split(".")[0]).get(cls.source, {})
        if "catalog" in entry:
            done.setdefault(int(entry["catalog"]), (entry["title"], []))[1].append(name)
    scripts = {int(entry["catalog"]): key for key, entry in reproduced().items() if "catalog" in entry}
    for row, key in scripts.items():
        done.setdefault(row, (reproduced()[key]["title"], []))[1].append(f"reproduce/{key}.py")
    others = done_elsewhere()
    for entry, name in others:
        done.setdefault(int(entry["catalog"]), (entry["title"], []))[1].append(name)
    for row, (title, names) in sorted(done.items()):
        print(f"{row:>4}  {title}\n      {', '.join(names)}")
    print(
        f"\n{len(done)} papers of the catalogue are done by {len(methods())} methods, each tested by the laws of "
        f"its role, {len(scripts)} script(s) whose records are tested, and {len(others)} function(s) and page(s)."
    )
