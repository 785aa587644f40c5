"""Draws docs/images/descriptor_regions.png: the regions of MDMO and of 3DHOG on a face.

    python docs/make_descriptor_pictures.py

The face is scikit-image's photograph of the astronaut Eileen Collins (NASA, public domain).
"""

from pathlib import Path

import cv2
import matplotlib
import numpy as np
import skimage.data

matplotlib.use("Agg")
import matplotlib.pyplot as plt

from cdmer.descriptors.regions import HOG_REGIONS, MDMO_REGIONS, hog_rectangles, mdmo_outlines
from cdmer.faces.detect import detect_faces
from cdmer.faces.landmarks import find_landmarks

SIZE = 448  # four times the benchmark's crop


def aligned() -> tuple[np.ndarray, np.ndarray]:
    """The face with level eyes at the places of the recipe `aligned_112`, and its landmarks there."""
    image = skimage.data.astronaut()
    points = find_landmarks(image, detect_faces(image, "dlib")[0])
    left, right = points[36:42].mean(0), points[42:48].mean(0)
    across = right - left
    scale = 0.4 * SIZE / np.linalg.norm(across)
    turn = np.array([[across[0], across[1]], [-across[1], across[0]]]) / np.linalg.norm(across) * scale
    shift = np.array([0.5, 0.36]) * SIZE - turn @ ((left + right) / 2)
    grey = cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)
    return cv2.warpAffine(grey, np.column_stack([turn, shift]), (SIZE, SIZE)), points @ turn.T + shift


def main() -> None:
    """Draw the picture."""
    face, landmarks = aligned()
    figure, (left, right) = plt.subplots(1, 2, figsize=(9, 4.6), layout="constrained")
    for axes, title in ((left, "MDMO: 36 regions"), (right, "3DHOG: 12 regions")):
        axes.imshow(face, cmap="gray", vmin=-60)
        axes.set_title(title, fontsize=10)
        axes.axis("off")
    for number, name in enumerate(MDMO_REGIONS):
        outline = mdmo_outlines(landmarks)[name]
        left.fill(*outline.T, alpha=0.25, color=f"C{number // 2 % 10}")
        left.fill(*outline.T, fill=False, edgecolor="white", linewidth=0.6)
        left.text(*outline.mean(0), str(number), color="white", fontsize=6, ha="center", va="center")
    rectangles = zip(HOG_REGIONS, hog_rectangles(landmarks, SIZE, SIZE), strict=True)
    for number, (name, (top, bottom, first, last)) in enumerate(rectangles):
        color = f"C{number % 10}"
        right.add_patch(plt.Rectangle((first, top), last - first, bottom - top, fill=False, color=color))
        right.text((first + last) / 2, top + 3, name.replace("_", " "), color=color, fontsize=6, ha="center", va="top")
    left.set(xlim=(0, SIZE), ylim=(SIZE, 0))
    figure.savefig(Path(__file__).parent / "images" / "descriptor_regions.png", dpi=70)


if __name__ == "__main__":
    main()
