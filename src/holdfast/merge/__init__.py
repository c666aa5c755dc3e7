"""Merging networks: the package itself is the verb, `holdfast.merge(models, method=...)`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
