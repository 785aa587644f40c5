"""The apex that a recipe works with: annotated, or spotted, and where it came from."""

import logging
from dataclasses import dataclass

from cdmer.errors import CdmerError
from cdmer.faces.crop_landmarks import landmarks_in_crop
from cdmer.frames.apex import WITHOUT_LANDMARKS, spot_apex
from cdmer.store.shard import ClipRecord

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Apex:
    """An apex of one clip: its index into the clip's frames, its number in the database, and how it was found."""

    index: int
    frame: int
    method: str

    @property
    def facts(self) -> dict[str, int | str]:
        """What a shard says of it."""
        return {"apex": self.frame, "apex_index": self.index, "apex_method": self.method}


def find_apex(record: ClipRecord, apex: str, apex_otherwise: str) -> Apex:
    """The apex of a clip of the faces stage.

    Parameters
    ----------
    record
        The clip, whose frames run from onset to offset.
    apex
        ``annotated``, or a method of `spot_apex`.
    apex_otherwise
        The method for a clip that has no annotated apex, where `apex` is ``annotated``; ``error`` for none.

    Raises
    ------
    CdmerError
        ``annotated`` without an annotation or another method; a method that needs landmarks, of crops without.
    """
    if apex == "annotated":
        annotated = record["apex"]
        if annotated is not None:
            return Apex(int(annotated) - int(record["onset"]), int(annotated), "annotated")
        if apex_otherwise == "error":
            raise CdmerError(
                f"clip {record.name}: its database annotates no apex",
                "name another method as `apex_otherwise` in the frames recipe (docs/apex.md), or as `apex`",
            )
        log.info("clip %s: no annotated apex, spotted by %s", record.name, apex_otherwise)
        apex = apex_otherwise
    index = spot_apex(record.frames, apex, None if apex in WITHOUT_LANDMARKS else landmarks_in_crop(record))
    return Apex(index, int(record["onset"]) + index, apex)
