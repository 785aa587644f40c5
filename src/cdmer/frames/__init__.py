"""Choosing or making the frames of a clip: apex spotting, temporal interpolation, key-frames."""

from cdmer.frames.apex import spot_apex
from cdmer.frames.keyframes import keyframe_times
from cdmer.frames.tim import interpolate_tim

__all__ = ["interpolate_tim", "keyframe_times", "spot_apex"]
