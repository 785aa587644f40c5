"""The faces stage beside dlib and MTCNN called plainly: CPU time on one thread, medians of interleaved calls.

    python benchmarks/faces.py [--repeats 15]

The images are the astronaut of scikit-image in a 640 x 480 recording, the format of SMIC and CASME II.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENCV_FOR_THREADS_NUM="1", OMP_WAIT_POLICY="PASSIVE")

import cv2
import dlib
import numpy as np
import skimage.data
import torch
from PIL import Image

from cdmer.config import STANDARD, FacesRecipe
from cdmer.databases.manifest import make_manifest, write_manifest
from cdmer.databases.recording import read_frames
from cdmer.faces import align_clip, detect_faces, find_landmarks
from cdmer.faces.job import align_faces
from cdmer.faces.landmarks import landmark_weights
from cdmer.faces.torchvision_stand_in import torchvision_at_hand

with torchvision_at_hand():
    from facenet_pytorch import MTCNN

FRAMES = 60  # of a clip: 0.3 s at 200 frames a second


def recording() -> np.ndarray:
    """640 x 480 RGB; the face is 165 pixels wide."""
    head = cv2.resize(skimage.data.astronaut()[:270], None, fx=1.8, fy=1.8, interpolation=cv2.INTER_CUBIC)
    return np.ascontiguousarray(head[:480, 60:700])


def medians(calls: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median CPU time of each call in milliseconds; the calls take turns, so that all meet the same machine."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # models are loaded, memory is had
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def detection(image: np.ndarray, repeats: int) -> None:
    hog, mtcnn = dlib.get_frontal_face_detector(), MTCNN(keep_all=True)
    predictor = dlib.shape_predictor(str(landmark_weights()))
    box = detect_faces(image)[0]
    rectangle = dlib.rectangle(*(int(value) for value in box[:2]), *(int(value) - 1 for value in box[2:4]))
    found = medians(
        {
            "dlib, plainly": lambda: hog.run(image, 0, 0.0),
            "dlib": lambda: detect_faces(image),
            "MTCNN, plainly": lambda: mtcnn.detect(image, landmarks=True),
            "MTCNN": lambda: detect_faces(image, "mtcnn"),
            "68 landmarks, plainly": lambda: predictor(image, rectangle),
            "68 landmarks": lambda: find_landmarks(image, box),
        },
        repeats,
    )
    print("| one image of 640 x 480 | plain call, ms | cdmer, ms | ratio |\n|---|---|---|---|")
    for name in ("dlib", "MTCNN", "68 landmarks"):
        plain, ours = found[f"{name}, plainly"], found[name]
        print(f"| {name} | {plain:.1f} | {ours:.1f} | {ours / plain:.2f} |")


def stage(image: np.ndarray, repeats: int, folder: Path) -> None:
    """A subject with two clips, from PNG files to the shard, recipe by recipe; and what one call a frame costs."""
    rows = []
    noise = np.random.default_rng(0)
    for clip in ("a", "b"):
        (folder / clip).mkdir()
        for number in range(1, FRAMES + 1):
            noisy = np.clip(image + noise.normal(0, 1.5, image.shape), 0, 255).astype(np.uint8)
            Image.fromarray(noisy).save(folder / clip / f"{number}.png", compress_level=1)
        row = {"clip": clip, "database": "d", "subject": "s", "path": str(folder / clip), "first_frame": 1, "onset": 1}
        rows.append({**row, "offset": FRAMES, "n_frames": FRAMES, "fps": 200.0})
    write_manifest(make_manifest(rows, "benchmark"), folder / "s.csv")
    frames = read_frames(folder / "a", 1, FRAMES)

    def job(name: str) -> Callable[[], Any]:
        settings = FacesRecipe(**STANDARD["faces"][name]).model_dump()
        settings["intermediate"] = settings["intermediate"].get("casme2")
        return lambda: align_faces(folder / "s.csv", folder / "s.h5", **settings)

    def every_frame() -> None:
        for frame in frames:
            align_clip(frame[None], find_landmarks(frame, detect_faces(frame)[0]))

    recipes = list(STANDARD["faces"])
    calls = {name: job(name) for name in recipes}
    calls |= {"reading alone": lambda: read_frames(folder / "a", 1, FRAMES), "dlib on every frame": every_frame}
    found = medians(calls, max(3, repeats // 5))
    print(f"\n| {FRAMES} frames of 640 x 480 a clip | clips/s | frames/s |\n|---|---|---|")
    for name, milliseconds in found.items():
        clips = 1e3 / milliseconds * (2 if name in recipes else 1)
        print(f"| {name} | {clips:.2f} | {clips * FRAMES:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    image = recording()
    detection(image, repeats)
    with tempfile.TemporaryDirectory() as folder:
        stage(image, repeats, Path(folder))


if __name__ == "__main__":
    main()
