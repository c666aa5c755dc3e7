"""The verb `holdfast.explain(...)`: see `holdfast.explain.run`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
