"""Why discussions fail: counting on saved turns, from answers alone. Pure functions of values.

    turns        what a saved run says of each discussion
    moves        who changed an answer after reading whom
    following    whether a change followed the majority, the last speaker or the most confident
    debates      a debate's rounds, and the kinds of its failures
    weighing     one model writes or picks the answer: what it did with the right one
    verifying    verdicts on right and on wrong candidates
    labels       what a model called failures, beside the computed kinds
    shares       shares with intervals, paired counts with their test

Everything is on scored problems; the order of the problems does not matter to any figure.
"""
