"""Apex and interval spotting against the synthetic cohort's truth: writes docs/apex.md.

    python benchmarks/apex.py                   # every figure; some ten minutes on two free cores
    python benchmarks/apex.py --clips 4 --keep /tmp/crops --output /tmp/apex.md

The settings of `rise_and_fall` were chosen on the cohort of seed 11; the figures come from other cohorts, `SEEDS`.
"""

import argparse
import dataclasses
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

os.environ["OMP_NUM_THREADS"] = "1"  # before numpy starts its threads

import cv2
import numpy as np

from cdmer.databases.cohort.atlas import paint_atlas
from cdmer.databases.cohort.cameras import Camera, camera_of
from cdmer.databases.cohort.identities import draw_identity
from cdmer.databases.cohort.plan import COHORT_DATABASES, plan_database
from cdmer.databases.cohort.render import Scene
from cdmer.faces.align import align_clip, eye_transform
from cdmer.faces.detect import detect_faces
from cdmer.faces.landmarks import find_landmarks
from cdmer.frames.apex import METHODS, spot_apex
from cdmer.frames.interval import overlap, spot_interval
from cdmer.progress import progress

SEEDS = (21, 22)
DEFAULTS = {"clips": 6, "recordings": 3}
TITLES = dict(zip(COHORT_DATABASES, ("SMIC-HS", "SMIC-VIS", "SMIC-NIR", "CASME II", "SAMM"), strict=True))
CONDITIONS = {  # head motion, blinks
    "neither": (False, False),
    "blinks": (False, True),
    "head motion": (True, False),
    "both": (True, True),
}
INTERVAL_METHODS = ("frame_difference", "lbp_difference", "rise_and_fall")
REST = 1.0  # seconds of rest on either side of a recording's expression


@dataclass(frozen=True)
class Sample:
    """Crops as the faces stage makes them, and the truth: indices into them."""

    crops: np.ndarray
    landmarks: np.ndarray
    events: tuple[int, int, int]
    fps: int


@dataclass(frozen=True)
class Setting:
    """One cohort that is filmed."""

    database: str
    condition: str
    seed: int
    clips: int
    rest: float = 0.0
    curve: str = "cohort"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--clips", type=int, default=DEFAULTS["clips"], help="of each database, condition and seed")
    parser.add_argument(
        "--recordings", type=int, default=DEFAULTS["recordings"], help="of each high-speed database and seed"
    )
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--keep", type=Path, help="folder that keeps the rendered crops for another run")
    parser.add_argument("--output", type=Path, default=Path(__file__).parents[1] / "docs" / "apex.md")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    clips = [Setting(d, c, s, options.clips) for d in TITLES for c in CONDITIONS for s in SEEDS]
    other = [Setting(d, "both", SEEDS[0], options.clips, curve="skewed") for d in TITLES]
    films = [Setting(d, "both", s, options.recordings, REST) for d in ("smic_hs", "casme2", "samm") for s in SEEDS]
    tasks = [(_spot_all, s, options.keep) for s in (*clips, *other)] + [(_bound_all, s, options.keep) for s in films]
    with ProcessPoolExecutor(options.workers) as pool:
        done = list(progress(pool.map(_call, tasks), "apex", total=len(tasks)))
    found = dict(zip([task[1] for task in tasks], done, strict=True))
    used = "".join(
        f" --{k} {getattr(options, k)}" for k in ("clips", "recordings") if getattr(options, k) != DEFAULTS[k]
    )
    page = _page(found, clips, other, films).replace("@ARGUMENTS@", used)
    options.output.write_text(page, encoding="utf-8")
    print(options.output.read_text(encoding="utf-8"))


def _call(task):
    function, setting, keep = task
    return function(_samples(setting, keep))


def _spot_all(samples):
    """Method -> (clips, 3): error in frames, in percent of the clip, milliseconds."""
    return {method: np.array([_spot(method, sample) for sample in samples]) for method in METHODS}


def _spot(method, sample):
    start = time.process_time()
    away = abs(spot_apex(sample.crops, method, sample.landmarks) - sample.events[1])
    return away, 100 * away / len(sample.crops), 1000 * (time.process_time() - start)


def _bound_all(samples):
    """(Method, apex given or spotted) -> (clips,) overlap with the true interval."""
    overlaps = {}
    for source in ("true", "spotted"):
        apexes = [s.events[1] if source == "true" else spot_apex(s.crops, landmarks=s.landmarks) for s in samples]
        for method in INTERVAL_METHODS:
            spotted = [
                spot_interval(s.crops, a, s.fps, method, s.landmarks) for s, a in zip(samples, apexes, strict=True)
            ]
            pairs = zip(spotted, samples, strict=True)
            overlaps[method, source] = np.array([overlap(i, (s.events[0], s.events[2])) for i, s in pairs])
    return overlaps


# -- filming --------------------------------------------------------------------------------------------------------


def _samples(setting: Setting, keep: Path | None) -> list[Sample]:
    words = [str(part) for part in dataclasses.astuple(setting)]
    file = keep / f"{'-'.join(words).replace(' ', '_')}.npz" if keep else None
    if file and file.exists():
        with np.load(file) as kept:
            return [
                Sample(kept[f"{i}_crops"], kept[f"{i}_landmarks"], tuple(kept[f"{i}_events"][:3].tolist()),
                       int(kept[f"{i}_events"][3]))
                for i in range(len(kept.files) // 3)
            ]  # fmt: skip
    samples = list(_film(setting))
    if file:
        file.parent.mkdir(parents=True, exist_ok=True)
        arrays = {}
        for i, s in enumerate(samples):
            arrays |= {f"{i}_crops": s.crops, f"{i}_landmarks": s.landmarks, f"{i}_events": [*s.events, s.fps]}
        np.savez(file, **arrays)
    return samples


def _film(setting: Setting):
    """Clips spread evenly over the paper-size cohort, through the camera's file format and the faces stage."""
    head_motion, blinks = CONDITIONS[setting.condition]
    plan = plan_database(setting.database, "paper", setting.seed, head_motion=head_motion, blinks=blinks)
    camera = camera_of(setting.database)
    pairs = [(person, clip) for person in plan.subjects for clip in person.clips]
    more = round(setting.rest * camera.fps)
    for place in np.unique(np.linspace(0, len(pairs) - 1, setting.clips).round().astype(int)):
        person, clip = pairs[place]
        scene = Scene(plan, clip, camera, paint_atlas(draw_identity(person.seed), camera), (more, more))
        if setting.curve == "skewed":
            scene.motion = dataclasses.replace(scene.motion, intensity=_skewed(clip))
        frames = np.stack([_recorded(frame, camera) for frame in scene.frames()])
        faces = detect_faces(frames[0])
        if not len(faces):
            print(f"{setting.database} {clip.name}: no face found, left out", file=sys.stderr)
            continue
        landmarks = find_landmarks(frames[0], faces[0])
        matrix = eye_transform(landmarks)
        onset = scene.onset_index
        events = (onset, onset + clip.apex - clip.onset, onset + clip.n_frames - 1)
        yield Sample(align_clip(frames, landmarks), landmarks @ matrix[:, :2].T + matrix[:, 2], events, camera.fps)


def _skewed(clip):
    """A course that no raised cosine resembles: steep rise, long tail, no rest at the offset."""
    t = np.arange(clip.n_frames) / (clip.apex - clip.onset)
    return t**1.5 * np.exp(1.5 * (1 - t))


def _recorded(frame: np.ndarray, camera: Camera) -> np.ndarray:
    """The frame as it comes back from the camera's files, in grey."""
    pixels = frame if frame.ndim == 2 else cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
    if camera.quality is not None:
        coded = cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, camera.quality])[1]
        pixels = cv2.imdecode(coded, cv2.IMREAD_UNCHANGED)
    return pixels if pixels.ndim == 2 else cv2.cvtColor(pixels, cv2.COLOR_BGR2GRAY)


# -- the page -------------------------------------------------------------------------------------------------------


def _page(found, clips, other, films) -> str:
    text = (Path(__file__).parent / "apex_page.md").read_text(encoding="utf-8")
    fewer = [c for c in CONDITIONS if c != "both"]
    parts = {
        "COUNTS": ", ".join(f"{TITLES[d]} {_count(found, clips, d)}" for d in TITLES),
        "SEEDS": " and ".join(map(str, SEEDS)),
        "BY_CAMERA": _table(found, clips, "condition", "both"),
        "BY_CONDITION": "\n\n".join(f"**{c}**\n\n{_table(found, clips, 'condition', c)}" for c in fewer),
        "SKEWED": _table(found, other, "curve", "skewed"),
        "SPEED": _speed(found, clips),
        "BEST": _best(found, clips),
        "INTERVALS": _intervals(found, films),
    }  # fmt: skip
    for key, value in parts.items():
        text = text.replace(f"@{key}@", value)
    return text


def _joined(found, settings, database, method):
    return np.concatenate([found[s][method] for s in settings if s.database == database])


def _count(found, clips, database):
    return len(_joined(found, [s for s in clips if s.condition == "both"], database, "middle"))


def _table(found, settings, key, value) -> str:
    chosen = [s for s in settings if getattr(s, key) == value]
    lines = [f"| method | {' | '.join(TITLES.values())} | mean |", "|---" * (len(TITLES) + 2) + "|"]
    means = {m: [_joined(found, chosen, d, m)[:, :2].mean(0) for d in TITLES] for m in METHODS}
    for method, cells in means.items():
        shown = [f"{frames:.2f} ({percent:.1f} %)" for frames, percent in cells]
        lines.append(f"| `{method}` | {' | '.join(shown)} | {np.mean([p for _, p in cells]):.1f} % |")
    return "\n".join(lines)


def _best(found, clips) -> str:
    """Our error against the best published method's, for each camera and condition, in words."""
    lines = [f"| condition | {' | '.join(TITLES.values())} |", "|---" * (len(TITLES) + 1) + "|"]
    for condition in CONDITIONS:
        chosen = [s for s in clips if s.condition == condition]
        cells = []
        for database in TITLES:
            errors = {m: _joined(found, chosen, database, m)[:, 0].mean() for m in METHODS}
            ours = errors.pop("rise_and_fall")
            best = min(errors, key=errors.get)
            cells.append(f"{ours:.2f} / {errors[best]:.2f} (`{best}`)")
        lines.append(f"| {condition} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _speed(found, clips) -> str:
    times = {m: np.median([t for s in clips if s.database == "casme2" for t in found[s][m][:, 2]]) for m in METHODS}
    return ", ".join(f"`{method}` {value:.1f}" for method, value in times.items())


def _intervals(found, films) -> str:
    databases = list(dict.fromkeys(s.database for s in films))
    header = ["method", "apex", *(TITLES[d] for d in databases), "all: recall", "precision", "F1"]
    lines = ["| " + " | ".join(header) + " |", "|---" * len(header) + "|"]
    for source in ("true", "spotted"):
        for method in INTERVAL_METHODS:
            parts = {d: np.concatenate([found[s][method, source] for s in films if s.database == d]) for d in databases}
            cells = [f"{(v >= 0.5).sum()} of {len(v)}, mean overlap {v.mean():.2f}" for v in parts.values()]
            rate = np.mean(np.concatenate(list(parts.values())) >= 0.5)  # one interval spotted a recording: all three
            lines.append(f"| `{method}` | {source} | {' | '.join(cells)} | {rate:.3f} | {rate:.3f} | {rate:.3f} |")
    return "\n".join(lines)


if __name__ == "__main__":
    main()
