"""The audit: load -> probes -> checks -> price -> report. The package itself is the verb: `holdfast.audit(...)`."""

from holdfast.lazy import make_callable

make_callable(__name__, "run")
