"""The garbage collector's settings while requests are at work."""

import contextlib
import gc

from slm_mux.cli.pauses import fewer_pauses


def test_the_settings_are_put_back() -> None:
    """Garbage is looked for less often within the block, and as before after it or an error."""
    before = (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled())
    with contextlib.suppress(KeyboardInterrupt), fewer_pauses():
        assert gc.get_threshold()[0] > before[0][0]
        assert gc.get_freeze_count() > 0
        raise KeyboardInterrupt
    assert (gc.get_threshold(), gc.get_freeze_count(), gc.isenabled()) == before
