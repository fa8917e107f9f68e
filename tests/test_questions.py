"""What a question is understood as."""

from slm_mux.questions import LOOKED_AT, understand

OPTIONS = "Which one is red?\nA) an apple\nB) a pear"


def test_a_long_question_is_looked_at_from_both_ends() -> None:
    """Options before or after a long text are found; the whole of it is never searched."""
    long = "All work and no play. " * 100_000
    assert understand(f"{long}\n{OPTIONS}").kind == "choice"
    assert understand(f"{OPTIONS}\n\n{long}").kind == "choice"
    assert understand(f"{long}\n{OPTIONS}\n\n{long}").kind == "text"


def test_a_question_that_is_not_too_long_is_looked_at_whole() -> None:
    """What stands in its middle decides as well."""
    around = "All work and no play. " * (LOOKED_AT // 22 - 5)
    assert understand(f"{around}\n{OPTIONS}\n\n{around}").kind == "choice"
