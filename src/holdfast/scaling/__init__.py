"""The verb `holdfast.scaling(...)`: see `holdfast.scaling.run`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
