"""The motion that alignment adds to a person who does not move: one transform a clip against one a frame.

    python benchmarks/still_clip.py

Nine frames of scikit-image's astronaut under camera noise of two grey levels; mean length of the Farneback flow from
the first crop to each other, in pixels of a 112 x 112 crop. The truth is 0.
"""

import cv2
import numpy as np
import skimage.data

from cdmer.faces import align_clip, detect_faces, find_landmarks
from cdmer.faces.align import box_transform, warp_clip
from cdmer.faces.landmarks import as_dlib_box

SIZE = (112, 112)
FARNEBACK = (0.5, 3, 15, 3, 5, 1.2, 0)


def motion(crops: np.ndarray) -> float:
    flows = [cv2.calcOpticalFlowFarneback(crops[0], crop, None, *FARNEBACK) for crop in crops[1:]]
    return float(np.linalg.norm(flows, axis=-1).mean())


def main() -> None:
    still = cv2.cvtColor(skimage.data.astronaut(), cv2.COLOR_RGB2GRAY)
    noise = np.random.default_rng(0).normal(0, 2, (9, *still.shape))
    clip = np.clip(still + noise, 0, 255).round().astype(np.uint8)
    print("| detector | alignment | once, px | every frame, px |\n|---|---|---|---|")
    for detector in ("dlib", "mtcnn"):
        boxes = [detect_faces(frame, detector)[0] for frame in clip]
        squares = boxes if detector == "dlib" else [as_dlib_box(box) for box in boxes]
        points = [find_landmarks(frame, square) for frame, square in zip(clip, squares, strict=True)]
        each = [align_clip(frame[None], found)[0] for frame, found in zip(clip, points, strict=True)]
        print(f"| {detector} | eyes | {motion(align_clip(clip, points[0])):.3f} | {motion(np.stack(each)):.3f} |")
        each = [warp_clip(f[None], box_transform(box, SIZE), SIZE)[0] for f, box in zip(clip, boxes, strict=True)]
        once = warp_clip(clip, box_transform(boxes[0], SIZE), SIZE)
        print(f"| {detector} | box | {motion(once):.3f} | {motion(np.stack(each)):.3f} |")


if __name__ == "__main__":
    main()
