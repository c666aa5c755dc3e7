"""Reading: a file or a Python object of any common kind -> data sets with roles, kinds and a task."""

from holdfast.audit.load.data import KINDS, ROLES, DataSet, Loaded, Task
from holdfast.audit.load.errors import InputError, safe_text
from holdfast.audit.load.loading import load
from holdfast.audit.load.read import read_table
from holdfast.audit.load.targets import encode_target
from holdfast.audit.load.weights import row_weights, weight_column

__all__ = [
    "KINDS",
    "ROLES",
    "DataSet",
    "InputError",
    "Loaded",
    "Task",
    "encode_target",
    "load",
    "read_table",
    "row_weights",
    "safe_text",
    "weight_column",
]
