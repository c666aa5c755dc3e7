"""The audit: load -> probes -> checks -> price -> report. The package itself is the verb: `holdfast.audit(...)`."""

import sys
from types import ModuleType
from typing import Any


class _Verb(ModuleType):
    """A module that can be called, so that `holdfast.audit` is the verb and `holdfast.audit.records` a module."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        from holdfast.audit.run import audit

        return audit(*args, **kwargs)


sys.modules[__name__].__class__ = _Verb
