"""CDMER: train on one database, test on another whose labels nobody has seen.

Twelve experiments (TGSR, Table I; MADTN, Section 4.1). TYPE-I pairs two subsets of SMIC, TYPE-II pairs a subset of
SMIC with CASME II. The classes are negative, positive and surprise.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from cdmer.errors import CdmerError

CLASSES = ("negative", "positive", "surprise")
LETTERS = {"H": "smic_hs", "V": "smic_vis", "N": "smic_nir", "C": "casme2"}
_PAIRS = ("H->V", "V->H", "H->N", "N->H", "V->N", "N->V", "C->H", "H->C", "C->V", "V->C", "C->N", "N->C")

CASME2_NEGATIVE = {
    # FR (Table 11), MADTN, and the benchmark's own features: 73 of 130 clips, 72 of 129 in today's sheet
    "disgust_sadness_fear": ("disgust", "sadness", "fear"),
    # DSCNN's text and TGSR's text (whose Table I counts the other rule): 91 or 90
    "disgust_repression": ("disgust", "repression"),
}
_CASME2_WORDS = ("happiness", "surprise", "disgust", "repression", "sadness", "fear", "others")


@dataclass(frozen=True)
class Experiment:
    """One cross-database experiment; `name` is ``source->target`` in the papers' letters."""

    number: int
    type: str
    name: str
    source: str
    target: str

    @property
    def key(self) -> str:
        """The name as a folder, e.g. ``H_to_V``."""
        return self.name.replace("->", "_to_")


def cdmer_experiments() -> Iterator[Experiment]:
    """The twelve experiments in the papers' order; `source` and `target` are names of databases."""
    for number, name in enumerate(_PAIRS, start=1):
        source, target = (LETTERS[letter] for letter in name.split("->"))
        yield Experiment(number, "TYPE-I" if number <= 6 else "TYPE-II", name, source, target)


def cdmer_labels(
    database: str, emotions: Sequence[str | None], casme2_negative: str = "disgust_sadness_fear"
) -> list[str | None]:
    """The class of each clip, or None for a clip that the protocol leaves out.

    Parameters
    ----------
    database
        ``smic_hs``, ``smic_vis``, ``smic_nir`` or ``casme2``.
    emotions
        The database's own word for each clip, or already one of the three classes.
    casme2_negative
        ``disgust_sadness_fear`` or ``disgust_repression``: what counts as negative in CASME II.

    Raises
    ------
    CdmerError
        A database that has no part in CDMER, an emotion that it does not know, or another rule.
    """
    mapping = _mapping(database, casme2_negative)
    for emotion in emotions:
        if emotion not in mapping:
            raise CdmerError(
                f"{database}: the CDMER protocol does not know the emotion {emotion!r}",
                f"use one of {', '.join(mapping)} in the annotation",
            )
    return [mapping[emotion] for emotion in emotions if emotion is not None]


def _mapping(database: str, casme2_negative: str) -> dict[str, str | None]:
    if database not in LETTERS.values():
        raise CdmerError(f"{database} has no part in CDMER", f"its databases are {', '.join(sorted(LETTERS.values()))}")
    if casme2_negative not in CASME2_NEGATIVE:
        raise CdmerError(
            f"there is no rule {casme2_negative!r} for what is negative in CASME II",
            f"choose one of {', '.join(CASME2_NEGATIVE)}",
        )
    mapping: dict[str, str | None] = {name: name for name in CLASSES}
    if database == "casme2":
        mapping |= dict.fromkeys(_CASME2_WORDS)
        mapping |= {"happiness": "positive", "surprise": "surprise"}
        mapping |= dict.fromkeys(CASME2_NEGATIVE[casme2_negative], "negative")
    return mapping
