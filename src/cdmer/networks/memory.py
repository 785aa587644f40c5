"""Memory that a training frees and asks for again at every step."""

import ctypes

_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3  # of glibc's malloc.h
_LARGEST = (1 << 30, 32 << 20)  # bytes of a block that is kept: the second where the first is refused


def keep_freed_memory() -> None:
    """Have the C library keep large blocks that are freed, for the rest of the process.

    glibc gives them back to the system, which hands them out again page by page, each zeroed: for FR's gradients of
    40 MB a quarter of a step (docs/performance.md). Other C libraries are left as they are.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is None:
        return
    mallopt(_TRIM_THRESHOLD, 2**31 - 1)
    for size in _LARGEST:
        if mallopt(_MMAP_THRESHOLD, size):
            return
