"""Label rules by name: the class that a database's own emotion counts as.

The papers relabel the same clips differently, and the differences move the scores. ``disgust_sadness_fear`` and
``disgust_repression`` are the two readings of CDMER, ``megc2019`` is the composite database of the MEGC 2019 challenge
(See et al., FG 2019). ``four_classes`` and ``five_classes`` are those of single databases (FR, Tables 12 and 13;
MERSiamC3D, Section 4.1.1), ``objective_classes`` the classes I to V by action units alone
(Davison et al. 2018).
"""

from collections.abc import Mapping, Sequence
from typing import Literal, get_args

from cdmer.errors import CdmerError
from cdmer.protocols.cdmer import CLASSES, cdmer_labels

Rule = Literal[
    "disgust_sadness_fear", "disgust_repression", "megc2019", "four_classes", "five_classes", "objective_classes"
]
LABEL_RULES: tuple[Rule, ...] = get_args(Rule)
FIVE_CLASSES = {
    "casme2": ("happiness", "surprise", "disgust", "repression", "others"),
    "samm": ("happiness", "surprise", "anger", "contempt", "others"),
}
OBJECTIVE_CLASSES = ("I", "II", "III", "IV", "V")

_Mapping = Mapping[str, str | None]
_KEPT: _Mapping = {name: name for name in CLASSES}
_CASME2 = {"happiness": "positive", "surprise": "surprise"}
_SAMM = {**_CASME2, **dict.fromkeys(("anger", "contempt", "disgust", "fear", "sadness"), "negative")}
_MEGC2019: dict[str, _Mapping] = {
    "smic_hs": _KEPT,
    "casme2": {
        **_CASME2, "disgust": "negative", "repression": "negative", "others": None, "sadness": None, "fear": None,
    },
    "samm": {**_SAMM, "other": None},
}  # fmt: skip
_FOUR: dict[str, _Mapping] = {
    "casme2": {
        **_CASME2, "disgust": "negative", "sadness": "negative", "fear": "negative",
        "repression": "others", "others": "others",
    },
    "samm": {**_SAMM, "other": "others"},
}  # fmt: skip
_FIVE: dict[str, _Mapping] = {
    "casme2": {**{name: name for name in FIVE_CLASSES["casme2"]}, "sadness": None, "fear": None},
    "samm": {
        **{name: name for name in FIVE_CLASSES["samm"]}, "other": "others",
        "disgust": None, "fear": None, "sadness": None,
    },
}  # fmt: skip
_OBJECTIVE: _Mapping = {**{name: name for name in OBJECTIVE_CLASSES}, "VI": None, "VII": None}
_RULES: dict[Rule, dict[str, _Mapping]] = {
    "megc2019": _MEGC2019,
    "four_classes": _FOUR,
    "five_classes": _FIVE,
    "objective_classes": {"casme2": _OBJECTIVE, "samm": _OBJECTIVE},
}
# absent from the official list (combined_3class_gt.csv): one has no apex, the other's apex is its onset
_LEFT_OUT = frozenset({("casme2", "sub04/EP12_01f"), ("casme2", "sub05/EP09_05f")})


def labels(rule: Rule, database: str, clips: Sequence[str], words: Sequence[str | None]) -> list[str | None]:
    """The class of each clip by a rule, or None for a clip that the rule leaves out.

    Parameters
    ----------
    rule
        One of `LABEL_RULES`.
    database
        The first two rules know ``smic_hs``, ``smic_vis``, ``smic_nir`` and ``casme2``; ``megc2019`` knows ``smic_hs``,
        ``casme2`` and ``samm``, the others ``casme2`` and ``samm``.
    clips, words
        The manifest's columns: the name of each clip, and the database's own word for it, its ``emotion`` or, for
        ``objective_classes``, its ``objective_class``. The counts that the papers print are those of CASME II's sheet
        of 2014.

    Raises
    ------
    CdmerError
        No such rule, a database that has no part in it, or a word that it does not know.
    """
    if rule not in LABEL_RULES:
        raise CdmerError(f"there is no label rule {rule!r}", f"choose one of {', '.join(LABEL_RULES)}")
    if len(clips) != len(words):
        raise ValueError(f"{len(clips)} clips and {len(words)} words")
    if rule in ("disgust_sadness_fear", "disgust_repression"):
        return cdmer_labels(database, words, rule)
    known = _RULES[rule]
    if database not in known:
        name = "MEGC 2019" if rule == "megc2019" else f"the rule {rule}"
        raise CdmerError(f"{database} has no part in {name}", f"its databases are {', '.join(known)}")
    return [_label(rule, known[database], database, clip, word) for clip, word in zip(clips, words, strict=True)]


def _label(rule: Rule, mapping: _Mapping, database: str, clip: str, word: str | None) -> str | None:
    if rule == "megc2019":
        mapping = {**mapping, **_KEPT}  # a manifest whose emotions are classes already
    if word is None or word not in mapping:
        what, name = ("objective class", rule) if rule == "objective_classes" else ("emotion", rule)
        raise CdmerError(
            f"{database}: clip {clip} has the {what} {word!r}, which {'MEGC 2019' if rule == 'megc2019' else name} "
            "does not know",
            f"use one of {', '.join(mapping)} in the annotation",
        )
    return None if rule == "megc2019" and (database, clip) in _LEFT_OUT else mapping[word]
