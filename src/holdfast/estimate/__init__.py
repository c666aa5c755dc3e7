"""The verb `holdfast.estimate(...)`: see `holdfast.estimate.run`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
