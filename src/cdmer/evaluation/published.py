"""The numbers that the papers printed, beside which ours stand.

`published.csv` holds one row a printed cell, with the paper, its table and a note where the number is doubtful.
"""

from functools import cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

DEPENDS_ON_FILES = ("published.csv",)
# Which paper is quoted where several print a cell: TGSR first, whose authors released the benchmark's features.
PRECEDENCE = ("TGSR", "MADTN", "FR", "DSCNN")
# A linear SVM on a feature, SVM@FEATURE -> the model and the variant that the paper's table of descriptors calls it.
DESCRIPTORS = {
    "lbp_top_r3p8": ("LBP-TOP", "R3P8"),
    "lbp_top_r1p4": ("LBP-TOP", "R1P4"),
    "lbp_top_r1p8": ("LBP-TOP", "R1P8"),
    "lbp_top_r3p4": ("LBP-TOP", "R3P4"),
    "lbp_sip_r1": ("LBP-SIP", "R1"),
    "lbp_sip_r3": ("LBP-SIP", "R3"),
    "lpq_top_decorr01": ("LPQ-TOP", "decorr=0.1"),
    "lpq_top_decorr0": ("LPQ-TOP", "decorr=0"),
    "hog_top_p4": ("HOG-TOP", "p=4"),
    "hog_top_p8": ("HOG-TOP", "p=8"),
    "higo_top_p4": ("HIGO-TOP", "p=4"),
    "higo_top_p8": ("HIGO-TOP", "p=8"),
    "c3d_fc1_sports1m": ("C3D-FC1", "Sports1M"),
    "c3d_fc2_sports1m": ("C3D-FC2", "Sports1M"),
    "c3d_fc1_ucf101": ("C3D-FC1", "UCF101"),
    "c3d_fc2_ucf101": ("C3D-FC2", "UCF101"),
}


class Published(NamedTuple):
    """UF1 and accuracy as printed (fractions, None where not printed), and the paper."""

    uf1: float | None
    accuracy: float | None
    paper: str


def published_score(type_: str, experiment: str, model: str) -> Published | None:
    """What the papers print for a model (its public name) in a CDMER experiment, or None.

    Parameters
    ----------
    type_
        ``TYPE-I`` or ``TYPE-II``.
    experiment
        ``H->V`` and the like, or ``average``.
    model
        Its public name; what follows ``@`` says on what it ran here, and is no part of the papers' name.
    """
    name = model.partition("@")[0]
    cells = _cells()
    for paper in PRECEDENCE:
        uf1, accuracy = (cells.get((paper, type_, experiment, name, metric)) for metric in ("uf1", "accuracy"))
        if uf1 is not None or accuracy is not None:
            return Published(uf1, accuracy, paper)
    return None


@cache
def _cells() -> dict[tuple[str, ...], float]:
    table = pd.read_csv(Path(__file__).with_name("published.csv"), keep_default_na=False)
    plain = table[table["variant"] == ""]
    keys = plain[["paper", "type", "experiment", "model", "metric"]].itertuples(index=False, name=None)
    return dict(zip(keys, plain["value"].astype(float), strict=True))
