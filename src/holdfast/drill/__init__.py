"""The drill: known faults planted in copies of your own data. The package itself is the verb: `holdfast.drill(...)`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
