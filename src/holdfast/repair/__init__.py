"""Repair: choose remedies, verify them, apply them to copies. The package is the verb: `holdfast.repair(...)`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
