"""Real photographs, and recordings made of them."""

from pathlib import Path

import numpy as np
import pytest
import skimage.data
from PIL import Image

from cdmer.databases.manifest import make_manifest, write_manifest
from cdmer.faces.job import align_faces
from cdmer.store.shard import read_shard

RECIPE = {
    "detector": "dlib",
    "upsample": 0,
    "alignment": "eyes",
    "expand": (0, 0, 0, 0),
    "intermediate": None,
    "size": 112,
    "eye_distance": 0.4,
    "eye_height": 0.36,
    "color": "grey",
    "on_missing_face": "error",
}


@pytest.fixture(scope="session")
def portrait():
    return skimage.data.astronaut()


class Recorder:
    """Writes frames as a database would have them, and runs the job on them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def record(self, clip: str, frames, mode: str | None = None) -> Path:
        """A folder of PNG frames 1, 2, …"""
        folder = self.folder / clip
        folder.mkdir()
        for number, frame in enumerate(frames, 1):
            Image.fromarray(frame, mode).save(folder / f"img{number}.png")
        return folder

    def crop(self, recordings: dict[str, Path], frames: int = 3, **recipe):
        """The shard of one subject, each recording a clip from frame 1 to `frames`."""
        rows = [
            {
                "clip": clip,
                "database": "demo",
                "subject": "s1",
                "path": str(path),
                "first_frame": 1,
                "onset": 1,
                "offset": frames,
                "n_frames": frames,
                "fps": 100.0,
                "emotion": "happiness",
            }
            for clip, path in recordings.items()
        ]
        write_manifest(make_manifest(rows, "test"), self.folder / "s1.csv")
        align_faces(self.folder / "s1.csv", self.folder / "s1.h5", **{**RECIPE, **recipe})
        return read_shard(self.folder / "s1.h5")


@pytest.fixture
def recorder(tmp_path):
    return Recorder(tmp_path)


@pytest.fixture(scope="session")
def photograph(real):
    """Reads one of the real photographs as uint8 RGB."""
    return lambda name: np.asarray(Image.open(real / name).convert("RGB"))
