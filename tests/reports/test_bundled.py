"""What is shipped with the package."""

import hashlib
import re

from slm_mux.reports import bundled


def test_shipped_scripts_are_those_that_are_named() -> None:
    """Each library has the sha256 that is written beside its version, and its licence."""
    for name, one in bundled.versions().items():
        script = bundled.read(one["file"])
        assert hashlib.sha256(script.encode()).hexdigest() == one["sha256"]
        assert re.search(rf"^(.*, )?{name}(,|$)", bundled.read("LICENSES.txt"), re.MULTILINE)
        assert "</script" not in script.lower()


def test_the_policy_allows_its_own_scripts_only() -> None:
    """Nothing is loaded, nothing evaluated, and every script and the style have a hash."""
    policy = bundled.policy(bundled.scripts(), bundled.style())
    assert policy.startswith("default-src 'none'; script-src 'sha256-")
    assert not re.search("unsafe|https?:|data:|blob:|\\*", policy)
    assert policy.count("'sha256-") == len(bundled.scripts()) + 1


def test_one_colour_in_both_places() -> None:
    """The page's style and the charts have the same page and ink, in both themes."""
    from slm_mux.reports.themes import COLOURS

    light, dark = re.findall(r"--page: (#\w+);[^}]*?--ink: (#\w+);", bundled.style())[:2]
    assert light == (COLOURS["light"]["page"], COLOURS["light"]["ink"])
    assert dark == (COLOURS["dark"]["page"], COLOURS["dark"]["ink"])
