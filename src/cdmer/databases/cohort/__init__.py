"""A synthetic cohort in the layouts of the real databases, with known motion.

Planning is cheap and imports no picture library; drawing is loaded when it is asked for.
"""

from typing import TYPE_CHECKING

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
from cdmer.lazy import on_first_use

if TYPE_CHECKING:
    from cdmer.databases.cohort.annotation import write_annotation
    from cdmer.databases.cohort.render import render_subject
    from cdmer.databases.cohort.truth import Truth, read_truth

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
_HOME = {
    "Truth": ".truth",
    "read_truth": ".truth",
    "render_subject": ".render",
    "write_annotation": ".annotation",
}
__getattr__, __dir__ = on_first_use(__name__, __all__, _HOME)
