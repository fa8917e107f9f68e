"""Where tests that run model-written code are skipped, and what they run it with."""

import pytest

from slm_mux.errors import SandboxError
from slm_mux.sandbox import shared_sandbox


def _why_not() -> str:
    """Why there is no sandbox here; "" where there is one, and where there is one that leaks."""
    try:
        shared_sandbox().check()
    except SandboxError as error:
        absent = "not on the PATH" in str(error) or "does not start here" in str(error)
        return str(error) if absent else ""
    return ""


WHY_NOT = _why_not()
NEEDS_SANDBOX = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
