"""Label rules by name: the class that a database's own emotion counts as.

The papers relabel the same clips differently, and the differences move the scores. ``disgust_sadness_fear`` and
``disgust_repression`` are the two readings of CDMER, ``megc2019`` is the composite database of the MEGC 2019 challenge
(See et al., FG 2019).
"""

from collections.abc import Sequence

from cdmer.errors import CdmerError
from cdmer.protocols.cdmer import CLASSES, cdmer_labels

LABEL_RULES = ("disgust_sadness_fear", "disgust_repression", "megc2019")

_MEGC2019: dict[str, dict[str, str | None]] = {
    "smic_hs": {name: name for name in CLASSES},
    "casme2": {
        "happiness": "positive", "surprise": "surprise", "disgust": "negative", "repression": "negative",
        "others": None, "sadness": None, "fear": None,
    },
    "samm": {
        "happiness": "positive", "surprise": "surprise", "anger": "negative", "contempt": "negative",
        "disgust": "negative", "fear": "negative", "sadness": "negative", "other": None,
    },
}  # fmt: skip
# absent from the official list (combined_3class_gt.csv): one has no apex, the other's apex is its onset
_LEFT_OUT_OF_CASME2 = frozenset({"sub04/EP12_01f", "sub05/EP09_05f"})


def labels(rule: str, database: str, clips: Sequence[str], emotions: Sequence[str | None]) -> list[str | None]:
    """The class of each clip by a rule, or None for a clip that the rule leaves out.

    Parameters
    ----------
    rule
        One of `LABEL_RULES`.
    database
        ``smic_hs``, ``casme2``, with ``megc2019`` also ``samm``, with the others also ``smic_vis`` and ``smic_nir``.
    clips, emotions
        The manifest's columns: the name of each clip, and the database's own word for it. The counts that the papers
        print are those of CASME II's sheet of 2014.

    Raises
    ------
    CdmerError
        No such rule, a database that has no part in it, or an emotion that the database does not know.
    """
    if rule not in LABEL_RULES:
        raise CdmerError(f"there is no label rule {rule!r}", f"choose one of {', '.join(LABEL_RULES)}")
    if len(clips) != len(emotions):
        raise ValueError(f"{len(clips)} clips and {len(emotions)} emotions")
    if rule != "megc2019":
        return cdmer_labels(database, emotions, rule)
    return [_composite_label(database, clip, emotion) for clip, emotion in zip(clips, emotions, strict=True)]


def _composite_label(database: str, clip: str, emotion: str | None) -> str | None:
    if database not in _MEGC2019:
        raise CdmerError(f"{database} has no part in MEGC 2019", f"its databases are {', '.join(_MEGC2019)}")
    mapping = _MEGC2019[database]
    if emotion is None or emotion not in mapping:
        raise CdmerError(
            f"{database}: clip {clip} has the emotion {emotion!r}, which MEGC 2019 does not know",
            f"use one of {', '.join(mapping)} in the annotation",
        )
    return None if database == "casme2" and clip in _LEFT_OUT_OF_CASME2 else mapping[emotion]
