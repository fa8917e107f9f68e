"""`slm-mux paper`: the paper's tables and figures again, on models of one's own."""

from pathlib import Path
from typing import Annotated

import typer

from slm_mux.cli.options import Json, Samples, StoreToRead


def paper(
    exhibit: Annotated[
        str,
        typer.Argument(help="table1, table2, table3, table4, figure7, figure8 or figure9."),
    ],
    pool: Annotated[
        Path | None,
        typer.Option(help="Pool file, such as examples/paper/stage2-vllm.yaml; found as by `ask`."),
    ] = None,
    task: Annotated[
        list[str] | None,
        typer.Option(
            help="A benchmark, demo, or a file of your own with the splits validation and test; "
            "repeat it. math, gpqa and gsm8k if none."
        ),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            help="Folder with the benchmarks' data, each in a folder or a file of its name; what "
            "is not there is fetched."
        ),
    ] = None,
    limit: Annotated[
        int | None,
        typer.Option(help="At most so many problems of each split, for a first look."),
    ] = None,
    samples: Samples = None,
    only: Annotated[
        list[str] | None,
        typer.Option(
            metavar="LINE",
            help="Only this method or line, for instance mux; repeat it. It leaves expensive ones "
            "out.",
        ),
    ] = None,
    large: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="table4: the member of the pool to compare the others with."
        ),
    ] = None,
    store: StoreToRead = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Draw nothing: the store's samples only.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what it would take, and draw nothing.")
    ] = False,
    retry_failed: Annotated[
        bool, typer.Option("--retry-failed", help="Draw again what failed before.")
    ] = False,
    seed: Annotated[
        int | None,
        typer.Option(help="Of the draws, and of the intervals' resampling; the pool's by default."),
    ] = None,
    json: Json = False,
) -> None:
    """Run a table or figure of the paper, and set what comes out beside the paper's figures."""
    from slm_mux.cli.reproducing import Wanted, reproduce_and_show

    reproduce_and_show(
        Wanted(
            exhibit=exhibit,
            pool=pool,
            tasks=tuple(task or ()),
            data=data,
            limit=limit,
            samples=samples,
            only=tuple(only or ()),
            large=large,
            store=store,
            offline=offline,
            dry_run=dry_run,
            retry_failed=retry_failed,
            seed=seed,
        ),
        as_json=json,
    )
