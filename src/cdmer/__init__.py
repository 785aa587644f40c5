"""cdmer: the reproducible laboratory of cross-database micro-expression recognition."""

__version__ = "0.1.0"
