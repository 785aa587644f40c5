"""Draw what docs/motion.md shows: ``python docs/make_motion_pictures.py COHORT``, the folder where the workflow ran.

COHORT holds the `results` of a synthetic cohort with the features of the networks (``snakemake all_features``).
"""

import sys
from pathlib import Path

import cv2
import numpy as np
from matplotlib.figure import Figure
from PIL import Image

from cdmer.databases.cohort.truth import Truth, read_truth
from cdmer.databases.recording import read_frames
from cdmer.descriptors.show import show_feature
from cdmer.faces.align import eye_transform, warp_clip
from cdmer.motion.colors import encode_hsv
from cdmer.motion.flow import optical_flow
from cdmer.motion.methods import MODULES
from cdmer.motion.pictures import panels, show, wheel

IMAGES = Path(__file__).parent / "images"
SIDE = 112
CLIPS = (  # database, subject, clip, where its frames lie
    ("smic_hs", "s11", "s11_po_01", "SMIC_all_raw/HS/s11/micro/positive/s11_po_01"),
    ("casme2", "sub01", "EP02_01", "CASME2_RAW_selected/sub01/EP02_01"),
)


def frames_and_motion(truth: Truth, path: Path) -> tuple[np.ndarray, np.ndarray]:
    """Onset and apex, aligned, and the true motion between them in pixels of the crop."""
    matrix = eye_transform(truth.landmarks, SIDE)
    recorded = [read_frames(path, frame, frame)[0] for frame in (truth.onset, truth.apex)]
    grey = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) if frame.ndim == 3 else frame for frame in recorded])
    motion = cv2.warpAffine(truth.flow, matrix, (SIDE, SIDE), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return warp_clip(grey, matrix, (SIDE, SIDE)), motion @ matrix[:, :2].T.astype(np.float32)


def draw_methods(cohort: Path) -> Figure:
    """The same motion by every method, beside the truth."""
    figure, axes = panels(len(CLIPS), 2 + len(MODULES) + 1)
    for row, (database, subject, clip, frames) in enumerate(CLIPS):
        synthetic = cohort / "results" / "databases" / database / "synthetic"
        pair, motion = frames_and_motion(read_truth(synthetic / "truth" / f"{subject}.h5")[clip], synthetic / frames)
        places = axes[row * (3 + len(MODULES)) :]
        limit = float(np.hypot(motion[..., 0], motion[..., 1]).max())
        show(places[0], pair[1], f"apex, {database}", cmap="gray", vmin=0, vmax=255)
        show(places[1], encode_hsv(motion, "figure", limit), "true motion since the onset")
        for place, method in zip(places[2:], MODULES, strict=False):
            flow = optical_flow(*pair, method)
            error = np.linalg.norm(flow - motion, axis=-1).mean()
            show(place, encode_hsv(flow, "figure", limit), f"{method}\n(error {error:.3f} pixels)")
        wheel(places[2 + len(MODULES)], limit)
    return figure


def shrink(path: Path) -> Path:
    """Store a picture as JPEG, a quarter of the size."""
    small = path.with_suffix(".jpg")
    Image.open(path).convert("RGB").save(small, quality=88, optimize=True)
    path.unlink()
    return small


def main() -> None:
    """Draw, and say how large the files are."""
    cohort = Path(sys.argv[1])
    drawn = {"flow_methods.png": draw_methods(cohort)}
    for name, figure in drawn.items():
        figure.savefig(IMAGES / name, metadata={"Software": None})
    shown = (("flow_strain_28", "casme2", "sub01/EP02_01"), ("madtn_112", "smic_hs", "s11_po_01"))
    shown += (("dscnn_48", "smic_hs", "s11_po_01"), ("mersiamc3d_10x112", "smic_hs", "s11_po_01"))
    for feature, database, clip in shown:
        show_feature(feature, clip, IMAGES / f"{feature}.png", database=database, results=cohort / "results")
    for path in (IMAGES / name for name in (*drawn, *(f"{feature}.png" for feature, *_ in shown))):
        small = shrink(path)
        print(small, small.stat().st_size)


if __name__ == "__main__":
    main()
