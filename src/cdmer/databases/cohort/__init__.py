"""A synthetic cohort in the layouts of the real databases, with known motion.

Planning is cheap and imports no picture library; drawing is loaded when it is asked for.
"""

from importlib import import_module

from cdmer.databases.cohort.layouts import annotation_name, layout_root
from cdmer.databases.cohort.plan import (
    COHORT_DATABASES,
    COHORT_SIZES,
    ActionUnit,
    ClipPlan,
    DatabasePlan,
    SubjectPlan,
    plan_database,
)

_LAZY = {"Truth": "truth", "read_truth": "truth", "render_subject": "render", "write_annotation": "annotation"}

__all__ = [
    "COHORT_DATABASES",
    "COHORT_SIZES",
    "ActionUnit",
    "ClipPlan",
    "DatabasePlan",
    "SubjectPlan",
    "Truth",
    "annotation_name",
    "layout_root",
    "plan_database",
    "read_truth",
    "render_subject",
    "write_annotation",
]


def __getattr__(name: str) -> object:
    if name not in _LAZY:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_LAZY[name]}"), name)
