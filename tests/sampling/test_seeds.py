"""Where a draw's seed comes from."""

from hypothesis import given
from hypothesis import strategies as st

from slm_mux.sampling.seeds import draw_seed, problem_id


def test_seeds_never_change_between_versions() -> None:
    """A recorded run can be repeated: this value is part of the format."""
    assert draw_seed(0, "m", "q", 0) == 1503305101


@given(st.integers(), st.text(), st.text(), st.integers(0, 1000))
def test_seeds_fit_every_endpoint(seed: int, model: str, problem: str, draw: int) -> None:
    """Every seed is a non-negative 31-bit integer."""
    assert 0 <= draw_seed(seed, model, problem, draw) < 2**31


def test_each_draw_has_its_own_seed() -> None:
    """Changing the seed, the model, the problem or the draw changes the seed."""
    seeds = {
        draw_seed(seed, model, problem, draw)
        for seed in (0, 1)
        for model in ("a", "b")
        for problem in ("p", "q")
        for draw in range(50)
    }
    assert len(seeds) == 2 * 2 * 2 * 50


def test_parts_do_not_run_together() -> None:
    """Model "ab" on problem "c" is not model "a" on problem "bc"."""
    assert draw_seed(0, "ab", "c", 0) != draw_seed(0, "a", "bc", 0)


def test_a_question_is_named_by_its_content() -> None:
    """Equal conversations have equal names, others do not."""
    one = ({"role": "user", "content": "1"},)
    assert problem_id(one) == problem_id(({"role": "user", "content": "1"},))
    assert problem_id(one) != problem_id(({"role": "user", "content": "2"},))
