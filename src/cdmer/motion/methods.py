"""The methods of optical flow by name, where they are, and their parameters: known without loading any of them."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

# A method is a module of this package that holds a function of its own name.
MODULES = {name: f"cdmer.motion.{name}" for name in ("tvl1", "farneback", "dis", "coarse_to_fine")}

# The parameters of each with their defaults, which are those of the functions themselves.
DEFAULTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "tvl1": MappingProxyType(
            {
                "tau": 0.25,
                "lam": 0.15,
                "theta": 0.3,
                "scales": 5,
                "warps": 5,
                "epsilon": 0.01,
                "inner": 30,
                "outer": 10,
                "scale_step": 0.8,
                "gamma": 0.0,
                "median": 5,
            }
        ),
        "farneback": MappingProxyType(
            {
                "pyramid_scale": 0.5,
                "levels": 3,
                "window": 15,
                "iterations": 3,
                "poly_n": 5,
                "poly_sigma": 1.2,
                "gaussian": False,
            }
        ),
        "dis": MappingProxyType({"preset": "medium"}),
        "coarse_to_fine": MappingProxyType(
            {
                "alpha": 0.05,
                "ratio": 0.75,
                "min_width": 20,
                "warps": 7,
                "inner": 1,
                "sweeps": 30,
                "omega": 1.8,
                "guard": 0.001,
                "share": 0.4,
            }
        ),
    }
)
