"""Evaluation protocols: which clips train, which test, and what their labels are."""

from cdmer.protocols.cdmer import Experiment, cdmer_experiments, cdmer_labels
from cdmer.protocols.folds import composite_folds, leave_one_subject_out, single_folds
from cdmer.protocols.labels import LABEL_RULES, labels
from cdmer.protocols.tasks import COMPOSITE, Task, single_tasks

__all__ = [
    "COMPOSITE",
    "LABEL_RULES",
    "Experiment",
    "Task",
    "cdmer_experiments",
    "cdmer_labels",
    "composite_folds",
    "labels",
    "leave_one_subject_out",
    "single_folds",
    "single_tasks",
]
