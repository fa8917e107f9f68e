"""The kind of answer a question wants, and the options it lists."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from slm_mux.answers.auto import _JSON, choices_in, detect_kind

QUESTIONS = {
    "number": [
        "What is 17 * 6?",
        "What's 17*6?",
        "12 + 30 = ?",
        "What is 15% of 80?",
        "What is 100 - 37?",
        "What is seven plus 8 times 9?",
        "How many apples does Tom have if he buys 3 and eats 1?",
        "Natalia sold clips to 48 friends in April, and half as many in May. How many in total?",
        "How much did she pay for 3 shirts at $12.50 each?",
        "If Suzy's iPhone is 1 year old, how old is Brandon's iPhone?",
        "What is the total age of all three of the family members?",
        "A $2000 watch was sold at 75% of its price. What is the percentage discount?",
        "What is the probability of rolling two sixes with two dice?",
        "Calculate the combined total number of cups she needs.",
        "In what year did the Berlin Wall fall?",
        "A train covers 120 km at 60 km/h. How long does it take?",
        "Find the area of a rectangle with sides 3 and 4.",
        "What is the sum of the first 10 positive integers?",
        "What is the square root of 144?",
        "Compute 2^10.",
        "What is the next number in the sequence 2, 4, 8?",
        "A bag has 3 red and 5 blue balls. What fraction of the balls are red?",
        "Convert 5 km to miles.",
    ],
    "choice": [
        "Which city is the capital of France?\nA) Paris\nB) London\nC) Berlin\nD) Rome",
        "Which gas do plants take in?\nA. Oxygen\nB. Carbon dioxide\nC. Nitrogen",
        "Pick the prime. (a) 4 (b) 7 (c) 9",
        "What is the capital of Italy? A) Rome B) Milan C) Turin",
        "What is 2 + 2?\n(A) 3\n(B) 4\n(C) 5",
        "Which of these is a mammal?\n1) shark\n2) whale\n3) trout",
        "Choose the best answer.\na) water\nb) fire",
        "Compute $\\frac{1}{2}+\\frac{1}{3}$.\n\n(A) $\\frac{5}{6}$\n(B) $\\frac{2}{5}$",
        "How many legs has a spider?\nA: 6\nB: 8\nC: 10",
        "Is the sky blue? (A) yes or (B) no",
    ],
    "math": [
        "Simplify $\\sqrt{48}$.",
        "Solve 2x + 3 = 7 for x.",
        "Solve the equation x^2 - 5x + 6 = 0.",
        "Factor x^2 - 9.",
        "Express 0.75 as a fraction.",
        "Write 3/8 as a decimal.",
        "What is the derivative of x^3?",
        "Find all real solutions of x^4 = 16.",
        "Let $f(x) = x^2 + 1$. What is $f(3)$?",
        "Expand (x + 2)^2 where x^2 is the first term.",
        "How many solutions does $x^2=4$ have?",
        "Evaluate \\[ \\sum_{k=1}^{10} k. \\]",
        "If 3x + 5 = 20, what is x?",
        "Convert 0.00042 to scientific notation.",
        "Express y in terms of x.",
        "What is x in x + 3 = 7?",
    ],
    "json": [
        "Extract the name and age as JSON: Anna is 30.",
        "Return a JSON object with the keys a and b.",
        "Answer in JSON. What is the capital of France?",
        "List the planets, JSON only.",
        "Convert this CSV to json.",
    ],
    "text": [
        "What is the capital of France?",
        "Explain how many chambers a heart has and why.",
        "Write a poem about the number 7.",
        "Why is the sky blue?",
        "Write a Python function that computes the sum of a list.",
        "Translate 'how much is the fish' into German.",
        "What does JSON stand for?",
        "What is JSON?",
        "Who wrote Faust?",
        "Summarize this text: she paid $5 and he paid $10.",
        "How do I boil 3 eggs?",
        "Prove that x^2 >= 0.",
        "A: Hello!\nB: Hi, how are you?\nWhat comes next?",
        "Tell me about the history of multiple choice.",
        "",
        "Name a good way to learn Spanish.",
        "Is 17 prime?",
        "What is the largest planet?",
        "Round up the usual suspects of the novel.",
        "Consider a theory.\n(a) Describe its history.\n(b) Explain its limits.",
        "What is a vitamin A deficiency?",
    ],
}
CASES = [(kind, question) for kind, questions in QUESTIONS.items() for question in questions]


@pytest.mark.parametrize(("kind", "question"), CASES)
def test_the_question_alone_decides_the_kind(kind: str, question: str) -> None:
    """Each question gets the kind that a reader would expect, with a reason in words."""
    found, reason = detect_kind(question)
    assert (found, bool(reason)) == (kind, True)


def test_what_came_with_the_question_decides_first() -> None:
    """Given choices mean choice and given labels mean label, whatever the question says."""
    assert detect_kind("What is 17 * 6?", choices={"A": "102", "B": "103"})[0] == "choice"
    assert detect_kind("What is 17 * 6?", labels=("even", "odd"))[0] == "label"


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("Q?\nA) Paris\nB) St. Louis", {"A": "Paris", "B": "St. Louis"}),
        ("Q?\nA. Paris\nB. Rome\nGive the letter.", {"A": "Paris", "B": "Rome"}),
        ("Q? (a) 4 (b) 7 (c) 9", {"a": "4", "b": "7", "c": "9"}),
        ("Q? A) Rome, B) Milan, or C) Turin", {"A": "Rome", "B": "Milan", "C": "Turin"}),
        ("Which?\n1) shark\n2) whale", {"1": "shark", "2": "whale"}),
        ("Q?\n**A.** one\n**B.** two", {"A": "one", "B": "two"}),
        ("Do this:\n1. Mix.\n2. Bake.", {}),
        ("Q?\nA) Paris", {}),
        ("Q?\nA) Paris\nC) Rome", {}),
        ("f(a) and f(b)", {}),
        ("(a) Find x. (b) Find y.", {}),
    ],
)
def test_options_are_parsed(question: str, options: dict[str, str]) -> None:
    """Options are read with their labels as written; parts of a task and steps are none."""
    assert choices_in(question) == options


@pytest.mark.parametrize(
    ("question", "options"),
    [
        ("1) shark\n2) whale\nWhich one?", {"1": "shark", "2": "whale"}),
        ("1) shark\n2) whale\n\n1) cat\n2) dog\nPick one.", {"1": "cat", "2": "dog"}),
        ("A) shark\nB) whale\nSteps:\n1) read\n2) think", {"A": "shark", "B": "whale"}),
        ("Pick one: 1) shark 2) whale", {}),
    ],
)
def test_numbered_lines_are_options_only_where_one_is_to_be_chosen(
    question: str, options: dict[str, str]
) -> None:
    """The word that says so may stand anywhere; of several lists the last one counts."""
    assert choices_in(question) == options


@given(st.integers(1, 30), st.sampled_from(["", "Pick one. ", "Which of the following? "]))
def test_every_run_of_numbered_lines_meets_the_same_question(runs: int, said: str) -> None:
    """However many runs there are, all of them are options or none is."""
    listed = "".join(f"1) a{run}\n2) b{run}\n" for run in range(runs))
    last = {"1": f"a{runs - 1}", "2": f"b{runs - 1}"}
    assert choices_in(f"{said}\n{listed}") == (last if said else {})


@given(
    st.lists(
        st.sampled_from(["Return ", "as ", "JSON", "json", "j\u017fON", "J SON", " only", ".", "x"])
    ).map("".join)
)
def test_looking_for_the_word_first_misses_no_phrase(question: str) -> None:
    """Whatever spelling of the word the phrase is found with, the question asks for JSON."""
    assert (detect_kind(question)[0] == "json") == (_JSON.search(question) is not None)


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "repeated",
    [
        "1) a\n2) b\n",
        "A) a B) b? ",
        "A)B)",
        "A) is a.\nB) is b.\n",
        "if ",
        "write a in ",
        "what is the ",
        "find a a ",
        "in JSON schema ",
        "$" + "=" * 285,
        " ",
        "1",
    ],
    ids=lambda repeated: repr(repeated[:16]),
)
def test_a_long_question_is_read_in_one_go(repeated: str) -> None:
    """A question of 200,000 characters that looks like something all the way has a kind soon."""
    question = repeated * (200_000 // len(repeated))
    assert detect_kind(question)[0] == "text"


@given(st.text(alphabet=st.characters(), max_size=300))
def test_no_question_breaks_it(question: str) -> None:
    """Any text at all has a kind."""
    assert detect_kind(question)[0] in {"number", "choice", "math", "json", "text"}


@pytest.mark.parametrize(
    "question",
    [
        "A shop sells pens at 3 for $2. What do 18 pens cost?",
        "She starts with 100 and loses 30. What will her final balance be?",
        "Ann is 12 and Ben is 3 years older. Calculate the age of Ben in 10 years.",
        "His locker is 5 cubic inches and hers 4 times as big. How big is hers in cubic inches?",
        "It was 8 degrees and rose by 3. What was the temperature then?",
    ],
)
def test_a_word_problem_is_a_number(question: str) -> None:
    """Two numbers and a last sentence that asks for what comes of them make a number."""
    assert detect_kind(question)[0] == "number"


@pytest.mark.parametrize(
    "question",
    [
        "In 1969 Apollo 11 landed on the moon. What was the name of its commander?",
        "The shop opens at 9 and closes at 17. What kind of shop is it?",
        "What do 18 pens cost?",
        "Room 101 is in 1984. Why is it called that?",
    ],
)
def test_numbers_alone_make_no_word_problem(question: str) -> None:
    """A question for a name, a kind or a reason stays text, numbers or not."""
    assert detect_kind(question)[0] == "text"


@pytest.mark.parametrize(
    ("question", "quoted"),
    [
        ("What is 20 - 8?", "20 - 8"),
        ("What is 1,234.5 * -67?", "1,234.5 * -67"),
        ("12+34?", "12+34"),
        ("What is 15% of 30?", "15% of"),
        ("Is it 7 x 3. Or 4?", "7 x 3"),
    ],
)
def test_arithmetic_is_quoted_with_its_numbers_whole(question: str, quoted: str) -> None:
    """The reason shows what was found, not a part of it."""
    assert detect_kind(question) == ("number", f"it is arithmetic (“{quoted}”)")
