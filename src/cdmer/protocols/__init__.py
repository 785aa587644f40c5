"""Evaluation protocols: which clips train, which test, and what their labels are."""

from cdmer.protocols.cdmer import Experiment, cdmer_experiments, cdmer_labels

__all__ = ["Experiment", "cdmer_experiments", "cdmer_labels"]
