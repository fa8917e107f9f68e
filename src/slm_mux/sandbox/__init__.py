"""Runs model-written code: under bubblewrap, unprivileged, limited, and only after a self-test."""

from slm_mux.sandbox.limits import CallOutcome, Calls, Limits, Outcome
from slm_mux.sandbox.runner import Sandbox, shared_sandbox

__all__ = ["CallOutcome", "Calls", "Limits", "Outcome", "Sandbox", "shared_sandbox"]
