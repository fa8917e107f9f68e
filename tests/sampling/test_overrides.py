"""What a question sets for all its draws, over the settings of each model."""

from slm_mux.models.base import Generation
from slm_mux.sampling.overrides import Overrides

OWN = Generation(
    temperature=0.3, top_p=0.9, max_tokens=100, stop=("END",), extra={"top_k": 5, "min_p": 0.1}
)


def test_nothing_given_leaves_everything() -> None:
    """The model's own settings are not even copied."""
    assert Overrides().over(OWN) is OWN


def test_what_is_given_replaces_and_the_rest_stays() -> None:
    """Temperature, top_p and max_tokens are each replaced alone."""
    changed = Overrides(temperature=0.0, top_p=0.5).over(OWN)
    assert (changed.temperature, changed.top_p, changed.max_tokens) == (0.0, 0.5, 100)
    assert (changed.stop, changed.extra) == (OWN.stop, OWN.extra)


def test_stops_and_extra_fields_are_added() -> None:
    """A model's own stay; a field that both name is the question's."""
    changed = Overrides(stop=("\n", "END"), extra={"top_k": 1, "tools": [{}]}).over(OWN)
    assert changed.stop == ("END", "\n")
    assert changed.extra == {"top_k": 1, "min_p": 0.1, "tools": [{}]}
    assert OWN.extra == {"top_k": 5, "min_p": 0.1}


def test_a_model_s_own_extra_field_does_not_undo_a_setting() -> None:
    """Extra fields are written over the body, so one of the same name gives way."""
    own = Generation(extra={"top_p": 0.2, "temperature": 1.0, "stop": ["x"]})
    changed = Overrides(top_p=0.5, stop=("y",)).over(own)
    assert (changed.top_p, changed.stop) == (0.5, ("y",))
    assert changed.extra == {"temperature": 1.0}


def test_a_token_limit_under_its_newer_name_is_replaced_there() -> None:
    """An endpoint that is sent max_completion_tokens may refuse max_tokens."""
    own = Generation(max_tokens=None, extra={"max_completion_tokens": 900, "max_tokens": None})
    changed = Overrides(max_tokens=17).over(own)
    assert changed.max_tokens is None
    assert changed.extra == {"max_completion_tokens": 17, "max_tokens": None}
