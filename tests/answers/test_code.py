"""Programs as answers: compared by behaviour, graded by hidden tests."""

import pytest

from slm_mux.answers import code, make_kind
from slm_mux.answers.code import CodeKind, grade
from slm_mux.errors import InvalidRequestError
from slm_mux.provisional import watching
from slm_mux.questions import understand
from slm_mux.sandbox import Limits, shared_sandbox
from slm_mux.types import CodeSpec
from slm_mux.voting import vote
from tests.answers.programs import (
    REFUSES,
    RIGHT,
    ROOT,
    SAME,
    SHOUT,
    SORTED,
    TALLIED,
    TALLY,
    WIDEST,
    WRONG,
    fenced,
)
from tests.sandboxes import NEEDS_SANDBOX


def kind(spec: CodeSpec = WIDEST) -> CodeKind:
    return CodeKind(spec, shared_sandbox())


@NEEDS_SANDBOX
def test_programs_that_behave_alike_are_one_class() -> None:
    """Two ways to write a function agree, floats for ints included; a wrong one does not."""
    answers = [kind().read(text) for text in (fenced(RIGHT), SAME, fenced(WRONG))]
    counts = vote("m", answers).counts
    assert [count.count for count in counts] == [2, 1]


@NEEDS_SANDBOX
def test_a_key_is_the_same_each_time_and_alone() -> None:
    """The key is a function of the program, whichever completion it came from."""
    answer = kind().read(fenced(SAME))
    assert answer is not None
    assert answer.key == kind().canonical(SAME) == kind().canonical(answer.text)
    assert answer.key.startswith("blake2b-128:")


@NEEDS_SANDBOX
def test_what_the_prompt_gives_need_not_be_repeated() -> None:
    """Imports, constants and helpers of the prompt are there for a program that uses them."""
    answer = kind(TALLY).read(fenced(TALLIED))
    assert answer is not None
    assert answer.key == kind(TALLY).canonical(
        TALLY.prompt + "    return {w: words.count(w) for w in words if is_short(w)}\n"
    )


@NEEDS_SANDBOX
@pytest.mark.parametrize(
    "program",
    [
        "import no_such_module\n" + SAME,
        "while True: pass\n" + SAME,
        "def widest_gap(): return 1\n",
        "def widest_gap(heights):\n    return undefined_name\n",
        "import os\nos._exit(0)\n" + SAME,
        "import os\nos.kill(os.getppid(), 9)\n" + SAME,
    ],
)
def test_programs_that_never_return_are_unreadable(program: str) -> None:
    """Programs that do not load, or fail on every input, have no behaviour to agree on."""
    assert kind().read(fenced(program)) is None


@NEEDS_SANDBOX
def test_behaviour_that_rests_on_wall_time_is_provisional() -> None:
    """A program that waits on one input has a key that is marked, also when it is remembered."""
    rest = SAME.replace("    best = 0\n", "    best = 0\n    if heights == [4]: time.sleep(60)\n")
    waits = "import time\n" + rest
    reader = kind()
    marked = []
    for text in (fenced(waits), fenced(waits), fenced(SAME)):
        with watching() as watch:
            assert reader.read(text) is not None
        marked.append(watch.provisional)
    assert marked == [True, True, False]


@NEEDS_SANDBOX
def test_exceptions_are_behaviour() -> None:
    """Programs that refuse the same inputs alike agree; those that refuse otherwise do not."""
    keys = [
        kind(REFUSES).canonical(program)
        for program in (
            ROOT,
            ROOT.replace("NoRoot(square)", "NoRoot('none')"),
            ROOT.replace("NoRoot", "NotSquare"),
        )
    ]
    assert (keys[0] == keys[1], keys[0] == keys[2], None in keys) == (True, False, False)


@NEEDS_SANDBOX
def test_what_is_done_to_an_argument_is_behaviour() -> None:
    """A function that returns nothing is known by what it changes."""
    one = kind(SORTED).canonical("def order(items):\n    items.sort()\n")
    same = kind(SORTED).canonical("def order(items):\n    items[:] = sorted(items)\n")
    other = kind(SORTED).canonical("def order(items):\n    return None\n")
    assert (one == same, one == other) == (True, False)


@NEEDS_SANDBOX
@pytest.mark.parametrize(
    ("spec", "program"),
    [
        (WIDEST, WIDEST.prompt + RIGHT),
        (WIDEST, SAME),
        (SHOUT, "def loud(text, times=1):\n    return text.upper() + '!' * times\n"),
        (TALLY, "import collections\ndef is_short(w): return len(w) < 3\n" + TALLIED),
        (SORTED, "def order(items):\n    items.sort()\n"),
        (REFUSES, ROOT),
    ],
)
def test_right_programs_pass_the_hidden_tests(spec: CodeSpec, program: str) -> None:
    """Changed arguments, own exceptions, subclasses of dict and helpers of the prompt included."""
    assert grade(spec, program, shared_sandbox())


CHEATS = {
    "wrong": WRONG,
    "sys.exit(0)": "import sys\ndef widest_gap(h): sys.exit(0)\n",
    "os._exit(0)": "import os\ndef widest_gap(h): os._exit(0)\n",
    "os._exit while loading": "import os\nos._exit(0)\n",
    "exit by atexit": (
        "import atexit, os\natexit.register(os._exit, 0)\ndef widest_gap(h): return 0\n"
    ),
    "equal to everything": (
        "class Any(int):\n"
        "    def __eq__(self, other): return True\n"
        "    def __ne__(self, other): return False\n"
        "    __hash__ = int.__hash__\n"
        "def widest_gap(h): return Any()\n"
    ),
    "patched AssertionError": (
        "import builtins\n"
        "class Quiet(BaseException): pass\n"
        "builtins.AssertionError = Quiet\n"
        "def widest_gap(h): return 0\n"
    ),
    "patched check": (
        "import sys\n"
        "def widest_gap(h):\n"
        "    frame = sys._getframe()\n"
        "    while frame:\n"
        "        frame.f_globals['check'] = lambda f: None\n"
        "        frame = frame.f_back\n"
        "    return 0\n"
    ),
    "printed word": (
        "import os\n"
        "for number in range(10):\n"
        "    try: os.write(number, b'passed')\n"
        "    except OSError: pass\n"
        "def widest_gap(h): return 0\n"
    ),
    "search of memory": (
        "import gc, os, re\n"
        "words = {word for o in gc.get_objects() for word in re.findall('[0-9a-f]{32}', repr(o))}\n"
        "for word in words:\n"
        "    for number in range(10):\n"
        "        try: os.write(number, word.encode())\n"
        "        except OSError: pass\n"
        "def widest_gap(h): return 0\n"
    ),
    "memory of the tests": (
        "import ctypes, os\n"
        "def widest_gap(h):\n"
        "    for path in ('mem', 'maps', 'environ', 'fd/0'):\n"
        "        try: return len(open(f'/proc/{os.getppid()}/{path}', 'rb').read())\n"
        "        except OSError: pass\n"
        "    return ctypes.CDLL(None).ptrace(16, os.getppid(), 0, 0)\n"
    ),
    "kills the tests": "import os\ndef widest_gap(h): os.kill(os.getppid(), 9)\n",
    "raises": "def widest_gap(h): raise SystemExit(0)\n",
    "forged replies": (
        "import gc, socket\n"
        "def widest_gap(h):\n"
        "    for one in gc.get_objects():\n"
        "        if isinstance(one, socket.socket): one.sendall(b'x' * 100)\n"
        "    return 0\n"
    ),
    "loops": "def widest_gap(h):\n    import time; time.sleep(60)\n",
}


@NEEDS_SANDBOX
@pytest.mark.parametrize("cheat", CHEATS)
def test_no_program_passes_by_another_way(cheat: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ending early, patching, pretending, forging and spying all count as wrong."""
    monkeypatch.setattr(code, "GRADING_LIMITS", Limits(wall_seconds=1.0))
    assert grade(WIDEST, CHEATS[cheat], shared_sandbox()) is False


def test_a_problem_without_tests_cannot_be_graded() -> None:
    """That is a mistake of the caller, not a wrong program."""
    with pytest.raises(InvalidRequestError, match="no tests"):
        grade(CodeSpec(prompt="", entry_point="f"), "def f(): pass", shared_sandbox())


def test_the_factory_needs_the_problem() -> None:
    """The kind code is made with its problem, and no other kind takes one."""
    assert (make_kind("code", code=WIDEST).name, make_kind("code", code=WIDEST).may_block) == (
        "code",
        True,
    )
    with pytest.raises(InvalidRequestError, match="needs a programming problem"):
        make_kind("code")
    with pytest.raises(InvalidRequestError, match="code was given"):
        make_kind("number", code=WIDEST)


def test_code_cannot_be_asked_for_outside_a_task() -> None:
    """A lone question has no examples to compare programs on."""
    with pytest.raises(InvalidRequestError, match="they belong to a task"):
        understand("Write a function", kind="code")


def test_the_instruction_names_the_function() -> None:
    """What is asked for is the function of the problem."""
    assert "`widest_gap`" in kind().instruction()
