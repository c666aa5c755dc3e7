"""Every link inside the site must lead somewhere: to a file, to an anchor; every picture must say what it shows."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit


class _Page(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []
        self.anchors: list[str] = []
        self.wordless: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.targets += [given[name] or "" for name in ("href", "src") if name in given]
        if given.get("id"):
            self.anchors.append(given["id"] or "")
        if tag == "img" and not given.get("alt"):
            self.wordless.append(given.get("src") or "")


def problems(site: Path) -> list[str]:
    """What is broken in the built pages, a line each; empty when all is well."""
    pages = {path: _read(path) for path in sorted(site.rglob("*.html"))}
    return [f"{path.relative_to(site)}: {wrong}" for path, page in pages.items() for wrong in _wrong(path, page, pages)]


def _read(path: Path) -> _Page:
    page = _Page()
    page.feed(path.read_text(encoding="utf-8"))
    return page


def _wrong(path: Path, page: _Page, pages: dict[Path, _Page]) -> list[str]:
    wrong = [f"the anchor #{name} stands twice" for name in {a for a in page.anchors if page.anchors.count(a) > 1}]
    wrong += [f"the picture {name} has no text for those who cannot see it" for name in page.wordless]
    for target in dict.fromkeys(page.targets):
        parts = urlsplit(target)
        if parts.scheme or parts.netloc:
            continue
        there = (path.parent / unquote(parts.path)).resolve() if parts.path else path.resolve()
        if not there.is_file():
            wrong.append(f"the link {target} leads nowhere")
        elif parts.fragment and there in pages and unquote(parts.fragment) not in pages[there].anchors:
            wrong.append(f"the link {target} names an anchor that is not there")
    return wrong
