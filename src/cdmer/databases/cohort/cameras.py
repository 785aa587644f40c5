"""The five cameras of the cohort: what each records, and how a face looks through it.

Figures in pixels are at the camera's own resolution. The module is plain data, so that a plan costs nothing.
"""

from dataclasses import dataclass

from cdmer.errors import CdmerError


@dataclass(frozen=True)
class Camera:
    """A camera, its light and its file format."""

    width: int
    height: int
    fps: int
    grey: bool  # stored with one channel
    infrared: bool  # near-infrared rendering of skin, eyes and cloth
    face_width: float  # ear to ear, pixels
    peak: float  # an expression of relative strength 1 moves its fastest pixel this far, pixels
    grid: int  # motion fields are defined on a grid of this step, pixels
    blur: float  # optical blur, standard deviation, pixels
    noise: float  # standard deviation, grey levels
    gamma: float
    gain: tuple[float, float, float]  # red, green, blue
    light: tuple[float, float]  # brightness slope to the right and downwards, fraction across the picture
    quality: int | None  # JPEG quality; None: BMP


CAMERAS: dict[str, Camera] = {
    "smic_hs": Camera(
        width=640, height=480, fps=100, grey=False, infrared=False, face_width=172.0, peak=1.35, grid=4, blur=0.75,
        noise=2.2, gamma=1.12, gain=(1.02, 0.99, 0.94), light=(0.18, -0.10), quality=None,
    ),
    "smic_vis": Camera(
        width=640, height=480, fps=25, grey=False, infrared=False, face_width=186.0, peak=1.45, grid=4, blur=0.55,
        noise=1.4, gamma=0.94, gain=(0.99, 1.00, 1.04), light=(-0.12, -0.16), quality=None,
    ),
    "smic_nir": Camera(
        width=640, height=480, fps=25, grey=True, infrared=True, face_width=178.0, peak=1.40, grid=4, blur=0.85,
        noise=2.0, gamma=0.90, gain=(1.0, 1.0, 1.0), light=(0.0, -0.28), quality=None,
    ),
    "casme2": Camera(
        width=640, height=480, fps=200, grey=False, infrared=False, face_width=282.0, peak=1.60, grid=4, blur=0.65,
        noise=1.3, gamma=1.00, gain=(1.01, 1.0, 0.98), light=(0.10, -0.06), quality=90,
    ),
    "samm": Camera(
        width=960, height=650, fps=200, grey=True, infrared=False, face_width=398.0, peak=1.75, grid=5, blur=0.60,
        noise=1.1, gamma=1.06, gain=(1.0, 1.0, 1.0), light=(-0.14, 0.05), quality=90,
    ),
}  # fmt: skip


def camera_of(database: str) -> Camera:
    """The camera that films `database`.

    Raises
    ------
    CdmerError
        The cohort has no such database.
    """
    if database not in CAMERAS:
        raise CdmerError(
            f"the synthetic cohort has no database {database!r}", f"choose one of {', '.join(CAMERAS)}, or give a root"
        )
    return CAMERAS[database]
