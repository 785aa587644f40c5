"""Descriptors of clips, each a function in a module of its own name; imported when first asked for."""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from cdmer.descriptors.bi_woof import bi_woof
    from cdmer.descriptors.c3d import c3d
    from cdmer.descriptors.elbp_top import elbp_top
    from cdmer.descriptors.higo_top import higo_top
    from cdmer.descriptors.hog_3d import hog_3d
    from cdmer.descriptors.hog_top import hog_top
    from cdmer.descriptors.hoof import hoof
    from cdmer.descriptors.lbp_sip import lbp_sip
    from cdmer.descriptors.lbp_top import lbp_top
    from cdmer.descriptors.lpq_top import lpq_top
    from cdmer.descriptors.mdmo import mdmo

__all__ = [
    "bi_woof",
    "c3d",
    "elbp_top",
    "higo_top",
    "hog_3d",
    "hog_top",
    "hoof",
    "lbp_sip",
    "lbp_top",
    "lpq_top",
    "mdmo",
]


class _Package(ModuleType):
    """A package in which a function stands where Python puts the module of the same name.

    LBP-TOP's job need not wait for OpenCV, nor anybody for torch, and whoever imported a module first does not matter.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        """Put the function in the place of its module."""
        super().__setattr__(name, getattr(value, name) if name in __all__ and isinstance(value, ModuleType) else value)

    def __getattr__(self, name: str) -> Any:
        """Import the function's module, which sets the name."""
        if name not in __all__:
            raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
        import_module(f"{__name__}.{name}")
        return self.__dict__[name]

    def __dir__(self) -> list[str]:
        """The functions, imported or not."""
        return __all__


sys.modules[__name__].__class__ = _Package
