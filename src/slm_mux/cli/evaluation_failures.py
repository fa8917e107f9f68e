"""Evaluations that too many failures spoil: what is said of them, and what helps."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from slm_mux.cli.options import ALLOWED_FAILURES
from slm_mux.collecting.counts import Collected
from slm_mux.errors import InvalidRequestError, StoreError
from slm_mux.store.store import Store

if TYPE_CHECKING:
    from slm_mux.cli.evaluating import Wanted


@contextmanager
def explaining_given_up(
    task: str, outcome: Sequence[Collected], wanted: "Wanted"
) -> Iterator[None]:
    """Within the block, draws that are missing are explained by the models that were given up.

    Args:
        task: its name.
        outcome: what was drawn now; a member may be in it twice.
        wanted: what the command line asks for.

    Raises:
        StoreError: there are too few draws to evaluate, because a model was given up.
    """
    try:
        yield
    except InvalidRequestError as error:
        if not _given_up(outcome):
            raise
        raise _too_few(task, outcome, wanted) from error


def check_figures(
    store: Store, document: dict[str, Any], outcome: Sequence[Collected], wanted: "Wanted"
) -> None:
    """Refuse an evaluation whose figures would say nothing.

    That is one without a single completion; and, unless drawing stops early, one from which a model
    that was given up leaves problems out: what is left are those on which it failed.

    Args:
        store: with the samples.
        document: the evaluation.
        outcome: what was drawn now; a member may be in it twice. Its reasons are known by now.
        wanted: what the command line asks for.

    Raises:
        StoreError: the figures would say nothing. Where every draw failed, it names each model's
            commonest reason.
    """
    if document["failed_share"] < 1:
        if document["left_out"] and _given_up(outcome) and not wanted.stops_early:
            raise _too_few(document["task"], outcome, wanted)
        return
    task = document["task"]
    told = {member.member for member in outcome if member.reasons}
    lines = "".join(
        f"\n  {reason if reason.startswith(model) else f'{model}: {reason}'}"
        for model, reason in _reasons(store, task, document["models"]).items()
        if model not in told
    )
    raise StoreError(
        f"{task}: every draw failed, so there is nothing to evaluate, and no run is saved; "
        + _remedy(wanted)
        + lines
    )


def complaint_about(
    document: dict[str, Any], outcome: Sequence[Collected], wanted: "Wanted"
) -> str | None:
    """Say why an evaluation that has figures counts as failed all the same; None: it does not.

    Args:
        document: the evaluation.
        outcome: what was drawn now; a member may be in it twice.
        wanted: what the command line asks for.
    """
    said = []
    if document["failed_share"] > wanted.allow_failures:
        said.append(
            f"{document['failed_share']:.1%} of the draws failed (--allow-failures is "
            f"{wanted.allow_failures:g})"
        )
    said += failing_discussions(document, wanted.allow_failures)
    if given_up := _given_up(outcome):
        said.append(_were_given_up(given_up))
    return f"{', and '.join(said)}; {_remedy(wanted)}" if said else None


def failing_discussions(
    document: Mapping[str, Any], allowed: float = ALLOWED_FAILURES
) -> list[str]:
    """Say of which discussions more calls failed than are allowed, and how many.

    Args:
        document: the evaluation.
        allowed: a share, 0 .. 1.
    """
    said = []
    for name, one in document["discussions"].items():
        turns = [turn for problem in one["problems"].values() for turn in problem["turns"]]
        failed = sum(turn["ended"] == "failed" for turn in turns)
        if turns and failed / len(turns) > allowed:
            said.append(f"{failed / len(turns):.1%} of the calls of {name} failed")
    return said


def _too_few(task: str, outcome: Sequence[Collected], wanted: "Wanted") -> StoreError:
    given_up = _given_up(outcome)
    others = len(given_up) < len({one.member for one in outcome})
    return StoreError(
        f"{task}: {_were_given_up(given_up)}, so too few draws are there for an evaluation, and no "
        f"run is saved. What came in is kept; {_remedy(wanted)}"
        + (", or take what does not answer out of the pool file" if others else "")
    )


def _remedy(wanted: "Wanted") -> str:
    # With stopping, failed draws that can change no answer are not made again.
    if not wanted.live or (wanted.retry_failed and wanted.stops_early):
        return "`slm-mux collect --retry-failed` draws them again"
    return "when the models answer, the same command with --retry-failed makes those draws"


def _given_up(outcome: Sequence[Collected]) -> list[str]:
    return list(dict.fromkeys(one.member for one in outcome if one.given_up is not None))


def _were_given_up(names: Sequence[str]) -> str:
    return f"{', '.join(names)} {'was' if len(names) == 1 else 'were'} given up"


def _reasons(store: Store, task: str, models: Sequence[str]) -> dict[str, str]:
    """The commonest reason of each model's failed draws."""
    reasons: dict[str, Counter[str]] = defaultdict(Counter)
    failed = (row for row in store.draw_rows(task) if row.status == "failed")
    for member, series in dict.fromkeys((row.member, row.series) for row in failed):
        if member in models:
            reasons[member].update(
                draw.failure.message for draw in store.draws_of(series) if draw.failure is not None
            )
    return {member: counts.most_common(1)[0][0] for member, counts in reasons.items()}
