"""Marks of results that rest on wall time."""

from slm_mux.provisional import mark_provisional, watching


def test_a_mark_is_seen_by_the_inner_watch() -> None:
    """Of two that look the inner one sees it; without any, marking does nothing."""
    mark_provisional()
    with watching() as outer:
        with watching() as inner:
            mark_provisional()
        assert (outer.provisional, inner.provisional) == (False, True)
        mark_provisional()
    assert outer.provisional
    with watching() as later:
        pass
    assert not later.provisional
