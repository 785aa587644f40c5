"""Scores, their error bars and the papers' numbers beside them."""

from cdmer.evaluation.metrics import accuracy, uar, uf1

__all__ = ["accuracy", "uar", "uf1"]
