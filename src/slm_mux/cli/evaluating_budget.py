"""A live evaluation under a budget: draw as much as the budget affords."""

from collections.abc import Callable

from msgspec.structs import replace

from slm_mux.cli.collecting import Wanted as ToCollect
from slm_mux.cli.collecting import draw_missing, needs_for, register
from slm_mux.cli.collecting_tables import tell_failures
from slm_mux.cli.console import messages, print_line
from slm_mux.cli.evaluating import Wanted
from slm_mux.collecting.asking import Settings
from slm_mux.collecting.counts import Collected
from slm_mux.evaluation.describing import failed_share
from slm_mux.evaluation.evaluate import Prepared
from slm_mux.methods import affordable_draws
from slm_mux.models.pool import Pool
from slm_mux.readers import Readers
from slm_mux.store.store import Store
from slm_mux.wording import listed


def draw_affordable(
    store: Store,
    wanted: Wanted,
    pool: Pool,
    first: ToCollect,
    prepared: Prepared,
    readers: Readers,
    outcome: list[Collected],
    *,
    again: Callable[[], Prepared],
    as_json: bool,
) -> Prepared:
    """Draw what the budget affords the methods that count votes, beyond the first draws.

    What a draw costs on average says how many are affordable; when these are in, it is known
    better. So it goes on, until nothing is missing. It ends before that where too many draws
    failed (--allow-failures), a model was given up or brought nothing but failures, or draws cost
    nothing: what is affordable is not known then, and the evaluation says so.

    Ctrl-C ends the process, with 130; every sample that came in is kept.

    Args:
        store: with the task.
        wanted: what the command line asks for, a budget among it.
        pool: whom to ask.
        first: what the first draws were of.
        prepared: the evaluation of these.
        readers: of answer kinds.
        outcome: what was drawn, by member; what is drawn now is put after it.
        again: makes the evaluation of what is in the store by now.
        as_json: whether a JSON document is wanted on stdout.

    Returns:
        The evaluation of all draws.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    retry = wanted.retry_failed
    while not any(one.given_up is not None for one in outcome):
        table = prepared.table
        if not retry and failed_share(table, max(table.k)) > wanted.allow_failures:
            break
        draws = affordable_draws(
            table,
            wanted.counting,
            budget=wanted.budget or 0.0,
            k=prepared.k,
            discussing=wanted.discussing,
        )
        if not draws:
            break
        collecting = replace(first, settings=Settings(seed=first.settings.seed), retry_failed=retry)
        asked = pool.with_members(
            [replace(one, samples=draws[one.name]) for one in pool if one.name in draws]
        )
        needs = needs_for(collecting, asked, store, readers)
        if not any(member.missing for member in needs):
            break
        retry = False
        of_whom = [f"{one.k:,} of {one.member.name}" for one in needs if one.missing]
        print_line(
            messages(),
            f"{first.name}: the budget affords more draws of a question than there are, "
            f"{listed(of_whom)}; what is missing of them is drawn",
        )
        register(store, collecting, needs)
        drawn = draw_missing(store, collecting, asked, needs, as_json=as_json)
        tell_failures(messages(), drawn, again="the same command")
        outcome += drawn
        spent, prepared = float(table.tokens().sum()), again()
        if any(one.failed and not one.completed for one in drawn):
            break
        if not float(prepared.table.tokens().sum()) > spent:
            break
    return prepared
