"""The numbers that the papers printed, beside which ours stand.

`published.csv` holds one row a printed cell, with the paper, its table and a note where the number is doubtful.
"""

from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import pandas as pd

DEPENDS_ON_FILES = ("published.csv",)
# Which paper is quoted where several print a cell: TGSR first: its authors gave out features.
PRECEDENCE = ("TGSR", "MADTN", "FR", "DSCNN", "MERSiamC3D")
# A linear SVM on a feature, SVM@FEATURE, is called by its descriptor: the papers' model and variant of it; several
# where papers print it with and without its parameters.
DESCRIPTORS = {
    "lbp_top_r3p8": (("LBP-TOP", "R3P8"), ("LBP-TOP", "")),
    "lbp_top_r1p4": (("LBP-TOP", "R1P4"),),
    "lbp_top_r1p8": (("LBP-TOP", "R1P8"),),
    "lbp_top_r3p4": (("LBP-TOP", "R3P4"),),
    "lbp_sip_r1": (("LBP-SIP", "R1"),),
    "lbp_sip_r3": (("LBP-SIP", "R3"),),
    "lpq_top_decorr01": (("LPQ-TOP", "decorr=0.1"),),
    "lpq_top_decorr0": (("LPQ-TOP", "decorr=0"),),
    "hog_top_p4": (("HOG-TOP", "p=4"),),
    "hog_top_p8": (("HOG-TOP", "p=8"),),
    "higo_top_p4": (("HIGO-TOP", "p=4"),),
    "higo_top_p8": (("HIGO-TOP", "p=8"),),
    "c3d_fc1_sports1m": (("C3D-FC1", "Sports1M"),),
    "c3d_fc2_sports1m": (("C3D-FC2", "Sports1M"),),
    "c3d_fc1_ucf101": (("C3D-FC1", "UCF101"),),
    "c3d_fc2_ucf101": (("C3D-FC2", "UCF101"),),
    "elbp_top_r3p8": (("ELBP-TOP", ""),),
    "hog_3d": (("3DHOG", ""),),
    "hoof": (("HOOF", ""),),
    "bi_woof": (("Bi-WOOF", ""),),
    "mdmo": (("MDMO", ""),),
}

# Of the printed rows, the models that are not written again here; a test holds this against the settings of models.
NOT_HERE = (
    "OSF + OS weighted LBP-TOP", "OS", "OS weighted LBP-TOP", "STM (Le Ngo)", "LBP-MOP", "LBP-TOP + ROIs", "LBP-SIP",
    "LBP-TOP + DMDS", "LBP-TOP + Adaptive MM", "HFOFO", "STCLQP", "STLBP-IP", "MMFL", "Hierarchical STLBP-IP", "STRBP",
    "DiSTLBP-RIP", "FDM", "OF Maps", "Bi-WOOF + Phase", "HIGO", "Image-based CNN", "Knowledge Distillation",
)  # fmt: skip

_PRINTED = {"Basic-Inception": "Basic Inception", "CNN-LSTM": "CNN + LSTM"}  # a folder's name has no blank


class Published(NamedTuple):
    """Scores as printed (fractions, None where not printed), and the paper."""

    uf1: float | None
    accuracy: float | None
    paper: str
    uar: float | None = None


def published_score(type_: str, experiment: str, model: str, feature: str = "") -> Published | None:
    """What the papers print for a model (its public name) in an experiment, or None.

    Parameters
    ----------
    type_
        ``TYPE-I`` or ``TYPE-II`` of CDMER, ``CDE`` or ``single``.
    experiment
        ``H->V`` and the like, or ``average``; in CDE ``composite`` or a database; else a task of
        `cdmer.protocols.tasks`.
    model
        Its public name. What follows ``@`` says on what it ran here: SVM@FEATURE is what the papers call by the name of
        the descriptor (`DESCRIPTORS`); ``@released`` is no part of their name; nobody printed another.
    feature
        The feature that the model reads, where the papers call a plain SVM by it: in ``CDE`` and ``single``.
    """
    cells = _cells()
    for paper, (name, variant) in product(PRECEDENCE, printed_as(model, feature)):
        uf1, uar, accuracy = (
            cells.get((paper, type_, experiment, name, variant, metric)) for metric in ("uf1", "uar", "accuracy")
        )
        if {uf1, uar, accuracy} != {None}:
            return Published(uf1, accuracy, paper, uar)
    return None


def printed_as(model: str, feature: str = "") -> tuple[tuple[str, str], ...]:
    """The models and variants under which the papers print a model; a plain SVM also by the `feature` that it reads."""
    name, _, on = model.partition("@")
    if on in ("", "released"):
        return ((_PRINTED.get(name, name), ""), *(DESCRIPTORS.get(feature, ()) if name == "SVM" else ()))
    return DESCRIPTORS.get(on, ()) if name == "SVM" else ()


@cache
def not_here_note(type_: str) -> str:
    """The models that papers print for a protocol and that are not re-implemented here, in one line; or nothing."""
    papers: dict[str, dict[str, None]] = {}
    for paper, kind, _, name, variant, _ in _cells():
        if kind == type_ and name in NOT_HERE and not variant:
            papers.setdefault(paper, {})[name] = None
    listed = "; ".join(f"{', '.join(names)} ({paper})" for paper, names in papers.items())
    return f"Published, not re-implemented: {listed}." if listed else ""


@cache
def _cells() -> dict[tuple[str, ...], float]:
    table = pd.read_csv(Path(__file__).with_name("published.csv"), keep_default_na=False)
    keys = table[["paper", "type", "experiment", "model", "variant", "metric"]].itertuples(index=False, name=None)
    return dict(zip(keys, table["value"].astype(float), strict=True))
