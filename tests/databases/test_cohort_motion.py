"""The curves of a clip, and of the rest that is filmed before and after it."""

import numpy as np
import pytest

from cdmer.databases.cohort.cameras import camera_of
from cdmer.databases.cohort.motion import draw_motion
from cdmer.databases.cohort.plan import plan_database


@pytest.mark.parametrize("database", ["smic_hs", "casme2"])
def test_rest_adds_frames_and_changes_none(database):
    plan, camera = plan_database(database, "small", 4), camera_of(database)
    shut_at_rest = 0
    for person in plan.subjects:
        for clip in person.clips:
            plain = draw_motion(plan, clip, camera)
            longer = draw_motion(plan, clip, camera, rest=(150, 90))
            inside = slice(150, 150 + clip.n_frames)
            for curve in ("intensity", "head", "lids", "restless"):
                np.testing.assert_allclose(getattr(longer, curve)[inside], getattr(plain, curve), atol=1e-12)
            assert longer.pose == plain.pose
            assert len(longer.intensity) == clip.n_frames + 240
            assert not longer.intensity[:150].any()
            assert np.ptp(longer.intensity[-91:]) < 1e-9
            shut_at_rest += bool(longer.lids[:150].max() > 0.5) + bool(longer.lids[-90:].max() > 0.5)
    assert shut_at_rest > 3  # blinks at rest do happen


def test_no_blinks_where_there_are_none():
    plan, camera = plan_database("casme2", "small", 4, blinks=False), camera_of("casme2")
    assert not any(draw_motion(plan, c, camera, rest=(150, 90)).lids.any() for p in plan.subjects for c in p.clips)
