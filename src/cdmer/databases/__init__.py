"""Databases: readers of the databases' own layouts, manifests, frames."""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdmer.databases.manifest import load_manifest as load_manifest
    from cdmer.databases.reading import census as census
    from cdmer.databases.recording import list_frames as list_frames
    from cdmer.databases.recording import read_frames as read_frames
    from cdmer.databases.stage import read_manifest as read_manifest

_HOME = {
    "census": "cdmer.databases.reading",
    "list_frames": "cdmer.databases.recording",
    "load_manifest": "cdmer.databases.manifest",
    "read_frames": "cdmer.databases.recording",
    "read_manifest": "cdmer.databases.stage",
}
__all__ = ["census", "list_frames", "load_manifest", "read_frames", "read_manifest"]


def __getattr__(name: str) -> Any:
    """Import a public name from its module on first use (PEP 562): planning a workflow needs neither pandas nor cv2."""
    if name in _HOME:
        return getattr(import_module(_HOME[name]), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return __all__
