"""The bench: which method of a family works on these data. The package itself is the verb: `holdfast.bench(...)`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
