"""A synthetic cohort in the layouts of the real databases, with known motion.

Planning is cheap and imports no picture library; drawing is loaded when it is asked for.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

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

if TYPE_CHECKING:
    from cdmer.databases.cohort.annotation import write_annotation as write_annotation
    from cdmer.databases.cohort.render import render_subject as render_subject
    from cdmer.databases.cohort.truth import Truth as Truth
    from cdmer.databases.cohort.truth import read_truth as read_truth

_HOME = {
    "Truth": "cdmer.databases.cohort.truth",
    "read_truth": "cdmer.databases.cohort.truth",
    "render_subject": "cdmer.databases.cohort.render",
    "write_annotation": "cdmer.databases.cohort.annotation",
}
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


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562)."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
