"""Independent pieces of one computation on several threads."""

from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import numba

Item = TypeVar("Item")
Result = TypeVar("Result")


def each(work: Callable[[Item], Result], items: Iterable[Item]) -> list[Result]:
    """What `work` makes of each item, in order, on as many threads as numba may use.

    Compiled kernels (`cdmer.jit`) let go of the interpreter, so pieces that are mostly kernel run side by side. How
    many threads there are, ``NUMBA_NUM_THREADS`` says, by default one a core; the workflow gives each job one. Pieces
    must not depend on one another: then neither does any number on the threads.
    """
    threads = numba.get_num_threads()
    if threads == 1:
        return [work(item) for item in items]
    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(work, items))
