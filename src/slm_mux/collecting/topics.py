"""A task's problem as models discuss it: who may speak, with which opening, ranked how."""

from collections.abc import Sequence

from slm_mux.answers.prompt import prompt_messages
from slm_mux.answers.text import TextKind
from slm_mux.collecting.asking import Settings, asking
from slm_mux.discussion.base import Speaker, Topic
from slm_mux.models.base import identity_of
from slm_mux.models.pool import Member
from slm_mux.readers import Readers
from slm_mux.sampling.seeds import problem_id
from slm_mux.types import Problem
from slm_mux.voting import rank_by_record


class TopicMaker:
    """Makes the topics of a pool; every opening is what the member's plain draws are asked.

    Args:
        members: of the pool, in order, at least one.
        seed: what the draws' own seeds derive from.
        settings: over the members' own.
        readers: of answer kinds.
        accuracies: what ranks the members, one for each; None where there is none.
    """

    def __init__(
        self,
        members: Sequence[Member],
        *,
        seed: int,
        settings: Settings,
        readers: Readers,
        accuracies: Sequence[float | None],
    ) -> None:
        self._members = tuple(members)
        self._seed = seed
        self._settings = settings
        self._readers = readers
        self._accuracies = tuple(accuracies)
        # Looking up an embedded model's may mean hashing its file.
        self._identities = [identity_of(member.model) for member in members]
        self._contexts: list[int | None] = [
            getattr(member.model, "context", None) for member in members
        ]

    def of(self, problem: Problem) -> Topic:
        """Make the topic of a problem.

        Raises:
            InvalidRequestError: as reading its kind of answer does.
        """
        conversation = ({"role": "user", "content": problem.question},)
        # Free text asks for no form, so what is left is the question with its choices.
        shown = prompt_messages(conversation, TextKind(), choices=problem.choices)
        return Topic(
            conversation=conversation,
            question=str(shown[-1]["content"]),
            kind=problem.kind,
            speakers=tuple(self._speaker(place, problem) for place in range(len(self._members))),
            ranking=tuple(rank_by_record(self._accuracies)),
            problem=problem_id(conversation),
        )

    def _speaker(self, place: int, problem: Problem) -> Speaker:
        member = self._members[place]
        asked = asking(
            member,
            problem,
            k=1,
            seed=self._seed,
            settings=self._settings,
            readers=self._readers,
            identity=self._identities[place],
        )
        return Speaker(
            model=member.model,
            generation=asked.plan.generation,
            opening=asked.plan.messages,
            reader=asked.kind,
            identity=asked.series.identity,
            style=member.style,
            validation_accuracy=self._accuracies[place],
            context=self._contexts[place],
        )
