"""Why it works, where it does: the paper's reading, and which questions a model gets right."""

from collections.abc import Mapping
from typing import Any

from slm_mux.reports.charts.bars import bars
from slm_mux.reports.charts.base import Chart, Panel, Table, unavailable
from slm_mux.reports.charts.lines import lines
from slm_mux.reports.naming import METHODS, Look
from slm_mux.reports.numbers import percent

_READINGS = {
    "mux": METHODS["mux"],
    "max_model": Look(
        name="A(k, p of the best model per question)", colour="sky", shape="square", dash=(3, 3)
    ),
    "agent_forest": METHODS["agent_forest"],
    "mean_model": Look(
        name="A(k, mean p of the models)", colour="purple", shape="diamond", dash=(2, 4)
    ),
}

_TYPES = {
    "always": ("always right", "blue"),
    "mostly": ("mostly right", "sky"),
    "half": ("half the time", "grey"),
    "seldom": ("seldom right", "amber"),
    "never": ("never right", "vermillion"),
}


def readings(document: Mapping[str, Any]) -> Chart:
    """Draw the majority law's two readings beside what is observed."""
    name, title = "majority-law", "The paper's explanation, and what is observed"
    scale = document["scale"]
    if scale is None:
        return unavailable(name, title, document["missing"]["scale"])
    found = scale["chosen"]["readings"]
    if scale["n"] < 2:
        return unavailable(name, title, "there is one draw of each model, so no majority")
    if len(scale["chosen"]["models"]) < 2:
        return unavailable(name, title, "one model is chosen, so the two readings are the same")
    rows = [
        {
            "series": look.name,
            "x": row["k"],
            "y": row[key],
            "label": f"k = {row['k']}, {look.name}: {percent(row[key])}",
        }
        for key, look in _READINGS.items()
        for row in found
        if row[key] is not None
    ]
    return Chart(
        name=name,
        title=title,
        caption="A(k, p) is the chance that a majority of k draws is right when each is right with "
        "chance p. The paper reads SLM-MUX as A with the best model's p on each question, and a "
        "pooled vote as A with the models' mean p. p is measured on the same draws, so these are "
        "readings, not bounds.",
        panels=(
            Panel(
                spec=lines(
                    rows,
                    list(_READINGS.values()),
                    x_title="draws of each model (k)",
                    y_title="accuracy",
                ),
                description="Readings and observations: "
                + "; ".join(row["label"] for row in rows if row["x"] == found[-1]["k"]),
            ),
        ),
        table=Table(
            columns=(
                "k",
                "SLM-MUX",
                "A(k, best p)",
                "Agent Forest",
                "A(k, mean p)",
                "best model's majority",
                "A(k, its p)",
            ),
            rows=tuple(
                (
                    str(row["k"]),
                    *(
                        percent(row[key])
                        for key in (
                            "mux",
                            "max_model",
                            "agent_forest",
                            "mean_model",
                            "self_consistency_at_k",
                            "best_single",
                        )
                    ),
                )
                for row in found
            ),
        ),
    )


def questions(document: Mapping[str, Any]) -> Chart:
    """Draw for each model the shares of questions that it gets right always, mostly, never."""
    name, title = "question-types", "Which questions more draws can help"
    scale = document["scale"]
    if scale is None:
        return unavailable(name, title, document["missing"]["scale"])
    if scale["n"] < 2:
        return unavailable(name, title, "with one draw, a model is right or it is not")
    rows = [
        {
            "name": model["model"],
            "written": f"{percent(model['questions']['mostly'])} mostly right",
            **{words: model["questions"][key] for key, (words, _) in _TYPES.items()},
            **{
                f"label {words}": f"{model['model']}, {words}: {percent(model['questions'][key])}"
                for key, (words, _) in _TYPES.items()
            },
        }
        for model in scale["models"]
    ]
    return Chart(
        name=name,
        title=title,
        caption=f"Questions by how many of a model's {scale['n']} draws are right. Voting among "
        "more draws helps where it is mostly right, and harms where it is seldom right; where it "
        "is never right, only another model helps.",
        panels=(
            Panel(
                spec=bars(
                    rows,
                    dict(_TYPES.values()),
                    x_title="share of the problems",
                    share=True,
                ),
                description="Question types by model: "
                + "; ".join(f"{row['name']}: {row['written']}" for row in rows),
            ),
        ),
        table=Table(
            columns=("model", *(words for words, _ in _TYPES.values()), "below half"),
            rows=tuple(
                (
                    model["model"],
                    *(percent(model["questions"][key]) for key in _TYPES),
                    percent(model["questions"]["below_half"]),
                )
                for model in scale["models"]
            ),
        ),
    )
