"""Pieces on threads: in order, side by side, and a fault is not lost."""

import threading

import pytest

from cdmer.threads import each


@pytest.mark.parametrize("threads", [1, 4])
def test_results_come_in_the_order_of_the_pieces(threads, monkeypatch):
    monkeypatch.setattr("numba.get_num_threads", lambda: threads)
    assert each(lambda number: number**2, range(50)) == [number**2 for number in range(50)]
    assert each(str, []) == []


def test_pieces_run_side_by_side(monkeypatch):
    """Two that wait for each other would never end one after the other."""
    monkeypatch.setattr("numba.get_num_threads", lambda: 2)
    both = threading.Barrier(2, timeout=20)
    assert sorted(each(lambda _: both.wait(), range(2))) == [0, 1]


@pytest.mark.parametrize("threads", [1, 2])
def test_a_fault_in_a_piece_is_a_fault_of_the_whole(threads, monkeypatch):
    monkeypatch.setattr("numba.get_num_threads", lambda: threads)
    with pytest.raises(ZeroDivisionError):
        each(lambda number: 1 // number, [1, 0])
