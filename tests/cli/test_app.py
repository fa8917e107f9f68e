"""The command line as a whole."""

from importlib.metadata import version

from tests.cli.running import slm_mux


async def test_help_names_the_commands() -> None:
    """`slm-mux --help` and no arguments list the commands."""
    shown = await slm_mux("--help")
    assert shown.code == 0
    for command in ("ask", "init", "models", "demo"):
        assert f"\n  {command} " in shown.out


async def test_version() -> None:
    """`--version` prints the installed version."""
    shown = await slm_mux("--version")
    assert (shown.code, shown.out) == (0, f"slm-mux {version('slm-mux')}\n")
