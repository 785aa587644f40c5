"""Stage report: one self-contained page of everything that a run made."""

from cdmer.report.job import make_report

__all__ = ["make_report"]
