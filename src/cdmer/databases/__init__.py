"""Databases: readers of the databases' own layouts, manifests, frames."""

from typing import TYPE_CHECKING

from cdmer.lazy import on_first_use

if TYPE_CHECKING:
    from cdmer.databases.manifest import load_manifest
    from cdmer.databases.reading import census
    from cdmer.databases.recording import list_frames, read_frames
    from cdmer.databases.stage import read_manifest

__all__ = ["census", "list_frames", "load_manifest", "read_frames", "read_manifest"]
_HOME = {
    "census": ".reading",
    "list_frames": ".recording",
    "load_manifest": ".manifest",
    "read_frames": ".recording",
    "read_manifest": ".stage",
}
__getattr__, __dir__ = on_first_use(__name__, __all__, _HOME)
