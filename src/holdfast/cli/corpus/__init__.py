"""`holdfast corpus ...`: one module a subcommand, holding a function of its name. To add one, name it in `COMMANDS`."""

from __future__ import annotations

from importlib import import_module

import typer

COMMANDS = (
    "compare", "dedup", "decontaminate", "contamination", "inflation", "membership", "mix", "restore", "select",
)  # fmt: skip

app = typer.Typer(
    help="Text corpora of any size: duplicates, contamination. Every removal has a reason and can be undone.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
for _name in COMMANDS:
    app.command(_name)(getattr(import_module(f"holdfast.cli.corpus.{_name}"), _name))
