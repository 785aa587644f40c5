"""Who is who across databases: the subsets of SMIC show the same people (Li et al., FG 2013)."""


def family(database: str) -> str:
    """What a subject's name is unique in: ``smic`` for all its subsets, else the database itself."""
    return "smic" if database.startswith("smic") else database


def person(database: str, subject: str) -> str:
    """A name that is the same wherever a person is shown."""
    return f"{family(database)}/{subject}"
