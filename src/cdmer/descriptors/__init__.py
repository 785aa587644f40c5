"""Descriptors of clips."""

# Imported at once: a function that shares its module's name must replace the module here, whoever came first.
from cdmer.descriptors.lbp_top import lbp_top

__all__ = ["lbp_top"]
