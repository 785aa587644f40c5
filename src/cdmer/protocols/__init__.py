"""Evaluation protocols: which clips train, which test, and what their labels are."""

from cdmer.protocols.cdmer import Experiment, cdmer_experiments, cdmer_labels
from cdmer.protocols.labels import LABEL_RULES, labels

__all__ = ["LABEL_RULES", "Experiment", "cdmer_experiments", "cdmer_labels", "labels"]
