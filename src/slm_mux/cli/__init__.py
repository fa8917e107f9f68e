"""The command line: one module per command, each of them thin."""

from slm_mux.cli.app import main

__all__ = ["main"]
