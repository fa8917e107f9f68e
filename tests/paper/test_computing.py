"""What the exhibits come to, on a task that can be worked out by hand; see `DRAWN`."""

from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from slm_mux.errors import InvalidRequestError
from slm_mux.evaluation.discussed import judge
from slm_mux.evaluation.evaluate import describe
from slm_mux.models.base import Generation
from slm_mux.models.embedded import EmbeddedEngine, EmbeddedModel
from slm_mux.models.openai import OpenAIModel
from slm_mux.models.pool import Member
from slm_mux.models.scripted import ScriptedModel
from slm_mux.paper import figures
from slm_mux.paper.choosing import best_by_size, groups
from slm_mux.paper.computing import found_in, found_of, members_to_measure, prepared_for
from slm_mux.paper.describing import quantisation, section
from slm_mux.paper.methods import table1, temperatures
from slm_mux.paper.pairs import of_paper, other_pairs
from slm_mux.paper.sections import Found
from tests.evaluation.making import pool_of
from tests.paper.making import POOL, drawn, planned, toy


def shown(found: Found) -> dict[str, dict[str, Any]]:
    """By block and label: the row."""
    return {
        f"{block.title}: {row.label}": row.document()
        for block in found.blocks
        for row in block.rows
    }


def values(found: Found) -> list[list[float | None]]:
    """By block: ours, to three digits."""
    return [
        [None if row.value is None else round(row.value, 3) for row in block.rows]
        for block in found.blocks
    ]


def test_the_pairs(tmp_path: Path) -> None:
    """The two best by the objective, ties by pool order."""
    with drawn(tmp_path / "s.db") as source:
        searched = source.searched(planned("table2"))
        assert groups(searched, None) == {1: ("a", "b"), 2: ("b", "c")}
        assert best_by_size(searched) == {1: ("a",), 2: ("a", "b"), 3: ("a", "b", "c")}
        assert members_to_measure(source, planned("table2")) == ["a", "b", "c"]
        assert members_to_measure(source, planned("table1")) == ["a"]


def test_a_pair_of_the_paper_takes_its_place(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the names of its models: what the search has first may be the paper's group 2."""
    monkeypatch.setattr(figures, "PAIRS", {})
    from slm_mux.paper import choosing

    monkeypatch.setattr(choosing, "PAIRS", {"toy": (("x", "y"), ("b", "a"))})
    with drawn(tmp_path / "s.db") as source:
        searched = source.searched(planned("table2"))
        assert groups(searched, "toy") == {1: ("b", "c"), 2: ("a", "b")}
        two = replace(searched, table=searched.table.restrict(models=["a", "b"]))
        assert groups(two, "toy") == {2: ("a", "b")}
        assert groups(two, None) == {1: ("a", "b")}


def test_table_1(tmp_path: Path) -> None:
    """An evaluation of the measured problems, ranked by the validation split."""
    made = planned("table1", lines=("mux", "single", "self_consistency"))
    with drawn(tmp_path / "s.db") as source:
        prepared = prepared_for(source, made)
        document = describe(
            source.store, prepared, judge(prepared, (), store=source.store, scorer=source.scorer)
        )
        found = found_of(made, prepared, document)
    assert values(found) == [[0.75, 0.75, 0.75, None], [0.0, 0.0, None]]
    row = shown(found)["accuracy: self_consistency of 9 draws, as mux"]
    assert row["reason"] == "a: 9 draws are needed, and there are 3"
    assert (found.measured, found.searched, found.k) == (4, 4, 3)
    assert {one["model"]: one["accuracy"] for one in found.ranking} == {
        "a": 0.5,
        "b": 0.25,
        "c": 0.5,
    }


def test_lines_that_are_left_out(tmp_path: Path) -> None:
    """Without mux nothing is compared with it."""
    made = planned("table1", lines=("single",))
    with drawn(tmp_path / "s.db") as source:
        prepared = prepared_for(source, made)
        document = describe(source.store, prepared)
    found = found_of(made, prepared, document)
    assert [(block.title, len(block.rows)) for block in found.blocks] == [("accuracy", 1)]


def test_table_2(tmp_path: Path) -> None:
    """The best of the pair on validation by one draw, the pair, and the paired gain."""
    with drawn(tmp_path / "s.db") as source:
        found = found_in(source, planned("table2"))
    assert values(found) == [[0.75, 0.75, 0.0], [0.25, 0.25, 0.0]]
    single, pair = (shown(found)[f"group 1: {name}"] for name in ("best single model", "composed"))
    assert single["models"] == ["a"]
    assert [(row["draws"], row["tokens"]) for row in (single, pair)] == [(1, 15), (6, 90)]
    assert (found.measured, found.searched, found.k, found.search_k) == (4, 4, 3, 3)


def test_whose_pair_the_papers_figures_are_of() -> None:
    """The title says it where it is not ours, and a note where the models are the paper's."""
    theirs = planned("table2", task=toy("math"), pool=pool_of("qwen2.5-7b", "llama-3.1-8b"))
    pair = ("qwen2.5-7b", "llama-3.1-8b")
    assert of_paper(theirs, 2, pair) == ""
    assert of_paper(theirs, 1, pair) == " (the paper: Mistral Small 24B, Qwen2.5 7B)"
    assert of_paper(planned("table2"), 1, ("a", "b")) == ""
    (said,) = other_pairs(theirs, {1: pair, 2: pair})
    assert said == (
        "group 1: the search chose Qwen2.5 7B, Llama 3.1 8B here and Mistral Small 24B, Qwen2.5 7B "
        "in the paper, so the paper's figures are of another pair than ours"
    )
    assert other_pairs(planned("table2", task=toy("math")), {1: ("a", "b")}) == []


def test_the_papers_single_models() -> None:
    """Each that is in the pool stands alone; that the paper's are at temperature 0 is said."""
    llama: dict[str, Any] = {"llama-3.1-8b": {"generation": Generation(temperature=0.3)}}
    pool = pool_of("a", **llama)
    made = planned("table1", task=toy("gsm8k"), pool=pool, lines=("single",))
    alone = {"accuracy": 0.5, "ci95": [0.2, 0.8], "draws": 1, "tokens_per_problem": 9.0}
    single = alone | {"method": "single", "samples_per_problem": 1.0}
    document = {
        "methods": [single | {"per_model": {"a": alone, "llama-3.1-8b": alone}}],
        "differences": [],
        "models": ["a", "llama-3.1-8b"],
        "k": 3,
    }
    (block,) = table1(made, document)
    assert [row.label for row in block.rows] == [
        "single: one draw of the best on validation",
        "single: llama-3.1-8b",
    ]
    assert block.rows[1].paper == figures.Stated(value=0.842, where="with Table 1", problems=500)
    (said,) = temperatures(made)
    assert "single models are at temperature 0, ours at one that is not set and 0.3" in said
    assert temperatures(planned("table1")) == []
    cold = pool_of(a={"generation": Generation(temperature=0.0)})
    assert temperatures(planned("table1", task=toy("gsm8k"), pool=cold)) == []


def test_a_pool_of_two_has_one_pair(tmp_path: Path) -> None:
    """The second group says so."""
    pool = pool_of("a", "b", samples=3)
    with drawn(tmp_path / "s.db", pool) as source:
        for exhibit in ("table2", "table3", "figure9"):
            found = found_in(source, planned(exhibit, pool=pool, samples=3))
            reasons = [row.reason for block in found.blocks for row in block.rows if row.reason]
            assert set(reasons) == {"there is one pair to choose, so no second one"}


def test_table_3_and_figure_9(tmp_path: Path) -> None:
    """The ends of the curves are the table; one method alone has no difference."""
    with drawn(tmp_path / "s.db") as source:
        curves = found_in(source, planned("figure9", samples=3))
        table = found_in(source, planned("table3", samples=3))
        alone = found_in(source, planned("table3", samples=3, lines=("mux",)))
    lines = {block.title: [row.value for row in block.rows] for block in curves.blocks}
    mux, forest = lines["mux, group 1: a, b"], lines["Agent Forest, group 1: a, b"]
    assert [len(mux), len(forest)] == [2, 2]
    first = [row.value for row in table.blocks[0].rows]
    assert first[:2] == [mux[0], forest[0]]
    assert first[2] == pytest.approx(mux[0] - forest[0])  # type: ignore[operator]
    assert first[3:] == [max(mux), max(forest)]  # type: ignore[type-var]
    assert [row.label for row in alone.blocks[0].rows] == ["mux, k = 2", "mux, the best k (2)"]
    assert [row.tokens for row in curves.blocks[0].rows] == [60, 90]


def test_table_4(tmp_path: Path) -> None:
    """The best pair and k; with a large model its mean draw, and the paired difference."""
    with drawn(tmp_path / "s.db") as source:
        none = found_in(source, planned("table4", samples=3))
        made = planned("table4", samples=3, large="c")
        found = found_in(source, made)
    assert [row.value is None for row in none.blocks[0].rows] == [False, True]
    best, large, less = found.blocks[0].rows
    assert large.value == 0.25
    assert best.value is not None
    assert less.value == pytest.approx(best.value - 0.25)
    assert best.models == ("a", "b")
    assert (best.draws, best.tokens, large.tokens) == (4, 60, 15)


def test_figure_7_and_8(tmp_path: Path) -> None:
    """Objective, union and contradiction where it was searched; accuracy and union where not."""
    with drawn(tmp_path / "s.db") as source:
        seven = found_in(source, planned("figure7"))
        eight = found_in(source, planned("figure8"))
        one = found_in(source, planned("figure8", lines=("union",)))
    assert values(seven) == [[0.5, 0.75, 0.5], [0.5, 0.75, 1.0], [0.0, 0.0, 0.5]]
    assert (seven.measured, seven.k, seven.search_k) == (None, None, 3)
    assert values(eight)[1] == [0.75, 1.0, 1.0]
    assert values(one) == values(eight)[1:]
    assert [row.tokens for row in eight.blocks[0].rows] == [45, 90, 135]


def test_fewer_draws_than_wanted(tmp_path: Path) -> None:
    """Offline the store's draws serve, and that is said; a number that is asked for is exact."""
    with drawn(tmp_path / "s.db") as source:
        found = found_in(source, planned("figure9", pool=POOL, offline=True))
        assert found.k == 3
        more = found_in(
            source, planned("figure8", pool=pool_of("a", "b", "c", samples=5), offline=True)
        )
        assert more.k == 3
        made = planned("figure8", samples=4, offline=True)
        with pytest.raises(InvalidRequestError, match="no problem of it has 4 draws"):
            found_in(source, made)


def test_samples_that_are_missing(tmp_path: Path) -> None:
    """A member without samples is named."""
    with (
        drawn(tmp_path / "s.db", pool_of("a", "b", samples=3)) as source,
        pytest.raises(InvalidRequestError, match="validation.*no samples of c"),
    ):
        found_in(source, planned("table2"))


def test_a_section_says_its_conditions(tmp_path: Path) -> None:
    """Models, draws, problems, seed, and what ranks; a gap has conditions too."""
    made = planned("table2", seed=0)
    with drawn(tmp_path / "s.db") as source:
        document = section(made, found_in(source, made))
    conditions = document["conditions"]
    assert (conditions["problems"], conditions["validation_problems"]) == (4, 4)
    assert (conditions["k"], conditions["validation_k"], conditions["seed"]) == (3, 3, 0)
    assert [one["name"] for one in conditions["models"]] == ["a", "b", "c"]
    assert {one["source"] for one in conditions["ranking"]} == {"the validation split in the store"}
    gap = section(made, None, "there is nothing")
    assert (gap["gap"], gap["blocks"], gap["conditions"]["k"]) == ("there is nothing", [], 3)


def test_quantisation_as_far_as_known() -> None:
    """From the catalogue, a file's name, or the name an endpoint serves; else not known."""

    def of(model: Any) -> str:
        return quantisation(Member(model=model))

    def embedded(source: str) -> EmbeddedModel:
        return EmbeddedModel("m", engine=EmbeddedEngine(source))

    def served(name: str) -> OpenAIModel:
        return OpenAIModel("m", model=name, url="http://127.0.0.1:9/v1")

    assert of(embedded("builtin:smollm2-135m")) == "Q4_1"
    assert of(embedded("/models/q8_things/Some-7B.Q5_K_S.gguf")) == "Q5_K_S"
    assert of(embedded("hf:a/b@main/c-iq4_xs.gguf")) == "IQ4_XS"
    assert of(served("Qwen/Qwen2.5-7B-Instruct-AWQ")) == "AWQ"
    assert of(served("qwen2.5:7b-instruct-q4_K_M")) == "Q4_K_M"
    assert of(served("qwen2.5-7b")) == "not known"
    assert of(ScriptedModel("m", [""])) == "not known"
