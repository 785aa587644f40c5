"""Bringing clips of any length to the frames that descriptors and networks read."""

from cdmer.frames.tim import interpolate_tim

__all__ = ["interpolate_tim"]
