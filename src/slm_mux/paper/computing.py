"""From samples in a store to an exhibit's blocks. Nothing is drawn."""

from collections.abc import Mapping, Sequence
from typing import Any

from slm_mux.evaluation.evaluate import Prepared, prepare
from slm_mux.evaluation.question import Question
from slm_mux.evaluation.ranking import Record
from slm_mux.paper.choosing import best_by_size, groups, members_of
from slm_mux.paper.methods import COUNTING, table1, temperatures
from slm_mux.paper.pairs import other_pairs, table2
from slm_mux.paper.planning import Plan, part_of
from slm_mux.paper.scaling import figure9, scaled, table3, table4
from slm_mux.paper.sections import Block, Found
from slm_mux.paper.sizes import figure7, figure8
from slm_mux.paper.tables import Sampled, Source, records_of_searched
from slm_mux.voting import rank_by_record

HINDSIGHT = "the best k is chosen on the measured problems themselves, as in the paper"
BOTH_BUDGETS = (
    "how many draws the paper's self-consistency had is not known here, so its figure stands "
    "beside both of ours"
)


def members_to_measure(source: Source, made: Plan) -> list[str]:
    """Say whose further draws an exhibit needs, when its first ones are in.

    Args:
        source: with the first draws.
        made: the plan; without a gap.

    Returns:
        Of an exhibit that searches, the members of the chosen subsets; of table 1, the best member
        on validation.

    Raises:
        StoreError, InvalidRequestError, SandboxError: as `Source.sampled` does.
    """
    if made.exhibit.searches:
        return members_of(_subsets(made, source.searched(made)))
    prepared = prepared_for(source, made)
    ranking = rank_by_record(prepared.table.validation_accuracy)
    return [prepared.table.models[ranking[0]]]


def found_in(source: Source, made: Plan) -> Found:
    """Work out an exhibit that searches.

    Args:
        source: with all draws.
        made: the plan; without a gap.

    Raises:
        StoreError, InvalidRequestError, SandboxError: as `Source.sampled` does.
    """
    searched = source.searched(made)
    subsets = _subsets(made, searched)
    blocks: tuple[Block, ...]
    measured = large = None
    if not made.exhibit.measures:
        blocks = figure7(made, searched, subsets)
    else:
        measured = source.measured(made, searched, members_of(subsets))
        if made.exhibit.name == "table2":
            blocks = table2(made, measured, subsets)
        elif made.exhibit.name == "figure8":
            blocks = figure8(made, measured, subsets)
        else:
            curves = scaled(made, measured, subsets)
            if made.exhibit.name == "table3":
                blocks = table3(made, curves)
            elif made.exhibit.name == "figure9":
                blocks = figure9(made, curves)
            else:
                large = _large(source, made)
                blocks = table4(made, measured, curves, large)
    return Found(
        blocks=blocks,
        measured=None if measured is None else len(measured.table.problems),
        searched=len(searched.table.problems),
        k=None if measured is None else measured.k,
        search_k=searched.k,
        ranking=_ranking(records_of_searched(made, searched)),
        notes=tuple(
            dict.fromkeys(
                [
                    *(
                        note
                        for part in (searched, measured, large)
                        if part is not None
                        for note in part.notes
                    ),
                    *([HINDSIGHT] if made.exhibit.name in ("table3", "table4") else []),
                    *(other_pairs(made, subsets) if _is_about_pairs(made) else []),
                ]
            )
        ),
    )


def prepared_for(source: Source, made: Plan, workflows: Sequence[str] = ()) -> Prepared:
    """Read, score and rank for table 1.

    Args:
        source: with the draws.
        made: the plan.
        workflows: the methods of discussion that follow.

    Raises:
        StoreError, InvalidRequestError, SandboxError: as `prepare` does.
    """
    k, problems = made.k, frozenset(problem.id for problem in made.measured)
    if not made.exact:
        k = source.there(made, made.pool, made.measured, k)
    asked = Question(
        task=made.name,
        split=made.split or "all",
        only=problems,
        pool=made.pool,
        methods=COUNTING,
        workflows=tuple(workflows),
        samples=k,
        seed=made.seed,
    )
    return prepare(
        source.store,
        asked,
        readers=source.readers,
        scorer=source.scorer,
        progress=source.progress,
    )


def found_of(made: Plan, prepared: Prepared, document: Mapping[str, Any]) -> Found:
    """Set an evaluation beside table 1.

    Args:
        made: the plan.
        prepared: what the evaluation rests on.
        document: what `describe` made of it; its run is the one it was saved as.
    """
    counted = [
        record.problems
        for record in prepared.records
        if record.problems is not None and not record.leaks
    ]
    return Found(
        blocks=table1(made, document),
        measured=int(prepared.table.scored.sum()),
        searched=max(counted, default=None),
        k=document["k"],
        search_k=document["k"] if counted else None,
        ranking=_ranking(prepared.records),
        notes=(
            *document["notes"],
            *temperatures(made),
            *(
                [BOTH_BUDGETS]
                if made.benchmark is not None and "self_consistency" in made.lines
                else []
            ),
        ),
        run=document.get("run"),
    )


def _subsets(made: Plan, searched: Sampled) -> Mapping[int, tuple[str, ...]]:
    if _is_about_pairs(made):
        return groups(searched, made.benchmark)
    return best_by_size(searched)


def _is_about_pairs(made: Plan) -> bool:
    return made.exhibit.name not in ("figure7", "figure8")


def _large(source: Source, made: Plan) -> Sampled | None:
    if made.large is None:
        return None
    alone = part_of(made.pool, [], made.large)
    return source.sampled(made, alone, made.measured, "test", made.large_draws)


def _ranking(records: Sequence[Record]) -> tuple[dict[str, Any], ...]:
    return tuple(
        {
            "model": record.model,
            "accuracy": record.accuracy,
            "source": record.source,
            "leaks": record.leaks,
        }
        for record in records
    )
