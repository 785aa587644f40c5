"""The descriptors against what is in public, on one thread: the same clips in one run.

    python benchmarks/descriptors.py [--rounds 9] [--meb FOLDER]

prints Markdown; docs/performance.md keeps what it printed. --meb names a clone of github.com/tvaranka/meb, the one
public MDMO. Flow is computed beforehand: these are the times of describing it.
"""

import argparse
import importlib.util
import os
import platform
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from cdmer.watch import ONE_THREAD

os.environ.update(ONE_THREAD)  # before the libraries that read it are imported

import cv2
import numba
import numpy as np
import scipy
import skimage
from lbp_top import GRIDS, figures, processor, subject_clips, timed
from scipy.signal import convolve2d
from skimage.feature import hog, local_binary_pattern

from cdmer.descriptors import bi_woof, elbp_top, higo_top, hog_3d, hog_top, hoof, lbp_sip, lpq_top, mdmo
from cdmer.faces.landmarks import find_landmarks
from cdmer.motion.flow import optical_flow
from cdmer.motion.strain import optical_strain

Clip = np.ndarray


def blocks(height: int, width: int, grids: tuple[int, ...] = GRIDS) -> Iterator[tuple[slice, slice]]:
    for grid in grids:
        rows, columns = (np.append(np.arange(grid) * int(side / grid + 0.5), side) for side in (height, width))
        for i, j in np.ndindex(grid, grid):
            yield slice(rows[i], rows[i + 1]), slice(columns[j], columns[j + 1])


def counted(codes: np.ndarray, bins: int) -> list[np.ndarray]:
    return [np.bincount(codes[:, r, c].ravel(), minlength=bins) for r, c in blocks(*codes.shape[1:])]


def planes(clip: Clip) -> Iterator[np.ndarray]:
    """The planes of the three stacks."""
    yield from clip
    yield from clip.transpose(1, 0, 2)
    yield from clip.transpose(2, 0, 1)


def stacked(clip: Clip, code: Callable[[np.ndarray], np.ndarray], border: int) -> list[np.ndarray]:
    """Codes of all planes, cut to the voxels that have one on each."""
    b = border
    xy = np.stack([code(plane) for plane in clip])[b:-b]
    xt = np.stack([code(clip[:, y]) for y in range(b, clip.shape[1] - b)], axis=1)
    yt = np.stack([code(clip[:, :, x]) for x in range(b, clip.shape[2] - b)], axis=2)
    return [xy, xt, yt]


def sip_with_scikit_image(clip: Clip, radius: int) -> list[np.ndarray]:
    r = radius
    spatial = np.stack([local_binary_pattern(frame, 4, r) for frame in clip[r:-r]])[:, r:-r, r:-r].astype(np.uint8)
    centre = clip[r:-r, r:-r, r:-r]
    temporal = (clip[2 * r :, r:-r, r:-r] >= centre) + 2 * (clip[: -2 * r, r:-r, r:-r] >= centre)
    return counted(spatial, 16) + counted(temporal, 4)


def lpq_with_scipy(clip: Clip) -> list[list[np.ndarray]]:
    """The authors' lpq.m as its public ports to Python have it: `convolve2d` twice a frequency, plane by plane."""
    x = np.arange(-2, 3)[None]
    w0, w1 = np.ones(x.shape), np.exp(-2j * np.pi * x / 5)

    def code(plane: np.ndarray) -> np.ndarray:
        image = plane.astype(float)
        codes = np.zeros(tuple(side - 4 for side in plane.shape), np.uint8)
        for number, (down, right) in enumerate([(w0, w1), (w1, w0), (w1, w1), (w1, w1.conj())]):
            response = convolve2d(convolve2d(image, down.T, "valid"), right, "valid")
            codes |= (response.real > 0).astype(np.uint8) << 2 * number
            codes |= (response.imag > 0).astype(np.uint8) << 2 * number + 1
        return codes

    return [counted(codes, 256) for codes in stacked(clip, code, 2)]


def hog_with_scikit_image(clip: Clip, bins: tuple[int, int, int]) -> list[np.ndarray]:
    """Cells of 14 x 14 (or 14 x 16, in time) of every plane, which is less than the blocks of four grids."""
    stacks = (clip, clip.transpose(1, 0, 2), clip.transpose(2, 0, 1))
    return [
        hog(plane, count, (min(14, plane.shape[0]), 14), (1, 1), block_norm="L1")
        for stack, count in zip(stacks, bins, strict=True)
        for plane in stack
    ]


def elbp_with_scikit_image(clip: Clip) -> list[list[np.ndarray]]:
    """Codes on both circles, which takes the samples that ELBP-TOP compares, but not its radial and angular codes."""
    found = []
    for radius in (3, 2):
        codes = stacked(clip, lambda plane, r=radius: local_binary_pattern(plane, 8, r, "nri_uniform"), 3)
        cut = [codes[0][:, 3:-3, 3:-3], codes[1][3:-3, :, 3:-3], codes[2][3:-3, 3:-3]]
        found += [counted(plane.astype(np.uint8), 59) for plane in cut]
    return found


def hoof_with_numpy(flows: np.ndarray) -> list[np.ndarray]:
    """One call of `numpy.histogram` a block, as one writes it."""
    angles = np.arctan2(flows[..., 1], np.abs(flows[..., 0]))
    lengths = np.hypot(flows[..., 0], flows[..., 1])
    edges = np.linspace(-np.pi / 2, np.pi / 2, 9)
    return [np.histogram(angles[:, r, c], edges, weights=lengths[:, r, c])[0] for r, c in blocks(*flows.shape[1:3])]


def bi_woof_with_numpy(flow: np.ndarray) -> list[np.ndarray]:
    angles, lengths = np.arctan2(flow[..., 1], flow[..., 0]), np.hypot(flow[..., 0], flow[..., 1])
    strain = optical_strain(flow)
    edges = np.linspace(-np.pi, np.pi, 9)
    return [
        np.histogram(angles[r, c], edges, weights=lengths[r, c])[0] * strain[r, c].mean()
        for r, c in blocks(*flow.shape[:2], (5,))
    ]


def mdmo_of_meb(folder: Path | None, clip: Clip, landmarks: np.ndarray) -> Callable[[], Any] | None:
    """meb's MDMO of a clip, the flow (Farneback) included, which cannot be taken out of it."""
    if folder is None:
        return None
    path = folder / "meb" / "utils" / "traditional_methods.py"
    spec = importlib.util.spec_from_file_location("traditional_methods", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"--meb: {path} is not there")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    video = np.ascontiguousarray(clip.transpose(1, 2, 0))
    return lambda: module.MDMO_video(video, landmarks.astype(int))


def compared(ours: Callable[[], Any], theirs: Callable[[], Any], rounds: int) -> tuple[list[float], list[float]]:
    """In turn, so that a busy machine is busy for both."""
    ours()
    theirs()
    mine, others = [], []
    for _ in range(rounds):
        others.append(timed(theirs))
        mine += [timed(ours) for _ in range(9)]
    return mine, others


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9, help="how often the peers are timed")
    parser.add_argument("--meb", type=Path, help="a clone of github.com/tvaranka/meb")
    options = parser.parse_args()
    clip = subject_clips()[0]
    landmarks = find_landmarks(clip[0], np.array([6, 10, 106, 110], np.float32))
    flows = np.stack([optical_flow(clip[0], frame, method="farneback") for frame in clip[1:]])
    rows: list[tuple[str, Callable[[], Any], str, Callable[[], Any] | None]] = [
        ("LBP-SIP R1", lambda: lbp_sip(clip, 1), "scikit-image", lambda: sip_with_scikit_image(clip, 1)),
        ("LBP-SIP R3", lambda: lbp_sip(clip, 3), "scikit-image", lambda: sip_with_scikit_image(clip, 3)),
        ("LPQ-TOP decorr 0", lambda: lpq_top(clip, (0, 0)), "SciPy, as ports of lpq.m", lambda: lpq_with_scipy(clip)),
        ("LPQ-TOP decorr 0.1", lambda: lpq_top(clip), "the same, not decorrelated", lambda: lpq_with_scipy(clip)),
        ("HOG-TOP p=4", lambda: hog_top(clip, 4), "scikit-image", lambda: hog_with_scikit_image(clip, (4, 4, 4))),
        ("HOG-TOP p=8", lambda: hog_top(clip, 8), "scikit-image", lambda: hog_with_scikit_image(clip, (8, 8, 8))),
        ("HIGO-TOP p=8", lambda: higo_top(clip, 8), "scikit-image", lambda: hog_with_scikit_image(clip, (8, 8, 8))),
        ("3DHOG", lambda: hog_3d(clip, landmarks), "scikit-image", lambda: hog_with_scikit_image(clip, (8, 12, 12))),
        ("ELBP-TOP R3P8", lambda: elbp_top(clip), "scikit-image, in part", lambda: elbp_with_scikit_image(clip)),
        ("HOOF, 15 flows", lambda: hoof(flows), "numpy.histogram", lambda: hoof_with_numpy(flows)),
        ("Bi-WOOF", lambda: bi_woof(flows[-1]), "numpy.histogram", lambda: bi_woof_with_numpy(flows[-1])),
        (
            "MDMO, from the clip",
            lambda: mdmo(clip, landmarks, method="farneback"),
            "meb",
            mdmo_of_meb(options.meb, clip, landmarks),
        ),
        ("MDMO, 15 flows", lambda: mdmo(flows, landmarks), "", None),
    ]
    versions = ", ".join(f"{m.__name__} {m.__version__}" for m in (numba, np, scipy, skimage, cv2))
    print(f"{processor()}; Python {platform.python_version()}, {versions}; 1 thread, a clip of 16 x 112 x 112.\n")
    print("| descriptor | cdmer, ms a clip: median | least | peer | its ms: median | least | ratio of medians |")
    print("|---|---|---|---|---|---|---|")
    for name, ours, peer, theirs in rows:
        if theirs is None:
            ours()
            mine = [timed(ours) for _ in range(9 * options.rounds)]
            print(f"| {name} | {figures(mine)} | {peer and f'{peer}, not given'} | | | |", flush=True)
            continue
        mine, others = compared(ours, theirs, options.rounds)
        ratio = np.median(others) / np.median(mine)
        print(f"| {name} | {figures(mine)} | {peer} | {figures(others)} | {ratio:.0f} |", flush=True)


if __name__ == "__main__":
    main()
