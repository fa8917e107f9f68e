"""Programming problems of our own, with right and wrong programs."""

from slm_mux.types import CodeSpec

WIDEST = CodeSpec(
    prompt=(
        "from typing import List\n\n\n"
        "def widest_gap(heights: List[int]) -> int:\n"
        '    """The largest difference between two heights that stand next to each other.\n'
        "    With fewer than two heights it is 0.\n"
        "    >>> widest_gap([3, 8, 6])\n"
        "    5\n"
        "    >>> widest_gap([4])\n"
        "    0\n"
        '    """\n'
    ),
    entry_point="widest_gap",
    tests=(
        "def check(candidate):\n"
        "    assert candidate([3, 8, 6]) == 5\n"
        "    assert candidate([]) == 0\n"
        "    assert candidate([9, 1, 1, 2]) == 8\n"
        "    assert candidate([1, 2, 40]) == 38\n"
    ),
)
RIGHT = "    return max((abs(a - b) for a, b in zip(heights, heights[1:])), default=0)\n"
SAME = (
    "def widest_gap(heights):\n"
    "    best = 0\n"
    "    for i in range(1, len(heights)):\n"
    "        best = max(best, abs(heights[i] - heights[i - 1]))\n"
    "    return float(best)\n"
)
WRONG = SAME.replace("abs(heights[i] - heights[i - 1])", "heights[i] - heights[i - 1]")

SHOUT = CodeSpec(
    prompt=(
        "def loud(text: str, times: int = 1) -> str:\n"
        '    """Write text in capitals with an exclamation mark: loud("a b") == "A B!"."""\n'
    ),
    entry_point="loud",
    tests='def check(f):\n    assert f("x") == "X!"\n    assert f("") == "!"\n',
)
TALLY = CodeSpec(
    prompt=(
        "import collections\n\n"
        "LIMIT = 2\n\n"
        "def is_short(word: str) -> bool:\n"
        '    """Whether a word has at most LIMIT letters."""\n'
        "    return len(word) <= LIMIT\n\n\n"
        "def tally(words):\n"
        '    """How often each short word occurs.\n'
        "    tally(['a', 'bcd', 'a']) ➞ {'a': 2}\n"
        '    """\n'
    ),
    entry_point="tally",
    tests=(
        "def check(candidate):\n"
        "    words = ['a', 'bcd', 'a', 'be']\n"
        "    assert candidate(words) == {w: words.count(w) for w in words if is_short(w)}\n"
    ),
)
TALLIED = (
    "def tally(words):\n    return collections.Counter(word for word in words if is_short(word))\n"
)
SORTED = CodeSpec(
    prompt='def order(items: list) -> None:\n    """Sort items in place, e.g. order([2, 1])."""\n',
    entry_point="order",
    tests=(
        "def check(candidate):\n"
        "    items = [3, 1, 2]\n"
        "    assert candidate(items) is None\n"
        "    assert items == [1, 2, 3]\n"
    ),
)
REFUSES = CodeSpec(
    prompt=(
        "def root(square: int) -> int:\n"
        '    """The whole square root; ValueError where there is none. root(9) is 3."""\n'
    ),
    entry_point="root",
    tests=(
        "def check(candidate):\n"
        "    assert candidate(49) == 7\n"
        "    try:\n"
        "        candidate(8)\n"
        "    except ValueError:\n"
        "        return\n"
        "    raise AssertionError\n"
    ),
)
ROOT = (
    "import math\n"
    "class NoRoot(ValueError): pass\n"
    "def root(square):\n"
    "    if square < 0 or math.isqrt(square) ** 2 != square: raise NoRoot(square)\n"
    "    return math.isqrt(square)\n"
)


def fenced(source: str, language: str = "python") -> str:
    return f"Here it is:\n\n```{language}\n{source}```\nIt works."
