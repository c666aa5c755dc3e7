"""Markdown and docstrings to HTML: mathematics as MathML, highlighted code, tables that scroll, names that link."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from html import escape
from inspect import cleandoc

from latex2mathml.converter import convert
from markdown_it import MarkdownIt
from markdown_it.token import Token
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import get_lexer_by_name
from pygments.util import ClassNotFound

MARKDOWN = MarkdownIt("commonmark", {"html": False}).enable("table")
FORMATTER = HtmlFormatter(nowrap=True)
# Commands that the converter does not know, as ones that it does; heights of brackets are the browser's affair.
SPELT = (
    (r"\\arg *\\(min|max)(?![a-z])", r"\\arg\1"),
    (r"\\operatorname(?![a-z])", r"\\mathrm"),
    (r"\\[bB]igg?[lrm]?(?![a-z])", ""),
)
SCROLL = '<div class="scroll" role="region" aria-label="Table" tabindex="0">'
FORMULA = '<div class="formula" role="group" aria-label="Formula" tabindex="0">'


@dataclass
class Rendered:
    """The HTML of a text, its title (the first heading) and its headings of the second level: (id, text)."""

    html: str
    title: str = ""
    headings: list[tuple[str, str]] = field(default_factory=list)


class UnknownFormulaError(Exception):
    """LaTeX that cannot be drawn; the message shows the formula."""


def render(text: str, root: str = "", names: dict[str, str] | None = None) -> Rendered:
    """HTML of GitHub-flavoured Markdown. `root` leads to the site's top; code spans that are `names` become links."""
    tokens = MARKDOWN.parse(text)
    rendered = Rendered("")
    taken: set[str] = set()
    for place, token in enumerate(tokens):
        if token.type == "inline":
            in_heading = tokens[place - 1].type == "heading_open"
            token.children = _inline(token.children or [], root, {} if in_heading else names or {})
        elif token.type == "heading_open":
            _note_heading(token, tokens[place + 1].content, rendered, taken)
        elif token.type == "fence":
            token.type, token.content = "html_block", _code(token.content, token.info.split()[0] if token.info else "")
        elif token.type == "table_open":
            token.type, token.content = (
                "html_block",
                '<div class="scroll" role="region" aria-label="Table" tabindex="0"><table>',
            )
        elif token.type == "table_close":
            token.type, token.content = "html_block", "</table></div>\n"
        elif token.type == "th_open":
            token.attrSet("scope", "col")
    rendered.html = MARKDOWN.renderer.render(tokens, MARKDOWN.options, {})
    return rendered


def docstring_html(docstring: str, root: str, names: dict[str, str]) -> str:
    """HTML of a docstring as this house writes them: math directives, single backticks, doctests, numpy sections."""
    return render(docstring_markdown(docstring), root, names).html


def inline_html(text: str, root: str, names: dict[str, str]) -> str:
    """HTML of one sentence, without a paragraph around it.

    >>> inline_html("of `y`", "", {})
    'of <code>y</code>'
    """
    tokens = MARKDOWN.parseInline(docstring_markdown(text))
    tokens[0].children = _inline(tokens[0].children or [], root, names)
    return str(MARKDOWN.renderer.render(tokens, MARKDOWN.options, {}))


def docstring_markdown(docstring: str) -> str:
    """Markdown of a docstring.

    >>> print(docstring_markdown("Adds.\\n\\n.. math:: a + b,\\n    c\\n\\nFor :math:`a > 0`."))
    Adds.
    <BLANKLINE>
    ```math
    a + b, c
    ```
    <BLANKLINE>
    For $`a > 0`$.
    """
    text = cleandoc(docstring)
    text = re.sub(r"^\.\. math:: (.*(?:\n[ \t]+\S.*)*)", _fence_of_math, text, flags=re.MULTILINE)
    text = re.sub(r":math:`([^`]*)`", r"$`\1`$", text)
    text = re.sub(r"^>>> .*(?:\n.+)*", lambda found: f"```pycon\n{found[0]}\n```", text, flags=re.MULTILINE)
    return re.sub(r"^(\w[\w ]*)\n-{3,}\n((?:.*\n?)*?)(?=^\w[\w ]*\n-{3,}$|\Z)", _section, text, flags=re.MULTILINE)


def _fence_of_math(found: re.Match[str]) -> str:
    return f"```math\n{' '.join(found[1].split())}\n```"


def _section(found: re.Match[str]) -> str:
    """A numpy section as a bold head and a list of its entries."""
    entries = re.sub(r"^(\w[\w, ]*)\n((?:    .*\n?)+)", _entry, found[2], flags=re.MULTILINE)
    return f"**{found[1]}**\n\n{entries}"


def _entry(found: re.Match[str]) -> str:
    return f"- `{found[1]}`: {' '.join(found[2].split())}\n"


def slug(text: str) -> str:
    """A heading as an anchor.

    >>> slug("What `holdfast` does, and why")
    'what-holdfast-does-and-why'
    """
    return "-".join(re.findall(r"[^\W_]+", text.lower()))


def mathml(latex: str, display: str = "inline") -> str:
    """MathML of a formula: browsers draw it without a script or a font from elsewhere."""
    for unknown, known in SPELT:
        latex = re.sub(unknown, known, latex)
    drawn = convert(latex, display=display)
    if "\\" in drawn:
        raise UnknownFormulaError(f"a command of this formula is not known: {latex}")
    return drawn


def _note_heading(token: Token, text: str, rendered: Rendered, taken: set[str]) -> None:
    plain = text.replace("`", "")
    anchor = slug(plain)
    while anchor in taken:
        anchor += "-again"
    taken.add(anchor)
    token.attrSet("id", anchor)
    if token.tag == "h1":
        rendered.title = rendered.title or plain
    elif token.tag == "h2":
        rendered.headings.append((anchor, plain))


def _inline(children: list[Token], root: str, names: dict[str, str]) -> list[Token]:
    depth = 0
    for place, child in enumerate(children):
        if child.type == "link_open":
            depth += 1
            child.attrSet("href", _href(str(child.attrGet("href")), root))
        elif child.type == "link_close":
            depth -= 1
        elif child.type == "image":
            child.attrSet("src", _href(str(child.attrGet("src")), root))
        elif child.type == "code_inline" and _is_math(children, place):
            before, after = children[place - 1], children[place + 1]
            before.content, after.content = before.content[:-1], after.content[1:]
            child.type, child.content = "html_inline", mathml(child.content)
        elif child.type == "code_inline" and child.content in names and not depth:
            link = f'<a href="{root}{names[child.content]}"><code>{escape(child.content)}</code></a>'
            child.type, child.content = "html_inline", link
    return children


def _is_math(children: list[Token], place: int) -> bool:
    around = children[place - 1 : place] + children[place + 1 : place + 2]
    if len(around) < 2:
        return False
    return around[0].content.endswith("$") and around[1].content.startswith("$")


def _href(target: str, root: str) -> str:
    if re.match(r"[a-z]+:", target) or target.startswith("#"):
        return target
    return root + re.sub(r"\.md(?=#|$)", ".html", target)


def _code(code: str, language: str) -> str:
    if language == "math":
        return f"{FORMULA}{mathml(' '.join(code.split()), 'block')}</div>\n"
    try:
        lexer = get_lexer_by_name(language or "text")
    except ClassNotFound:
        lexer = get_lexer_by_name("text")
    kind = f' class="language-{escape(language)}"' if language else ""
    return f'<pre tabindex="0"><code{kind}>{highlight(code, lexer, FORMATTER).rstrip()}</code></pre>\n'
