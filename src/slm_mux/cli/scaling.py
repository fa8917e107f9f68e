"""Study how a task scales, print."""

import csv

from slm_mux.cli.console import messages, print_json, results
from slm_mux.cli.studying import StudyWanted, study_of
from slm_mux.studies.scaling_task import ScaleRules, scale_task


class Wanted(StudyWanted, frozen=True, kw_only=True):
    """What the command line asks for; None leaves the choice to the rules of each."""

    models: str | None
    resamples: int

    def scale_rules(self) -> ScaleRules:
        """Put together which subsets are studied.

        Raises:
            InvalidRequestError: an option is out of range.
        """
        rules = ScaleRules(
            search=self.search_rules(),
            models=None if self.models is None else _names(self.models),
            resamples=self.resamples,
        )
        rules.check()
        return rules


def scale_and_show(wanted: Wanted, *, as_json: bool) -> None:
    """Study, print.

    Raises:
        SlmMuxError: as the parts raise it.
    """
    rules = wanted.scale_rules()
    with study_of(wanted) as study:
        document = scale_task(
            study.store,
            study.asked,
            rules,
            readers=study.readers,
            scorer=study.scorer,
            progress=study.progress,
        )
    if as_json:
        print_json(document)
        return
    from slm_mux.cli.scale_display import show_scale

    show_scale(results(), messages(), document)


def _names(models: str) -> tuple[str, ...]:
    rows = csv.reader(models.splitlines(), skipinitialspace=True)
    return tuple(name.strip() for row in rows for name in row)
