"""The pages that nobody writes: families, methods, checks, papers, records, worlds, commands, read from the package."""

from __future__ import annotations

import re
import typing
from collections.abc import Iterator
from dataclasses import dataclass, fields
from functools import cache
from html import unescape
from inspect import Parameter, getdoc, signature
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape
from markupsafe import Markup

from builder.markup import docstring_html, inline_html, render, slug
from builder.records import ROOT, records
from holdfast.audit.check import checks
from holdfast.audit.report import Report
from holdfast.audit.run import audit
from holdfast.audit.settings import Settings
from holdfast.audit.sources import family_sources
from holdfast.core import ROLES, Method
from holdfast.faults.worlds import worlds
from holdfast.lazy import FAMILIES, methods
from holdfast.vocabulary import argument

HERE = Path(__file__).parents[1]
TEMPLATES = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    undefined=StrictUndefined,
    autoescape=select_autoescape(["html"]),
    trim_blocks=True,
    lstrip_blocks=True,
)


@dataclass
class Page:
    """One page of the site. `section` and `name` place it in the navigation; without a name it is not listed there."""

    path: str
    title: str
    html: str
    section: str = ""
    name: str = ""
    parent: str = ""
    headings: tuple[tuple[str, str], ...] = ()

    @property
    def root(self) -> str:
        """What leads from this page to the top of the site."""
        return "../" * self.path.count("/")


class UndocumentedError(Exception):
    """Something that the pages are made of is missing; the message says what and where."""


def generated_pages() -> Iterator[Page]:
    """All of them, from what is there."""
    yield from _family_pages()
    yield _page("reference.html", "Python reference", "reference.html", "Reference", functions=_reference())
    yield _page("command-line.html", "Commands", "command_line.html", "Reference", commands=_commands())
    yield _page(
        "checks.html", "Checks", "checks.html", "Reference", checks=list(checks()), facts=_facts, methods=_known()
    )
    yield _page(
        "blind-spots.html",
        "Where methods are blind",
        "blind_spots.html",
        "Evidence",
        tables=_blind_spots(),
    )
    yield _page("evidence.html", "Records", "evidence.html", "Evidence", records=_evidence())
    yield _page("coverage.html", "Papers of the catalogue", "coverage.html", "Evidence", rows=_coverage())
    yield _page("bibliography.html", "Bibliography", "bibliography.html", "Evidence", entries=_bibliography())


def link_names() -> dict[str, str]:
    """What becomes a link where it stands as code: methods, dotted or alone, papers and checks."""
    found = {name: f"methods/{name}.html" for name in _known()}
    alone: dict[str, list[str]] = {}
    for name in _known():
        alone.setdefault(name.split(".")[1], []).append(name)
    found |= {short: f"methods/{full[0]}.html" for short, full in alone.items() if len(full) == 1}
    found |= {key: f"bibliography.html#{key}" for family in FAMILIES for key in family_sources(family)}
    return found | {check.code: f"checks.html#{check.code}" for check in checks()}


def readme(text: str) -> str:
    """The README with its tables of checks and families as the package has them now."""
    codes = [f"| `{check.code}` | {check.title} |" for check in checks()]
    families: dict[str, list[str]] = {}
    for name in _known():
        family, short = name.split(".")
        families.setdefault(family, []).append(f"`{short}`")
    rows = [f"| `holdfast.{family}` | {', '.join(names)} |" for family, names in families.items()]
    for mark, head, lines in (
        ("checks", "| code | the bad state |", codes),
        ("families", "| family | methods |", rows),
    ):
        table = "\n".join([f"<!-- {mark} -->", head, "|---|---|", *lines, f"<!-- /{mark} -->"])
        before, opened, rest = text.partition(f"<!-- {mark} -->")
        _, closed, after = rest.partition(f"<!-- /{mark} -->")
        text = before + table + after if opened and closed else text
    return text


@cache
def _known() -> dict[str, Any]:
    return {name: cls for name, cls in methods().items() if issubclass(cls, Method)}


def _family_pages() -> Iterator[Page]:
    families = {family: [name for name in _known() if name.split(".")[0] == family] for family in FAMILIES}
    families = {family: names for family, names in families.items() if names}
    yield _page(
        "methods.html",
        "Methods",
        "methods.html",
        "Reference",
        families=families,
        methods=_known(),
        first=_first_line,
        intro=_intro,
    )
    for name, cls in _known().items():
        yield _method_page(name, cls)


def _intro(family: str) -> Markup:
    path = HERE / "families" / f"{family}.md"
    return Markup(render(path.read_text(encoding="utf-8"), names=link_names()).html) if path.exists() else Markup("")


def _method_page(name: str, cls: Any) -> Page:
    family = name.split(".")[0]
    source = family_sources(family).get(cls.source)
    if source is None:
        raise UndocumentedError(f"{name}: its source {cls.source!r} does not stand in {family}/sources.toml")
    first, _, rest = (getdoc(cls) or "").partition("\n\n")
    names = {key: target for key, target in link_names().items() if not target.endswith(f"/{name}.html")}
    return _page(
        f"methods/{name}.html", name, "method.html", parent="methods.html",
        short=name.split(".")[1], family=family, cls=cls, lead=" ".join(first.split()),
        body=Markup(docstring_html(rest, "../", names)), verbs=_verbs(cls), settings=_settings(cls),
        role=_first_line(next(role for role in ROLES if role.role == cls.role)),
        claims=_described(family, cls.claims), blind=_described(family, cls.blind),
        used_by=[check for check in checks() if name in check.methods],
        source=source, url=_url(source["id"]), file=f"src/holdfast/{family}/{cls.__module__.split('.')[-1]}.py",
    )  # fmt: skip


def _verbs(cls: Any) -> list[dict[str, Any]]:
    found = []
    for verb in ("fit", *cls.verbs):
        if verb in cls.__dict__:
            call = signature(cls.__dict__[verb])
            arguments = [_argument(cls, parameter) for parameter in list(call.parameters.values())[1:]]
            shown = ", ".join(one["call"] for one in arguments)
            doc = getdoc(cls.__dict__[verb]) or ""
            found.append({"name": verb, "call": shown, "arguments": arguments, "doc": doc})
    return found


def _argument(cls: Any, parameter: Parameter) -> dict[str, Any]:
    entry = argument(parameter.name)
    if entry is None:
        raise UndocumentedError(f"{cls.__name__}: the argument {parameter.name!r} does not stand in the vocabulary")
    whose = {"ref": "of the reference, what was learnt from: ", "cur": "of the current rows, what is met now: "}
    is_needed = parameter.default is Parameter.empty
    return {
        "name": parameter.name,
        "call": f"{parameter.name}=..." if is_needed else f"{parameter.name}={parameter.default!r}",
        "shape": f"({', '.join(entry.dims)}{',' * (len(entry.dims) == 1)})" if entry.dims else "",
        "meaning": whose.get(parameter.name.split("_")[0], "") + entry.meaning,
        "is_needed": is_needed,
    }


def _settings(cls: Any) -> list[dict[str, str]]:
    return [
        {"name": one.name, "type": _plain_type(one.type), "default": repr(one.default)}
        for one in fields(cls)
    ]  # fmt: skip


def _plain_type(annotation: Any) -> str:
    """A type as a reader would say it.

    >>> _plain_type('Literal["trees", "linear"] | None')
    "'trees', 'linear' or None"
    """
    text = annotation if isinstance(annotation, str) else getattr(annotation, "__name__", str(annotation))
    text = re.sub(r"Literal\[([^\]]*)\]", lambda found: found[1].replace('"', "'"), text)
    return text.replace("np.ndarray", "array").replace(" | ", " or ")


def _described(family: str, names: tuple[str, ...]) -> list[tuple[str, str]]:
    known = worlds(family) if names else {}
    return [(name, _first_line(known[name]) if name in known else "") for name in names]


def _first_line(thing: Any) -> str:
    """The first paragraph of a docstring."""
    return " ".join((getdoc(thing) or "").partition("\n\n")[0].split())


def _facts(check: Any) -> list[str]:
    """What a check reads: the arguments of its `run`."""
    return [name for name in signature(check.run).parameters if name != "self"]


def _blind_spots() -> list[dict[str, Any]]:
    tables = []
    for family in FAMILIES:
        chosen = {
            name: cls for name, cls in _known().items() if name.startswith(family + ".") and (cls.claims or cls.blind)
        }
        if chosen:
            there = worlds(family)
            named = [world for world in there if any(world in (*cls.claims, *cls.blind) for cls in chosen.values())]
            tables.append(
                {"family": family, "methods": chosen, "worlds": {name: _first_line(there[name]) for name in named}}
            )
    return tables


def _used_by(family: str, key: str) -> list[str]:
    return [name for name, cls in _known().items() if name.startswith(family + ".") and cls.source == key]


def _bibliography() -> list[dict[str, Any]]:
    entries = [
        {**entry, "key": key, "family": family, "url": _url(entry["id"]), "methods": _used_by(family, key)}
        for family in FAMILIES
        for key, entry in family_sources(family).items()
    ]
    return sorted(entries, key=lambda entry: (entry["authors"].split(",")[0].split()[-1].lower(), entry["year"]))


def _coverage() -> list[dict[str, Any]]:
    """Rows of the catalogue that a method stands on; a row without a method is not counted."""
    done = [entry for entry in _bibliography() if "catalog" in entry and entry["methods"]]
    return sorted(done, key=lambda entry: int(entry["catalog"]))


def _url(identifier: str) -> str:
    kind, _, rest = identifier.partition(":")
    starts = {"arXiv": "https://arxiv.org/abs/", "doi": "https://doi.org/", "url": ""}
    return starts[kind] + rest if kind in starts else ""


def _evidence() -> list[dict[str, Any]]:
    found = []
    for name, run in records().items():
        script = ROOT / "benchmarks" / f"{name}.py"
        head = re.match(r'"""(.*?)"""', script.read_text(encoding="utf-8"), re.DOTALL) if script.exists() else None
        leaves = list(_leaves(run))
        found.append({"name": name, "about": (head[1].partition("\n\n")[0] if head else "").replace("\n", " "),
                      "script": script.name if script.exists() else "", "leaves": leaves})  # fmt: skip
    return found


def _leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, str]]:
    """Every number and word of a run with the keys that lead to it; short plain lists stay together."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else None
    if items is None or (isinstance(value, list) and not any(isinstance(one, (dict, list)) for one in value)):
        yield " > ".join(path), _shown(value)
        return
    for key, one in items:
        yield from _leaves(one, (*path, str(key)))


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(map(_shown, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)


def _reference() -> list[dict[str, Any]]:
    """`holdfast.audit`, what it returns, its settings, and the roles of methods."""
    members = {name: member for name, member in vars(Report).items() if name[0] != "_" and getdoc(member)}
    members = {name: member for name, member in members.items() if isinstance(member, property) or callable(member)}
    members |= {"__getitem__": Report.__getitem__}
    entries = [{"title": "holdfast.audit", "call": _call("holdfast.audit", audit), "html": _doc(audit)}]
    entries.append({"title": "Report", "call": "", "html": _doc(Report)})
    for name, member in members.items():
        call = "" if isinstance(member, property) else _call("report." + name, member)
        shown = "report[code]" if name == "__getitem__" else f"report.{name}"
        entries.append({"title": shown, "call": "" if name == "__getitem__" else call, "html": _doc(member)})
    entries.append({"title": "Settings", "call": _call("Settings", Settings), "html": _doc(Settings)})
    entries += [{"title": role.__name__, "call": "", "html": _doc(role)} for role in ROLES]
    return entries


def _doc(thing: Any) -> Markup:
    return Markup(docstring_html(getdoc(thing) or "", "", link_names()))


def _call(name: str, thing: Any) -> str:
    parameters = [one for one in signature(thing).parameters.values() if one.name != "self"]
    shown = [str(one.replace(annotation=Parameter.empty)) for one in parameters]
    first_keyword = next((i for i, one in enumerate(parameters) if one.kind is Parameter.KEYWORD_ONLY), None)
    if first_keyword is not None:
        shown.insert(first_keyword, "*")
    return f"{name}({', '.join(shown)})"


def _commands() -> list[dict[str, Any]]:
    from holdfast.cli.app import app

    groups = [("", app), *((f"{group.name} ", group.typer_instance) for group in app.registered_groups)]
    return [
        {"name": before + (command.name or command.callback.__name__).replace("_", "-"),
         "help": getdoc(command.callback) or "", "options": [_option(*one) for one in _given(command.callback)]}
        for before, group in groups if group is not None
        for command in group.registered_commands if command.callback is not None
    ]  # fmt: skip


def _given(callback: Any) -> Iterator[tuple[str, Any, Parameter]]:
    """Name, typer's entry and parameter of everything that a command takes."""
    hints = typing.get_type_hints(callback, include_extras=True)
    for name, parameter in signature(callback).parameters.items():
        yield name, next(one for one in hints[name].__metadata__ if hasattr(one, "help")), parameter


def _option(name: str, entry: Any, parameter: Parameter) -> dict[str, Any]:
    is_option = type(entry).__name__ == "OptionInfo"
    dashed = "--" + name.replace("_", "-")
    first = (entry.default,) if isinstance(entry.default, str) and entry.default.startswith("-") else ()
    declared = (*first, *(entry.param_decls or ()))  # inside Annotated, typer keeps the first name as the default
    shown = ", ".join(declared or (dashed,)).replace("/", ", ") if is_option else name.upper()
    default = parameter.default
    is_needed = default is Parameter.empty
    return {"name": shown, "help": entry.help or "", "is_needed": is_needed,
            "default": "" if is_needed or default in (None, False) else str(default)}  # fmt: skip


def _page(path: str, title: str, template: str, section: str = "", parent: str = "", **values: Any) -> Page:
    root = "../" * path.count("/")
    names = {key: target for key, target in link_names().items() if target != path}

    def prose(text: str) -> Markup:
        return Markup(inline_html(text, root, names))

    html = TEMPLATES.get_template(template).render(slug=slug, prose=prose, **values)
    headings = re.findall(r'<h2 id="([^"]+)">(.*?)</h2>', html)
    plain = tuple((anchor, unescape(re.sub("<[^>]+>", "", text))) for anchor, text in headings)
    return Page(path, title, html, section, title if section else "", parent, plain)
