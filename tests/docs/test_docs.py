"""The pages build in silence, show all there is, quote only records, and break loudly."""

from __future__ import annotations

import doctest
import re
import subprocess
import sys
from html.parser import HTMLParser
from itertools import pairwise
from pathlib import Path

import pytest
import typer.main

from holdfast.audit.check import checks
from holdfast.audit.sources import family_sources
from holdfast.cli.app import app
from holdfast.lazy import FAMILIES, methods

pytest.importorskip("latex2mathml", reason="the pages need latex2mathml: pip install 'holdfast[dev]'")
DOCS = Path(__file__).parents[2] / "docs"
sys.path.insert(0, str(DOCS))
from builder import comparison, examples, generated, links, markup, records  # noqa: E402


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The whole site, built as `make docs` builds it; anything said on the way would be a warning."""
    out = tmp_path_factory.mktemp("docs") / "site"
    command = [sys.executable, DOCS / "build.py", "--out", out]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300)
    assert (done.returncode, done.stderr) == (0, ""), done.stdout + done.stderr
    return out


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_every_method_has_a_page_with_its_settings_arguments_and_paper(site: Path) -> None:
    lacking = []
    for name, cls in methods().items():
        path = site / "methods" / f"{name}.html"
        if not path.exists():
            lacking.append(f"{name}: no page")
            continue
        page = _text(path)
        wanted = [f"<code>{setting}</code>" for setting in cls.settings()]
        wanted += [f'<h3 id="{verb}">' for verb in ("fit", *cls.verbs) if verb in cls.__dict__]
        wanted += [f"<code>{world}</code>" for world in (*cls.claims, *cls.blind)]
        lacking += [f"{name}: {part}" for part in wanted if part not in page]
        if cls.source and str(family_sources(name.split(".")[0])[cls.source]["year"]) not in page:
            lacking.append(f"{name}: its paper")
    assert not lacking, "\n".join(lacking)


def test_checks_papers_and_records_are_all_listed(site: Path) -> None:
    pages = ("checks.html", "bibliography.html", "evidence.html")
    anchors = {page: set(re.findall(r'id="([^"]+)"', _text(site / page))) for page in pages}
    assert {check.code for check in checks()} <= anchors["checks.html"]
    papers = {key for family in FAMILIES for key in family_sources(family)}
    assert papers <= anchors["bibliography.html"], papers - anchors["bibliography.html"]
    runs = {markup.slug(name) for name in records.records()}
    assert runs <= anchors["evidence.html"], runs - anchors["evidence.html"]


def test_every_option_of_every_command_is_listed(site: Path) -> None:
    page = _text(site / "command-line.html")
    listed = {name for cell in re.findall(r"<code>([^<]+)</code></th>", page) for name in cell.split(", ")}
    commands = dict(typer.main.get_command(app).commands)  # type: ignore[attr-defined]
    for name, group in list(commands.items()):
        if hasattr(group, "commands"):
            commands |= {f"{name}-{below}": command for below, command in group.commands.items()}
            del commands[name]
    for name, command in commands.items():
        assert f'id="{name}"' in page, f"{name} has no heading"
        wanted = {option for each in command.params for option in each.opts if option.startswith("-")}
        assert wanted - listed <= {"-h", "--help"}, f"{name}: {wanted - listed}"


def test_coverage_counts_only_rows_that_a_method_stands_on(site: Path) -> None:
    rows = {int(row) for row in re.findall(r'<td class="number">(\d+)</td>', _text(site / "coverage.html"))}
    standing = [family_sources(name.split(".")[0])[cls.source] for name, cls in methods().items() if cls.source]
    assert rows == {int(entry["catalog"]) for entry in standing if "catalog" in entry}


class _Outline(HTMLParser):
    """What a screen reader and a network monitor would notice of a page."""

    def __init__(self) -> None:
        super().__init__()
        self.levels: list[int] = []
        self.seen: dict[str, int] = {}
        self.foreign: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.seen[tag] = self.seen.get(tag, 0) + 1
        if re.fullmatch("h[1-6]", tag):
            self.levels.append(int(tag[1]))
        loaded = given.get("src") or (given.get("href") if tag == "link" else None)
        if loaded and re.match(r"\w+:(?!,)", loaded) and not loaded.startswith("data:"):
            self.foreign.append(loaded)
        if tag == "th" and "scope" not in given:
            self.foreign.append("a header cell without a scope")


def test_pages_are_readable_by_all_and_load_nothing(site: Path) -> None:
    wrong = []
    for path in sorted(site.rglob("*.html")):
        outline = _Outline()
        outline.feed(_text(path))
        main = _text(path).split("<main", 1)[1].split("</main>")[0]
        levels = [int(level) for level in re.findall(r"<h([1-6])", main)]
        jumps = [pair for pair in pairwise(levels) if pair[1] > pair[0] + 1]
        name = path.relative_to(site)
        if levels[:1] != [1] or levels.count(1) != 1 or jumps:
            wrong.append(f"{name}: headings {levels}")
        if outline.seen.get("script") or outline.foreign:
            wrong.append(f"{name}: scripts or foreign content {outline.foreign}")
        if not {"html", "title", "main", "nav"} <= outline.seen.keys() or 'lang="en"' not in _text(path):
            wrong.append(f"{name}: lacks title, language or landmarks")
    assert not wrong, "\n".join(wrong)


def test_formulas_are_drawn_and_docstring_marks_do_not_leak(site: Path) -> None:
    leaks = {}
    for path in sorted(site.rglob("*.html")):
        prose = re.sub(r"<(code|math|pre)\b.*?</\1>", "", _text(path), flags=re.DOTALL)
        found = re.findall(r"`+|\.\. math::|:math:|\$\s*$|\\[a-z]{2,}|&lt;!--", prose)
        if found:
            leaks[path.name] = found
    assert not leaks, leaks
    assert "<math" in _text(site / "prices.html")


def test_a_broken_link_an_absent_anchor_and_a_wordless_picture_are_found(tmp_path: Path) -> None:
    (tmp_path / "there.html").write_text('<h2 id="here"></h2>', encoding="utf-8")
    (tmp_path / "a.html").write_text(
        '<a href="there.html#here"></a><a href="https://example.org"></a><a href="gone.html"></a>'
        '<a href="there.html#away"></a><img src="there.html"><p id="x"></p><p id="x"></p>',
        encoding="utf-8",
    )
    found = "\n".join(links.problems(tmp_path))
    assert found.count("\n") == 3, found
    for part in ("gone.html leads nowhere", "#away names an anchor", "no text for those", "#x stands twice"):
        assert part in found


def test_broken_examples_formulas_and_figures_raise() -> None:
    with pytest.raises(examples.BrokenExampleError, match=r"(?s)page\.md.*1 / 0.*division"):
        examples.execute("page.md", "```python run\n1 / 0\n```\n")
    with pytest.raises(examples.BrokenExampleError, match="careful"):
        examples.execute("page.md", "```python run\nimport warnings\nwarnings.warn('careful')\n```\n")
    with pytest.raises(markup.UnknownFormulaError, match="nonsense"):
        markup.mathml(r"\nonsense x")
    with pytest.raises(KeyError, match="does not exist"):
        records.refreshed("<!-- record absent a {} -->1<!-- /record -->", {})
    with pytest.raises(KeyError, match="there are: mean"):
        records.lookup({"ours": {"mean": 1}}, "ours > median")


def test_examples_share_names_and_show_what_they_print() -> None:
    text = examples.execute("page.md", "```python run\nx = 2\n```\n\n```python run\nprint(x + 1)\n```\n")
    assert "```output\n3\n```" in text
    assert "python run" not in text


def test_figures_are_taken_from_the_records() -> None:
    text = "<!-- record speed ratio > mean {:.1f} -->9.9<!-- /record --> times"
    fresh = records.refreshed(text, {"speed": {"ratio": {"mean": 4.26}}})
    assert records.without_marks(fresh) == "4.3 times"


def test_cells_of_a_page_stay_text() -> None:
    assert "<script>" not in markup.render("<script>alert(1)</script> `<b>`").html
    assert markup.inline_html("a < b & `c`", "", {}) == "a &lt; b &amp; <code>c</code>"


def test_comparison_has_no_figure_without_a_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "rows.toml"
    figures = 'ours = "a"\ntheirs = ["b", "b"]\nformat = "{:.1f}"\nformat_theirs = "{}/{}"\npeer = "tool"\n'
    rows = [f'[[row]]\nwhat = "{name}"\nrecord = "{name}"\n{figures}' for name in ("known", "unknown")]
    path.write_text("".join(rows), encoding="utf-8")
    monkeypatch.setattr(comparison, "records", lambda: {"known": {"a": 0.5, "b": 2}})
    shown = comparison.table(path)
    assert "| known | 0.5 | tool: 2/2 | [known](evidence.html#known) |" in shown
    assert shown.endswith("without a figure: unknown.")


@pytest.mark.parametrize("module", [comparison, examples, generated, links, markup, records])
def test_examples_in_the_builder(module: object) -> None:
    assert doctest.testmod(module).failed == 0  # type: ignore[arg-type]
