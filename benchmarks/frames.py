"""The frames stage beside the library calls that it wraps: CPU time on one thread, medians of interleaved calls.

    python benchmarks/frames.py [--repeats 15]

Clips are 100 frames of 112 x 112, grey, of a cohort's face. The plain calls: for the temporal interpolation model
numpy's product of the matrix of weights and the frames; for half-way warping two calls of OpenCV's DIS flow and two of
its `remap`; for the network torch's own operators, with the local convolution in plain torch.
"""

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

os.environ.update(OMP_NUM_THREADS="1", OPENBLAS_NUM_THREADS="1", OMP_WAIT_POLICY="PASSIVE")

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from cdmer.config import read_config
from cdmer.databases.cohort.atlas import paint_atlas
from cdmer.databases.cohort.cameras import camera_of
from cdmer.databases.cohort.identities import draw_identity
from cdmer.databases.cohort.plan import plan_database
from cdmer.databases.cohort.render import Scene
from cdmer.faces.align import align_clip, eye_transform
from cdmer.frames.adaptive_convolution import local_convolution
from cdmer.frames.adaptive_convolution.compensation import half_way
from cdmer.frames.adaptive_convolution.interpolator import AdaptiveConvolution
from cdmer.frames.job import make_frames
from cdmer.frames.tim import interpolate_tim, tim_weights
from cdmer.planning.plan import Plan
from cdmer.store.shard import read_shard, write_shard

FRAMES, LENGTH, CLIPS = 100, 16, 10


def clip() -> tuple[NDArray[np.uint8], dict[str, Any]]:
    """The first clip of the look-alike of CASME II, cropped, played again and again; its landmarks and transform."""
    plan, camera = plan_database("casme2", "tiny", 1), camera_of("casme2")
    person = plan.subjects[0]
    scene = Scene(plan, person.clips[0], camera, paint_atlas(draw_identity(person.seed), camera))
    frames = np.stack([cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY) for frame in scene.frames()])
    crops = align_clip(frames, scene.landmarks)
    known = {"landmarks": scene.landmarks, "transform": eye_transform(scene.landmarks)}
    return np.ascontiguousarray(np.resize(crops, (FRAMES, *crops.shape[1:]))), known


def medians(calls: dict[str, Callable[[], Any]], repeats: int) -> dict[str, float]:
    """Median CPU time of each call in milliseconds; the calls take turns, so that all meet the same machine."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()  # networks are loaded, kernels compiled
    for _ in range(repeats):
        for name, call in calls.items():
            start = time.process_time()
            call()
            times[name].append(1e3 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def calls(crops: NDArray[np.uint8], repeats: int) -> None:
    network = AdaptiveConvolution.shipped()
    weights = np.asarray(tim_weights(FRAMES, LENGTH), np.float32)
    first, second = crops[0], crops[20]
    columns, rows = np.meshgrid(*(np.arange(112, dtype=np.float32),) * 2)

    def warped_plainly() -> None:
        dis = cv2.DISOpticalFlow_create(cv2.DISOPTICAL_FLOW_PRESET_MEDIUM)
        for one, other in ((first, second), (second, first)):
            flow = dis.calc(one, other, None) / 2
            cv2.remap(other, columns + flow[..., 0], rows + flow[..., 1], cv2.INTER_CUBIC)

    def plain_torch() -> None:
        fast, local_convolution._compiled = local_convolution._compiled, lambda frame, path: False
        try:
            network.between(first, second)
        finally:
            local_convolution._compiled = fast

    found = medians(
        {
            "TIM, 100 to 16 frames, plainly": lambda: weights @ crops.reshape(FRAMES, -1).astype(np.float32),
            "TIM, 100 to 16 frames": lambda: interpolate_tim(crops, LENGTH),
            "warping two frames half-way, plainly": warped_plainly,
            "warping two frames half-way": lambda: half_way(first, second),
            "a frame by the network, plainly": plain_torch,
            "a frame by the network": lambda: network.between(first, second),
        },
        repeats,
    )
    print("| 112 x 112 | plain call, ms | cdmer, ms | ratio |\n|---|---|---|---|")
    for name in [name for name in found if "plainly" not in name]:
        plain, ours = found[f"{name}, plainly"], found[name]
        print(f"| {name} | {plain:.2f} | {ours:.2f} | {ours / plain:.2f} |")


def stage(crops: NDArray[np.uint8], known: dict[str, Any], repeats: int, folder: Path) -> None:
    """A subject of ten clips, from the shard of crops to the shard of frames, recipe by recipe."""
    faces = folder / "faces.h5"
    facts = {"subject": "s", "emotion": "happiness", "onset": 1, "apex": 41, "offset": FRAMES, **known}
    with write_shard(faces, attrs={"stage": "faces"}) as shard:
        for number in range(CLIPS):
            shard.add(f"c{number}", crops, **facts)
    plan = Plan(read_config({"frames": {"keyframes_11": {"synthesis": "average"},
                                        "by_network": {"interpolation": "keyframes", "length": 11,
                                                       "synthesis": "adaptive_convolution"}}}))  # fmt: skip

    def job(name: str) -> Callable[[], Any]:
        settings = plan.frames_settings(name)
        return lambda: make_frames(faces, folder / f"{name}.h5", **settings)

    def read() -> None:
        shard = read_shard(faces)
        for name in shard.clips:
            shard[name]

    titles = {
        "tim_16": "tim_16", "onset_apex_offset": "onset_apex_offset (divide and conquer)", "onset_apex": "onset_apex",
        "onset_central_offset": "onset_central_offset", "keyframes_11": "keyframes_11, averaging",
        "by_network": "keyframes_11, the network",
    }  # fmt: skip
    found = medians(
        {**{title: job(name) for name, title in titles.items()}, "reading alone": read}, max(3, repeats // 5)
    )
    print(f"\n| {FRAMES} frames of 112 x 112 a clip | clips/s | frames/s |\n|---|---|---|")
    for title, milliseconds in found.items():
        clips = 1e3 * CLIPS / milliseconds
        print(f"| {title} | {clips:.1f} | {clips * FRAMES:.0f} |")


def main() -> None:
    parser = argparse.ArgumentParser(description="Time the frames stage beside the calls that it wraps.")
    parser.add_argument("--repeats", type=int, default=15)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    crops, known = clip()
    calls(crops, repeats)
    with tempfile.TemporaryDirectory() as folder:
        stage(crops, known, repeats, Path(folder))


if __name__ == "__main__":
    main()
