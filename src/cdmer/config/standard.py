"""The recipes and databases that every configuration has."""

from typing import Any

# A configuration adds to these, entry by entry and key by key; it never loses one by not naming it.
STANDARD: dict[str, dict[str, dict[str, Any]]] = {
    "databases": {
        "smic_hs": {"reader": "smic"},
        "smic_vis": {"reader": "smic"},
        "smic_nir": {"reader": "smic"},
        "casme2": {"reader": "casme2"},
        "samm": {"reader": "samm"},
    },
    "faces": {
        "aligned_112": {},
        "benchmark_112": {"alignment": "landmark_box"},
        "tgsr_112": {"alignment": "landmark_box", "intermediate": {"casme2": (308, 257), "smic": (170, 139)}},
        "dscnn_48": {"size": 48},
        "fr_140": {"detector": "mtcnn", "alignment": "box", "size": 140},
        "madtn_112": {"detector": "mtcnn", "alignment": "box", "expand": (0, 0.16, 0, 0.05)},
        "mersiamc3d_112": {"eye_distance": 0.37, "eye_height": 0.32},
        "as_is": {"detector": "none", "alignment": "whole"},
    },
    "frames": {
        "tim_16": {},
        "tgsr_16": {"faces": "tgsr_112"},
        "onset_apex_offset": {
            "faces": "dscnn_48",
            "interpolation": "select",
            "moments": ["onset", "apex", "offset"],
            "apex": "divide_and_conquer",
        },
        "onset_apex": {
            "faces": "fr_140",
            "interpolation": "select",
            "moments": ["onset", "apex"],
            "apex": "annotated",
            "apex_otherwise": "frame_difference",
        },
        "onset_central_offset": {
            "faces": "madtn_112",
            "interpolation": "select",
            "moments": ["onset", "central", "offset"],
        },
        "keyframes_11": {
            "faces": "mersiamc3d_112",
            "interpolation": "keyframes",
            "length": 11,
            "synthesis": "adaptive_convolution",
            "apex": "annotated",
            "apex_otherwise": "middle",
        },
    },
    "features": {"lbp_top_r3p8": {}},
}
