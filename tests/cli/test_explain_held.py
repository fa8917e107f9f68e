"""`slm-mux explain` on discussions that were held, over endpoints on the loopback."""

import hashlib
import json
from collections import Counter
from pathlib import Path
from typing import Any

from aiohttp import web

from slm_mux.steps import AGGREGATE, APPROVED, CANDIDATE, CHOICE, LAYER, REJECTED, ROUND, VERIFY
from slm_mux.store import Store
from tests.cli.running import pool_file, slm_mux
from tests.cli.test_eval_live import live
from tests.endpoints import Behaviour, FakeEndpoint, answers, serving
from tests.evaluation.making import rows

PROBLEMS = 12


def of_many_minds(name: str) -> Behaviour:
    """Answer 6, 7 or 8, correct or wrong, or with a number, by what was asked and of whom."""

    async def answer(
        fake: FakeEndpoint, request: web.Request, asked: dict[str, Any]
    ) -> web.StreamResponse:
        content = asked["messages"][-1]["content"]
        digest = hashlib.blake2b(json.dumps([name, asked["messages"]]).encode()).digest()[0]
        if f'"Answer: {APPROVED}"' in content:
            said = (APPROVED, REJECTED, "perhaps")[digest % 3]
        elif '"Answer: Response"' in content:
            said = f"Response {digest % 3 + 1}"
        else:
            # Long enough that replies have to be summed up where contexts are short.
            said = f"{'well, ' * 60}\\boxed{{{(6, 7, 7, 8)[digest % 4]}}}"
        return await answers(f"Answer: {said}")(fake, request, asked)

    return answer


async def test_all_methods_held_and_explained(tmp_path: Path) -> None:
    """What is explained of every method agrees with its figures in the run."""
    async with serving() as one, serving() as two, serving() as three:
        for name, fake in (("one", one), ("two", two), ("three", three)):
            fake.always = of_many_minds(name)
        pool_file(tmp_path, one.url, two.url, three.url, samples=2)
        pool = tmp_path / "pool.yaml"
        pool.write_text(
            pool.read_text().replace(
                "    model: m\n", "    model: m\n    context: 600\n    max_tokens: 200\n", 1
            )
            + "methods:\n  debate: {rounds: 3}\n"
        )
        shown = await live(tmp_path, "--method", "all", count=PROBLEMS)
    assert shown.code == 0, shown.err
    found = rows(shown.document)
    explained = (await slm_mux("explain", "1", "--worst", "1", "--json", cwd=tmp_path)).document
    discussions = explained["discussions"]
    assert explained["notes"] == []
    assert explained["mux"]["problems"] - explained["mux"]["wrong"] == found["mux"]["correct"]
    for method, one_method in discussions.items():
        assert (one_method["problems"], one_method["reason"]) == (PROBLEMS, None)
        assert one_method["right"] == found[method]["correct"]
        failures = one_method["failures"]
        assert failures["wrong"] == PROBLEMS - one_method["right"]
        assert sum(kind["count"] for kind in failures["kinds"]) == failures["wrong"]
        assert len(explained["worst"][method]) == min(1, failures["wrong"])
    debate = discussions["debate"]
    assert [row["round"] for row in debate["rounds"]] == [1, 2, 3]
    assert debate["rounds"][-1]["group"]["count"] == debate["right"]
    assert debate["moves"]["moves"] == PROBLEMS * 3 * 2
    assert debate["breaches"]["summarised"] > 0
    # Who reads a summary has heard both others.
    assert {len(one["heard"]) for each in debate["questions"] for one in each["changes"]} == {2}
    mixture = discussions["mixture_of_agents"]
    assert [len(row) for row in mixture["questions"][0]["rounds"]] == [3, 3]
    assert mixture["decided"]["count"] == PROBLEMS
    verification = discussions["multi_agent_verification"]
    approvals = verification["approvals"]
    # Each verifier looks at each aspect of each text; the same text is looked at once.
    verdicts = approvals["right"]["total"] + approvals["wrong"]["total"]
    assert (verdicts % 9, verdicts <= PROBLEMS * 27) == (0, True)
    approved = approvals["right"]["count"] + approvals["wrong"]["count"]
    assert 0 < approved < verdicts - approvals["unclear"] < verdicts
    assert len(verification["by_verifier"]) == len(verification["by_aspect"]) == 3
    picked = discussions["universal_self_consistency"]
    assert picked["invented"]["count"] == 0
    page = await slm_mux("explain", "1", "--worst", "1", cwd=tmp_path)
    assert (page.code, page.err) == (0, "")

    with Store.open(tmp_path / "samples.db") as store:
        run = store.run(1)
    steps = Counter(
        turn["step"].split()[0]
        for method in run["discussions"].values()
        for one_problem in method["problems"].values()
        for turn in one_problem["turns"]
    )
    assert set(steps) <= {ROUND, LAYER, AGGREGATE, CHOICE, CANDIDATE, VERIFY.strip()}


async def test_a_method_without_figures(tmp_path: Path) -> None:
    """Where a discussion was not to be had, the run's reason is told."""
    async with serving() as one:
        one.always = answers("\\boxed{7}")
        pool_file(tmp_path, one.url, samples=1)
        await live(tmp_path)
        shown = await live(tmp_path, "--method", "debate", "--offline")
        assert shown.code == 0, shown.err
    page = await slm_mux("explain", str(shown.document["run"]), cwd=tmp_path)
    assert page.code == 0, page.err
    assert "debate: not explained: 4 of 4 problems' discussions are not in the store" in page.out
