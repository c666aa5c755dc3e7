"""The report: a pure function of the audit's JSON. `render` makes the page, `save` writes page and JSON."""

from holdfast.report.page import render, save
from holdfast.report.schema import validate

__all__ = ["render", "save", "validate"]
