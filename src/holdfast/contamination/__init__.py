"""The verb `holdfast.contamination(...)`: see `holdfast.contamination.run`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
