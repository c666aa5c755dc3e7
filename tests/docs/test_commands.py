"""What the README and the pages tell people to type is there: targets, commands, options, examples, links, figures."""

from __future__ import annotations

import re
import shlex
import struct
import sys
import tomllib
from pathlib import Path

import typer.main

from holdfast.audit.check import checks
from holdfast.cli.app import app
from holdfast.lazy import methods

ROOT = Path(__file__).parents[2]
README = ROOT / "README.md"
WRITTEN = [README, ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").rglob("*.md"))]


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _commands() -> list[tuple[str, list[str]]]:
    """(file, words) of every line that starts with a dollar in a console block."""
    found = []
    for path in WRITTEN:
        for block in re.findall(r"^```console\n(.*?)^```", _text(path), re.MULTILINE | re.DOTALL):
            lines = [line[2:] for line in block.splitlines() if line.startswith("$ ")]
            found += [(path.name, shlex.split(line, comments=True)) for line in lines]
    return found


def test_commands_in_texts_parse() -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    targets = set(re.findall(r"^([a-z-]+):", _text(ROOT / "Makefile"), re.MULTILINE))
    extras = set(tomllib.loads(_text(ROOT / "pyproject.toml"))["project"]["optional-dependencies"])
    commands = _commands()
    assert len(commands) >= 10
    wrong = []
    for file, words in commands:
        if words[0] == "make":
            wrong += [f"{file}: make {target}" for target in words[1:] if target not in targets]
        elif words[0] == "holdfast" and words[1] in known:
            try:
                group = getattr(known[words[1]], "commands", None)
                chosen = known[words[1]] if group is None else group[words[2]]
                chosen.make_context(words[1], words[2 if group is None else 3 :])
            except Exception as problem:
                wrong.append(f"{file}: {' '.join(words)}: {problem}")
        elif words[:2] == ["pip", "install"]:
            wrong += [f"{file}: extra {extra}" for extra in re.findall(r"\[(\w+)\]", words[2]) if extra not in extras]
        elif words[0] not in ("python",):
            wrong.append(f"{file}: {' '.join(words)} is no command of ours")
    assert not wrong, "\n".join(wrong)


def test_options_named_in_prose_exist() -> None:
    known = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    every = [*known.values(), *(one for group in known.values() for one in getattr(group, "commands", {}).values())]
    options = {name for command in every for each in command.params for name in each.opts}
    named = {(path.name, name) for path in WRITTEN for name in re.findall(r"`(--[a-z-]+)", _text(path))}
    assert named
    assert not {pair for pair in named if pair[1] not in options | {"--version", "--help"}}


def test_links_between_texts_resolve() -> None:
    wrong = []
    for path in WRITTEN:
        for target in re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", _text(path), flags=re.DOTALL)):
            there = target.partition("#")[0]
            if re.match(r"\w+:", target) or not there or (there.endswith(".html") and path != README):
                continue  # generated pages: the build follows these links
            if not (path.parent / there).exists():
                wrong.append(f"{path.name}: {target}")
    assert not wrong, "\n".join(wrong)


def test_figures_in_texts_are_those_of_the_records() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    from builder.records import MARK, refreshed

    assert len(MARK.findall(_text(README))) >= 3, "the README quotes no figures"
    stale = [path.name for path in WRITTEN if refreshed(_text(path)) != _text(path)]
    assert not stale, f"records are newer than {stale}: run python docs/build.py --refresh"


def test_tables_in_the_readme_hold() -> None:
    text = _text(README)
    rows = dict(re.findall(r"^\| `([A-Z]{3}\d{3})` \| (.*) \|$", text, re.MULTILINE))
    assert rows == {check.code: check.title for check in checks()}, "run python docs/build.py --refresh"
    families = dict(re.findall(r"^\| `holdfast\.(\w+)` \| (.*) \|$", text, re.MULTILINE))
    assert families.keys() == {name.split(".")[0] for name in methods()}, "run python docs/build.py --refresh"
    named = {f"{family}.{name}" for family, cell in families.items() for name in re.findall(r"`(\w+)`", cell)}
    assert named <= methods().keys(), "run python docs/build.py --refresh"


def test_the_example_in_the_readme_runs() -> None:
    sys.path.insert(0, str(ROOT / "docs"))
    from builder.examples import BLOCK, execute

    text = _text(README)
    assert BLOCK.search(text)
    execute("README.md", text)


def test_the_picture_is_small_and_real() -> None:
    picture = (ROOT / "docs" / "images" / "report.png").read_bytes()
    assert picture.startswith(b"\x89PNG")
    width, height = struct.unpack(">II", picture[16:24])
    assert len(picture) <= 300_000, f"{len(picture):,} bytes"
    assert width >= 1000
    assert height >= 600
