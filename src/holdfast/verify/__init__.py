"""Verification: does a repair help on untouched rows? The package is the verb: `holdfast.verify(...)`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
