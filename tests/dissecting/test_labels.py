"""Labels beside computed kinds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.dissecting.debates import KINDS
from slm_mux.dissecting.labels import agreement
from slm_mux.dissecting.shares import share_of


def test_labels_beside_computed_kinds() -> None:
    """The table has what was labelled what; what has no label is in no share but the first."""
    computed = {"q1": "capitulation", "q2": "capitulation", "q3": "outvoted", "q4": "never_right"}
    found = agreement(
        KINDS, computed, {"q1": "capitulation", "q2": "outvoted", "q3": "capitulation", "q4": None}
    )
    assert (found.labelled, found.same) == (share_of(3, 4), share_of(1, 3))
    assert found.capitulations == share_of(2, 3)
    assert [row.kind for row in found.table] == list(KINDS)
    rows = {row.kind: row for row in found.table}
    assert list(rows["capitulation"].labelled) == list(KINDS)
    assert (rows["capitulation"].labelled["outvoted"], rows["outvoted"].unlabelled) == (1, 0)
    assert rows["never_right"].unlabelled == 1


def test_nothing_labelled() -> None:
    """Without failures, or without a word on any, shares are of nothing."""
    assert agreement(KINDS, {}, {}).same == share_of(0, 0)
    found = agreement(KINDS, {"q1": "drifted"}, {})
    assert (found.labelled, found.same) == (share_of(0, 1), share_of(0, 0))


@given(st.lists(st.tuples(st.sampled_from(KINDS), st.sampled_from([*KINDS, None]))))
def test_every_failure_is_in_the_table_once(given_ones: list[tuple[str, str | None]]) -> None:
    """Cells sum to the failures, the diagonal to those that are the same; order is no matter."""
    computed = {f"q{n}": kind for n, (kind, _) in enumerate(given_ones)}
    labelled = {f"q{n}": label for n, (_, label) in enumerate(given_ones)}
    found = agreement(KINDS, computed, labelled)
    cells = sum(sum(row.labelled.values()) + row.unlabelled for row in found.table)
    assert cells == found.labelled.total == len(given_ones)
    assert sum(row.labelled[row.kind] for row in found.table) == found.same.count
    if given_ones:
        assert sum(
            (sum(row.labelled.values()) + row.unlabelled) / cells for row in found.table
        ) == pytest.approx(1)
    assert agreement(KINDS, dict(reversed(computed.items())), labelled) == found
