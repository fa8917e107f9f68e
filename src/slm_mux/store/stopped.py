"""Series that were not drawn to the end because the answer was settled.

What they lack is not missing at random: easy problems lack the most. A mark is in force while its
series has fewer draws, completed or failed, than were wanted then.
"""

import sqlite3
from collections.abc import Mapping

from slm_mux.store.encoding import text_of, to_column
from slm_mux.store.problems import task_key
from slm_mux.store.rows import StoppedSeries
from slm_mux.store.series import known_rows


def put_stopped(db: sqlite3.Connection, wanted: Mapping[str, int]) -> None:
    """See `Store.put_stopped`."""
    rows = known_rows(db, wanted)
    db.executemany(
        "INSERT INTO stopped (series, draws) SELECT ?1, ?2 "
        "WHERE (SELECT count(*) FROM samples WHERE series = ?1 AND draw < ?2) < ?2 "
        "ON CONFLICT (series) DO UPDATE SET draws = excluded.draws "
        "WHERE excluded.draws > stopped.draws",
        [(rows[digest], draws) for digest, draws in wanted.items()],
    )


def stopped(db: sqlite3.Connection, task: str, split: str | None = None) -> list[StoppedSeries]:
    """See `Store.stopped`."""
    # CROSS JOIN keeps this order of the tables: few of the series asked are stopped ones.
    rows = db.execute(
        "SELECT problems.name, members.name, members.id, digest, stopped.draws, "
        "(SELECT count(*) FROM samples WHERE samples.series = stopped.series) "
        "FROM problems INDEXED BY problems_in_order "
        "CROSS JOIN asked ON asked.problem = problems.id "
        "CROSS JOIN stopped ON stopped.series = asked.series "
        "JOIN series ON series.id = stopped.series JOIN members ON members.id = asked.member "
        "WHERE problems.task = ?1 AND (?2 IS NULL OR split = ?2) AND stopped.draws > "
        "(SELECT count(*) FROM samples WHERE series = stopped.series AND draw < stopped.draws) "
        "ORDER BY position, problems.id, asked.member, asked.series",
        (task_key(db, task), to_column(split)),
    )
    return [
        StoppedSeries(
            problem=text_of(problem),
            member=text_of(member),
            member_id=place,
            series=digest,
            wanted=wanted,
            drawn=drawn,
        )
        for problem, member, place, digest, wanted, drawn in rows
    ]
