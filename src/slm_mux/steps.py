"""The words by which the turns of a discussion are known, in the store and in documents.

The methods write them, and what takes a discussion apart finds its turns by them.
"""

ROUND = "round"
"""Begins the steps of a debate; the number follows."""
SUMMARY = ": summary"
"""Ends the step of a turn that sums up what others wrote, after the step that it is for."""
LAYER = "layer"
"""Begins the steps of a mixture of agents; the number follows."""
AGGREGATE = "aggregate"
"""The turn of a mixture of agents that writes the answer."""
CANDIDATE = "candidate"
"""An answer that can be picked."""
CHOICE = "choice"
"""The turn that picks one."""
VERIFY = "verify: "
"""Begins the steps of verdicts; the aspect's name follows."""
APPROVED = "correct"
"""The key of a verdict that approves."""
REJECTED = "wrong"
"""The key of one that does not."""


def sums_up(step: str) -> bool:
    """Whether the turns of a step sum up what others wrote: their answer is all their text."""
    return step.endswith(SUMMARY)
