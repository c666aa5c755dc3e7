"""The house stands: import arrows, one method a file, sources typed once, nothing imported before it is asked for."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import holdfast
from holdfast.lazy import FAMILIES, methods

ROOT = Path(holdfast.__file__).parent
LAYERS = [
    {"core", "vocabulary", "lazy"},
    {"ops", "nets"},
    set(FAMILIES) - {"faults"},
    {"faults", "datasets"},
    {"engine", "report"},
    {"audit", "corpus"},
    {"verify", "estimate", "explain", "drill", "scaling", "compare", "contamination"},
    {"repair", "bench"},
    {"testing", "cli", "integrations"},
]
RANK = {part: rank for rank, layer in enumerate(LAYERS) for part in layer}


def _part(path: Path) -> str:
    return path.relative_to(ROOT).parts[0].removesuffix(".py")


def _imports(path: Path) -> set[str]:
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("holdfast."):
            found.add((node.module or "").split(".")[1])
        if isinstance(node, ast.Import):
            found |= {name.name.split(".")[1] for name in node.names if name.name.startswith("holdfast.")}
    return found


def test_import_arrows_point_one_way() -> None:
    wrong = []
    for path in ROOT.rglob("*.py"):
        here = _part(path)
        for there in _imports(path) if here in RANK else ():
            if there == here or there not in RANK:
                continue
            if RANK[there] > RANK[here] or (here in FAMILIES and there in FAMILIES and here != "faults"):
                wrong.append(f"{path.relative_to(ROOT)} imports holdfast.{there}")
    # records carry an Estimate and the report is drawn from a plain dict: neither needs an exception
    assert not wrong, "\n".join(wrong)


def test_one_public_class_a_file_and_short() -> None:
    wrong = []
    for family in set(FAMILIES) - {"faults"}:
        for path in (ROOT / family).glob("[!_]*.py"):
            tree = ast.parse(path.read_text(encoding="utf-8"))
            public = [node.name for node in tree.body if isinstance(node, ast.ClassDef) and node.name[0] != "_"]
            lines = len(path.read_text(encoding="utf-8").splitlines())
            squashed = [name.lower() for name in public]
            if squashed != [path.stem.replace("_", "")] or lines > 120:
                wrong.append(f"{family}/{path.name}: classes {public}, {lines} lines")
    assert not wrong, "\n".join(wrong)


def _sources() -> dict[str, dict[str, dict]]:
    return {
        family: tomllib.loads((ROOT / family / "sources.toml").read_text(encoding="utf-8"))
        for family in FAMILIES
        if (ROOT / family / "sources.toml").exists()
    }


def test_every_method_has_a_source_and_every_source_is_used() -> None:
    sources = _sources()
    used = {(name.split(".")[0], cls.source) for name, cls in methods().items()}
    offered = {(family, key) for family, table in sources.items() for key in table}
    assert not used - offered, f"methods without a source: {sorted(used - offered)}"
    cited = {(f, k) for f, k in offered - used if any(k in p.read_text(encoding="utf-8") for p in ROOT.rglob("*.py"))}
    assert not offered - used - cited, f"sources nobody uses: {sorted(offered - used - cited)}"


def test_no_paper_is_typed_twice_and_entries_are_complete() -> None:
    seen: dict[str, str] = {}
    for family, table in _sources().items():
        for key, entry in table.items():
            missing = {"title", "authors", "year", "id", "uses", "deviates"} - set(entry)
            assert not missing, f"{family}/{key} lacks {sorted(missing)}"
            assert re.match(r"(arXiv:\d{4}\.\d{4,5}|arXiv:[a-z-]+/\d{7}|doi:10\.\S+|isbn:\S+|url:\S+)$", entry["id"]), (
                f"{family}/{key}: id {entry['id']!r}"
            )
            for name in (entry["title"].lower(), entry["id"], key):
                assert name not in seen, f"{family}/{key} repeats {seen[name]}: {name}"
                seen[name] = f"{family}/{key}"


def test_papers_behind_functions_and_pages_are_counted_and_there() -> None:
    import holdfast.datasets
    from holdfast.audit.sources import done_elsewhere

    found = done_elsewhere()
    assert found, "no function of datasets and no page stands for a paper"
    for entry, name in found:
        where, _, what = name.partition(".")
        assert where != "datasets" or callable(getattr(holdfast.datasets, what)), f"{name} is not there"
        assert {"title", "authors", "year", "id", "uses", "deviates", "catalog"} <= set(entry), name
    assert any(name == "docs/shortcuts.md" for _, name in found), "the page on shortcuts names its survey"


def test_import_is_light() -> None:
    heavy = ("numpy", "scipy", "sklearn", "polars", "pandas", "torch", "faiss", "jinja2", "rich", "typer")
    code = f"import sys, holdfast; print([name for name in {heavy!r} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert loaded == "[]", f"import holdfast loads {loaded}"
