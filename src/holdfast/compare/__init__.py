"""The verb `holdfast.compare(...)`: see `holdfast.compare.run`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
