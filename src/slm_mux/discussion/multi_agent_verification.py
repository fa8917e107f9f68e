"""Multi-agent verification, BoN-MAV (Lifshitz et al. 2025, arXiv 2502.20379): approvals decide.

    1. Models answer on their own: the candidates.
    2. Each verifier reads the question and one candidate, and looks at one aspect of it.
    3. It approves or does not, after a short reason: correct or wrong.
    4. The candidate with the most approvals is the answer.

It follows the paper in that a verifier is a model with an aspect, in that it judges a candidate
without a reference answer and without the other candidates, in that approvals count alike, and in
that all verdicts are independent draws. It departs in these: the members of the pool both give
candidates and verify them, where the paper verifies several samples of one model (name it in
`generators`, set `candidates`, and name others in `verifiers` for that); every verifier looks at
every aspect, where the paper keeps the pairs that do well on a validation set; and candidates with
the same text are verified once and share the verdicts, since who gave them is not shown.

What follows from a breach:

- failed, silent, unreadable: a candidate is not verified and cannot win; a verdict that failed or
  says nothing is no approval, and stays among those that were asked for;
- unclear_verdict: the same of a verifier that says neither;
- cut: a candidate is too long for a verifier's context; its beginning is left out.

Ties: of the candidates with the most approvals the one whose answer more candidates have, then the
one whose model has the better record, then the lower draw. So where no verifier can be heard at
all, the candidates' vote decides.
"""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
from msgspec import Struct

from slm_mux.discussion.aspects import ASPECTS, ASPECTS_EACH, aspects_of
from slm_mux.discussion.base import Discussion, Say, Speaker, Topic
from slm_mux.discussion.breaches import CUT, UNCLEAR_VERDICT
from slm_mux.discussion.candidates import (
    Candidate,
    Candidates,
    ask_for_candidates,
    candidate_count,
)
from slm_mux.discussion.checking import check_at_least, check_members, check_once
from slm_mux.discussion.judging import judged_by, judging
from slm_mux.discussion.prompts import joined
from slm_mux.discussion.quoting import fitted, room_left
from slm_mux.discussion.room import Room
from slm_mux.discussion.sizes import size_of
from slm_mux.discussion.verdicts import VerdictKind
from slm_mux.errors import InvalidRequestError
from slm_mux.questions import check_name
from slm_mux.steps import APPROVED, VERIFY
from slm_mux.types import Message

SOLUTION = (
    "{question}\n\nSomebody else wrote this solution:\n\n[Solution]\n{text}\n[End of Solution]"
)
"""Puts the question and the candidate first, so that all aspects of it share what is cached, and
sets it apart by a mark that programs and formulas do not hold."""
REQUEST = (
    "Do not solve the question again. Only check one thing about the solution: {aspect} Look for a "
    "mistake first, in one or two sentences."
)
"""Asks for one aspect. A small model would rather solve the question once more than judge: of 24
prompts without the first sentence and the last, a 0.5B model did so for 6."""


class MultiAgentVerification(Struct, frozen=True, kw_only=True):
    """Verifiers approve candidates aspect by aspect; see the module."""

    candidates: int | None = None
    """How many, >= 1; None: one of each generator."""
    generators: list[str] | None = None
    """Members that give candidates; None: all."""
    verifiers: list[str] | None = None
    """Members that verify them; None: all."""
    aspects: list[str] | None = None
    """What they look at, by name, of `slm_mux.discussion.aspects.ASPECTS`; None: what suits the
    question's kind."""

    @property
    def name(self) -> str:
        """The method's name."""
        return "multi_agent_verification"

    def settings(self) -> dict[str, Any]:
        """Its settings as plain JSON values."""
        plain: dict[str, Any] = msgspec.to_builtins(self)
        return plain

    def check(self, names: Sequence[str]) -> None:
        """See whether a pool can do it.

        Raises:
            InvalidRequestError: fewer than 1 candidate, a member or an aspect that is not there, or
                one named twice.
        """
        check_at_least(self.name, "candidates", self.candidates, 1)
        if self.generators is not None:
            check_members(self.name, "generators", self.generators, names)
            check_once(self.name, "generators", self.generators)
        if self.verifiers is not None:
            check_members(self.name, "verifiers", self.verifiers, names)
            check_once(self.name, "verifiers", self.verifiers)
        if self.aspects is not None:
            self._check_aspects(self.aspects)

    def _check_aspects(self, aspects: Sequence[str]) -> None:
        if not aspects:
            raise InvalidRequestError(f"{self.name}: aspects is empty; name one or more")
        for aspect in aspects:
            check_name("aspect", aspect, tuple(ASPECTS))
        check_once(self.name, "aspects", aspects)

    def calls(self, names: Sequence[str]) -> int:
        """The candidates, and of each a verdict of every verifier on every aspect."""
        count = candidate_count(self.candidates, self.generators, names)
        verifiers = len(names if self.verifiers is None else self.verifiers)
        aspects = ASPECTS_EACH if self.aspects is None else len(self.aspects)
        return count * (1 + verifiers * aspects)

    async def discuss(self, topic: Topic, room: Room) -> Discussion:
        """Have one question answered, and the answers verified."""
        candidates = await ask_for_candidates(
            topic, room, candidates=self.candidates, generators=self.generators
        )
        if not candidates.readable:
            return room.ended(self.name, decided_by="no readable candidate", turn=None)
        aspects = aspects_of(topic.kind) if self.aspects is None else self.aspects
        verifiers = [
            judging(speaker)
            for speaker in topic.speakers
            if self.verifiers is None or speaker.name in self.verifiers
        ]
        asked = len(verifiers) * len(aspects)
        approvals = await _approvals(topic, room, candidates.readable, verifiers, aspects)
        most = max(approvals.values())
        leaders = [one for one in candidates.readable if approvals[one.text] == most]
        chosen = candidates.voted(leaders)
        return room.ended(
            self.name,
            decided_by=_decided_by(candidates, leaders, chosen, f"{most} of {asked}"),
            turn=chosen.turn,
            confidence=most / asked,
        )


async def _approvals(
    topic: Topic,
    room: Room,
    candidates: Sequence[Candidate],
    verifiers: Sequence[Speaker],
    aspects: Sequence[str],
) -> Mapping[str, int]:
    """Have everything verified at once; gives the approvals by a candidate's text."""
    alike: dict[str, list[int]] = defaultdict(list)
    for one in candidates:
        alike[one.text].append(one.turn.index)
    reader = VerdictKind()
    says, about = [], []
    for text, turns in alike.items():
        for verifier in verifiers:
            for aspect in aspects:
                messages, cut = _messages(verifier, topic, text, aspect, reader)
                if cut:
                    room.breaches[CUT] += 1
                says.append(
                    Say(
                        speaker=verifier,
                        step=VERIFY + aspect,
                        messages=messages,
                        heard=tuple(turns),
                        reader=reader,
                    )
                )
                about.append(text)
    approvals = Counter(dict.fromkeys(alike, 0))
    for text, turn in zip(about, await room.hear(says), strict=True):
        if turn.answer is not None:
            approvals[text] += turn.answer.key == APPROVED
        elif turn.text is not None:
            room.breaches[UNCLEAR_VERDICT] += 1
    return approvals


def _messages(
    verifier: Speaker, topic: Topic, text: str, aspect: str, reader: VerdictKind
) -> tuple[tuple[Message, ...], bool]:
    """Write what a verifier is asked; also whether the candidate had to be cut."""

    def showing(text: str) -> tuple[Message, ...]:
        solution = SOLUTION.format(question=topic.question, text=text)
        request = f"{REQUEST.format(aspect=ASPECTS[aspect])} {reader.instruction()}"
        return judged_by(verifier, joined(solution, request))

    (text,), cut = fitted([text], room_left(verifier, size_of(showing(""))))
    return showing(text), cut


def _decided_by(
    candidates: Candidates, leaders: Sequence[Candidate], chosen: Candidate, share: str
) -> str:
    """Say what decided between the candidates with the most approvals."""
    by = f"most approvals ({share})"
    rivals = [one for one in leaders if one.answer.key != chosen.answer.key]
    if not rivals:
        return by
    votes = candidates.votes(chosen)
    tie = "vote" if all(candidates.votes(one) < votes for one in rivals) else "record"
    return f"{by}; tie: {tie}"
