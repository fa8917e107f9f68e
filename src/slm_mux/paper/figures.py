"""The paper's figures, once, each with where it stands (arXiv 2510.05077).

Everything is in percent. Tables are the paper's own numbers; what is marked as read off was taken
from its plots, to about 0.2 points. The paper gives one accuracy for each cell, over the problems
of `PROBLEMS`, with three draws of each model unless it says otherwise; those of tables 2 to 4 and
figures 8 and 9 are means of three runs on them.
"""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec import Struct
from msgspec.structs import replace

from slm_mux.metrics import Interval, wilson

BENCHMARKS = ("math", "gpqa", "gsm8k")
"""By the names of the tasks here."""

PROBLEMS: Mapping[str, int] = MappingProxyType({"math": 500, "gpqa": 198, "gsm8k": 500})
"""On which the paper measures."""

VALIDATION_PROBLEMS = 500
"""On which it searches, of the training splits."""

SEARCH_DRAWS = 3
"""Of each model, on the problems that it searches."""

LARGE = "Qwen2.5 72B"
"""The model that table 4 compares with."""

Pair = tuple[str, str]


class Stated(Struct, frozen=True, kw_only=True):
    """One figure of the paper."""

    value: float
    """A share in [0, 1], or a difference of shares in [-1, 1]."""
    where: str
    """Table or figure."""
    read_off: bool = False
    """Whether it was read off a plot, to about 0.002."""
    problems: int | None = None
    """That it is an accuracy over; None: it is none, or their number is not known."""

    @property
    def ci95(self) -> Interval | None:
        """Wilson's interval of an accuracy, of the nearest whole number of problems.

        A mean of several runs on the same problems is rather more certain. None where the number of
        problems is.
        """
        if self.problems is None:
            return None
        return wilson(round(self.value * self.problems), self.problems)


TABLE1: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "math": {
            "mixture_of_agents": 51.4,
            "debate": 51.6,
            "multi_agent_verification": 48.4,
            "mux": 61.8,
            "single": 56.8,
            "self_consistency": 58.0,
        },
        "gpqa": {
            "mixture_of_agents": 33.3,
            "debate": 36.8,
            "multi_agent_verification": 35.3,
            "mux": 42.1,
            "single": 38.9,
            "self_consistency": 42.4,
        },
        "gsm8k": {
            "mixture_of_agents": 81.6,
            "debate": 80.8,
            "multi_agent_verification": 86.4,
            "mux": 87.8,
            "single": 84.2,
            "self_consistency": 86.8,
        },
    }
)
"""Accuracies by method: three models, three draws of each at temperature 0.3. `single` is the best
single model at temperature 0, `self_consistency` the majority of its draws."""

SINGLES: Mapping[str, Mapping[str, float]] = MappingProxyType(
    {
        "math": {"mixtral-8x7b": 31.6, "llama-3.1-8b": 48.6, "gemma-2-27b": 56.8},
        "gpqa": {"mixtral-8x7b": 31.9, "llama-3.1-8b": 23.7, "gemma-2-27b": 38.8},
        "gsm8k": {"mixtral-8x7b": 63.4, "llama-3.1-8b": 84.2, "gemma-2-27b": 81.6},
    }
)
"""Accuracies of the three models of table 1 alone, at temperature 0, by the names of the pool file
examples/paper/stage1-vllm.yaml. On GPQA the best of them differs by 0.1 from table 1."""

SINGLE_TEMPERATURE = 0.0
"""Of `SINGLES`, and of table 1's best single model."""

NAMES: Mapping[str, str] = MappingProxyType(
    {
        "gemma-2-27b": "Gemma 2 27B",
        "llama-3.1-8b": "Llama 3.1 8B",
        "mistral-small-24b": "Mistral Small 24B",
        "mixtral-8x7b": "Mixtral 8x7B",
        "qwen2.5-7b": "Qwen2.5 7B",
    }
)
"""The paper's models, as it calls them, by the names of the pool files in examples/paper."""

PAIRS: Mapping[str, tuple[Pair, Pair]] = MappingProxyType(
    {
        "math": (("mistral-small-24b", "qwen2.5-7b"), ("qwen2.5-7b", "llama-3.1-8b")),
        "gpqa": (("gemma-2-27b", "mistral-small-24b"), ("llama-3.1-8b", "mistral-small-24b")),
        "gsm8k": (("mistral-small-24b", "qwen2.5-7b"), ("llama-3.1-8b", "mixtral-8x7b")),
    }
)
"""The two pairs that the paper's search chose, its groups 1 and 2, by the names of the pool file
examples/paper/stage2-vllm.yaml."""

TABLE2: Mapping[str, tuple[tuple[float, float], tuple[float, float]]] = MappingProxyType(
    {
        "math": ((75.5, 80.0), (75.5, 77.7)),
        "gpqa": ((45.1, 49.5), (45.1, 48.8)),
        "gsm8k": ((88.5, 92.8), (80.8, 85.2)),
    }
)
"""Of groups 1 and 2: the best single model of the pair, and the pair composed."""

TABLE3: Mapping[str, Mapping[str, tuple[float, float]]] = MappingProxyType(
    {
        "math": {"mux": (76.8, 79.5), "agent_forest": (72.3, 79.2)},
        "gpqa": {"mux": (46.3, 48.8), "agent_forest": (40.4, 47.6)},
        "gsm8k": {"mux": (82.1, 86.5), "agent_forest": (77.7, 84.3)},
    }
)
"""Of group 2: with 2 draws of each model, and with the best number of draws."""

TABLE4: Mapping[str, tuple[float, float]] = MappingProxyType(
    {"math": (81.9, 82.3), "gpqa": (49.9, 44.9), "gsm8k": (93.7, 90.4)}
)
"""The best after scaling, and Qwen2.5 72B."""

FIGURE7: Mapping[str, Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "math": {
            "union": (61.0, 68.4, 69.2, 69.6, 71.2),
            "objective": (61.0, 66.1, 65.7, 64.7, 63.3),
        },
        "gpqa": {
            "union": (27.5, 40.5, 45.0, 46.7, 48.5),
            "objective": (27.5, 30.0, 24.5, 16.0, 7.5),
        },
        "gsm8k": {
            "union": (84.2, 88.4, 89.6, 89.6, 91.4),
            "objective": (84.2, 87.0, 86.3, 84.7, 82.9),
        },
    }
)
"""Of the best subsets of 1 .. 5 models on the problems that are searched; read off. Contradiction
is the difference of the two."""

FIGURE8: Mapping[str, Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "math": {
            "union": (73.6, 77.8, 79.6, 81.0, 82.0),
            "mux": (73.6, 76.0, 76.4, 76.6, 77.0),
        },
        "gpqa": {
            "union": (47.1, 64.7, 71.6, 75.9, 77.8),
            "mux": (47.1, 50.7, 50.2, 50.0, 48.4),
        },
        "gsm8k": {
            "union": (90.8, 94.2, 95.6, 96.6, 96.8),
            "mux": (90.8, 91.2, 91.2, 91.2, 91.2),
        },
    }
)
"""Of the same subsets on the problems that are measured; read off."""

FIRST_K = 2
"""The fewest draws of `FIGURE9`."""

FIGURE9: Mapping[str, Mapping[str, tuple[float, ...]]] = MappingProxyType(
    {
        "math": {
            "mux, group 1": (79.6, 80.0, 80.7, 81.3, 81.9, 81.4, 81.6, 81.3),
            "mux, group 2": (76.8, 77.5, 77.9, 78.4, 78.7, 79.5, 79.0, 79.1),
            "agent_forest, group 2": (72.3, 75.1, 77.1, 77.9, 78.3, 79.2, 79.0, 78.7),
        },
        "gpqa": {
            "mux, group 1": (49.1, 49.0, 49.8, 49.7, 49.7, 49.9, 49.9, 49.7),
            "mux, group 2": (46.3, 48.5, 48.3, 47.9, 47.5, 48.8, 48.0, 48.7),
            "agent_forest, group 2": (40.4, 43.4, 44.5, 45.1, 46.2, 46.8, 47.0, 47.6),
        },
        "gsm8k": {
            "mux, group 1": (92.1, 92.9, 93.3, 93.3, 93.3, 93.5, 93.3, 93.7),
            "mux, group 2": (82.1, 84.9, 85.5, 85.9, 85.2, 85.7, 85.7, 86.5),
            "agent_forest, group 2": (77.7, 81.2, 82.1, 83.1, 82.4, 84.1, 83.2, 84.3),
        },
    }
)
"""Accuracies for k = 2 .. 9 draws of each model; read off."""


def table1(task: str, method: str) -> Stated | None:
    """The accuracy of a method in table 1; None where the paper has none."""
    return _accuracy(task, TABLE1.get(task, {}).get(method), "Table 1")


def single(task: str, model: str) -> Stated | None:
    """The accuracy of one of table 1's models alone; None where the paper has none.

    Args:
        task: its name here.
        model: its name in examples/paper/stage1-vllm.yaml.
    """
    return _accuracy(task, SINGLES.get(task, {}).get(model), "with Table 1")


def table1_less(task: str, baseline: str) -> Stated | None:
    """What mux has more than a method in table 1."""
    mux, other = table1(task, "mux"), table1(task, baseline)
    return None if mux is None or other is None else less(mux, other)


def table2(task: str, group: int, *, composed: bool) -> Stated | None:
    """An accuracy of table 2: of a pair, or of its best single model.

    Args:
        task: its name here.
        group: 1 or 2.
        composed: the pair.
    """
    known = TABLE2.get(task)
    return None if known is None else _accuracy(task, known[group - 1][composed], "Table 2")


def table3(task: str, method: str, group: int, *, best: bool) -> Stated | None:
    """An accuracy of table 3, which is about group 2.

    Args:
        task: its name here.
        method: mux or agent_forest.
        group: 1 or 2.
        best: with the best number of draws, else with 2 of each model.
    """
    known = TABLE3.get(task, {}).get(method)
    return None if known is None or group != 2 else _accuracy(task, known[best], "Table 3")


def table4(task: str, *, large: bool) -> Stated | None:
    """An accuracy of table 4: of the large model, or the best after scaling."""
    known = TABLE4.get(task)
    return None if known is None else _accuracy(task, known[large], "Table 4")


def figure7(task: str, line: str, size: int) -> Stated | None:
    """A point of figure 7: union, objective or contradiction of the best subset of a size."""
    if line == "contradiction":
        union, objective = figure7(task, "union", size), figure7(task, "objective", size)
        return None if union is None or objective is None else less(union, objective)
    return _point(FIGURE7, task, line, size - 1, "Figure 7")


def figure8(task: str, line: str, size: int) -> Stated | None:
    """A point of figure 8: union, or mux's accuracy, of the best subset of a size."""
    return _measured(FIGURE8, task, line, size - 1, "Figure 8")


def figure9(task: str, method: str, group: int, k: int) -> Stated | None:
    """A point of figure 9: a method's accuracy with k draws of each model of a pair."""
    return _measured(FIGURE9, task, f"{method}, group {group}", k - FIRST_K, "Figure 9")


def less(first: Stated, second: Stated) -> Stated:
    """The difference of two figures of one table or plot; on how many problems is left out."""
    return Stated(
        value=round(first.value - second.value, 6),
        where=first.where,
        read_off=first.read_off or second.read_off,
    )


def _accuracy(task: str, percent: float | None, where: str) -> Stated | None:
    if percent is None:
        return None
    return Stated(value=round(percent / 100, 6), where=where, problems=PROBLEMS[task])


def _point(
    plot: Mapping[str, Mapping[str, tuple[float, ...]]], task: str, line: str, at: int, where: str
) -> Stated | None:
    values = plot.get(task, {}).get(line, ())
    if not 0 <= at < len(values):
        return None
    return Stated(value=round(values[at] / 100, 6), where=where, read_off=True)


def _measured(
    plot: Mapping[str, Mapping[str, tuple[float, ...]]], task: str, line: str, at: int, where: str
) -> Stated | None:
    """A point that is an accuracy on the measured problems."""
    found = _point(plot, task, line, at, where)
    return None if found is None else replace(found, problems=PROBLEMS[task])
