"""Build the pages into a folder: hand-written Markdown, and what is generated from the package and the records.

    python docs/build.py [--out site] [--readme]

Examples are executed, figures come from the records, and every link inside the site is followed; whatever is broken
fails the build with one line that says where. `--refresh` writes the figures and tables in README.md and docs/ anew.
Needs `latex2mathml` (formulas as MathML); Markdown, highlighting and templates come with Holdfast's own dependencies.
"""

from __future__ import annotations

import argparse
import re
import shutil
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))
try:
    from builder import comparison, examples, links, markup, panels, records
    from builder.generated import TEMPLATES, Page, UndocumentedError, generated_pages, link_names, readme
except ImportError as problem:
    sys.exit(f"docs: {problem}. Install what the pages need: pip install 'holdfast[dev]'")

import holdfast  # noqa: E402 - Holdfast is needed by the line above already
from holdfast.lazy import FAMILIES  # noqa: E402

# The hand-written pages in the order of the navigation: (section, file, name there).
WRITTEN = (
    ("Start", "index.md", "Start here"),
    ("Start", "inputs.md", "Inputs and roles"),
    ("Start", "models.md", "Your own model"),
    ("Start", "python.md", "In Python"),
    ("Start", "continuous-integration.md", "In GitHub Actions"),
    ("Start", "large_tables.md", "Tables beyond memory"),
    ("Start", "estimate.md", "Performance without labels"),
    ("Start", "explain.md", "Why performance changed"),
    ("Start", "corpus.md", "Text corpora"),
    ("Start", "runs.md", "Tables of runs"),
    ("Start", "integrations.md", "In pytest, scikit-learn, MLflow"),
    ("How it works", "prices.md", "How prices are computed"),
    ("How it works", "repair.md", "Repair and verify"),
    ("How it works", "power.md", "How power is measured"),
    ("How it works", "drill.md", "Drills"),
    ("How it works", "bench.md", "Choosing methods"),
    ("How it works", "networks.md", "Networks"),
    ("How it works", "shortcuts.md", "Shortcuts"),
    ("How it works", "contamination.md", "Has the model seen the test?"),
    ("How it works", "limits.md", "Where it fails"),
    ("Evidence", "comparison.md", "Beside other tools"),
    ("Evidence", "panels.md", "On real data"),
    ("Reference", "report-schema.md", "Report schema"),
)
MADE = {"{{ table }}": comparison.table, "{{ panels }}": panels.tables}  # what pages have made at their places
NAMES = re.compile(rf"`((?:{'|'.join(FAMILIES)})\.[A-Z]\w+|[A-Z]{{3}}\d{{3}})`")  # methods and checks, as code
SECTIONS = ("Start", "How it works", "Reference", "Evidence")


def main() -> None:
    """Parse, build, say what was done."""
    parser = argparse.ArgumentParser(description="Build the documentation.")
    parser.add_argument("--out", type=Path, default=HERE.parent / "site")
    parser.add_argument("--refresh", action="store_true", help="only refresh figures and tables in the texts")
    options = parser.parse_args()
    if options.refresh:
        for path in (HERE.parent / "README.md", *sorted(HERE.glob("*.md"))):
            path.write_text(readme(records.refreshed(path.read_text(encoding="utf-8"))), encoding="utf-8")
        return
    try:
        built = build(options.out)
    except (examples.BrokenExampleError, UndocumentedError, markup.UnknownFormulaError, KeyError) as problem:
        sys.exit(f"docs: {problem.args[0]}")
    broken = links.problems(options.out)
    if broken:
        sys.exit("docs: the pages are built, but\n" + "\n".join(broken))
    print(f"{len(built)} pages in {options.out}; open {options.out / 'index.html'}")


def build(out: Path) -> list[Page]:
    """Write every page; the folder is replaced only when all of them are made."""
    written = [_written(*entry) for entry in WRITTEN]
    pages = [page for page in written if page.section != "Reference"]
    pages += [*generated_pages(), *(page for page in written if page.section == "Reference")]
    template = TEMPLATES.get_template("page.html")
    navigation = [(section, [page for page in pages if page.section == section]) for section in SECTIONS]
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent) as folder:
        fresh = Path(folder) / "site"
        shutil.copytree(HERE / "images", fresh / "images")
        shutil.copy(HERE / "style.css", fresh)
        for page in pages:
            path = fresh / page.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(
                template.render(page=page, navigation=navigation, version=holdfast.__version__), encoding="utf-8"
            )
        if out.exists():
            shutil.rmtree(out)
        fresh.rename(out)
    return pages


def _written(section: str, file: str, name: str) -> Page:
    text = (HERE / file).read_text(encoding="utf-8")
    for place, made in MADE.items():
        text = text.replace(place, made()) if place in text else text
    text = records.without_marks(records.refreshed(text))
    known = link_names()
    unknown = [name for name in NAMES.findall(text) if name not in known]
    if unknown:
        raise UndocumentedError(f"{file} names what is not there: {', '.join(unknown)}")
    rendered = markup.render(examples.execute(file, text), names=known)
    if not rendered.title:
        raise UndocumentedError(f"{file} has no title: begin it with a line '# Title'")
    path = re.sub(r"\.md$", ".html", file)
    return Page(path, rendered.title, rendered.html, section, name, headings=tuple(rendered.headings))


if __name__ == "__main__":
    main()
