"""Serves a sample organisation until it is ended: python -m benchmark.server SIZE LATENCY REFS."""

import random
import sys
from datetime import timedelta

from benchmark.processes import ACCESS_KEY
from klarify_xl.demo import DemoServer, Organisation

SETTLED = timedelta(minutes=1)
"""How long ago people have stopped editing when a refresh begins."""


def main(procedures: int, latency: float, references: float) -> None:
    """Print the address, then read how many procedures are to be edited, line by line."""
    organisation = Organisation(procedures=procedures)
    if references:
        refer(organisation, round(references * procedures))
    with DemoServer(organisation, access_key=ACCESS_KEY, latency=latency) as server:
        print(server.url, flush=True)
        for line in sys.stdin:
            organisation.evolve(edits=int(line), additions=0, removals=0)
            # Right after an edit others may follow, and a careful walk is made twice.
            organisation.now += SETTLED
            print("edited", flush=True)


def refer(organisation: Organisation, wanted: int) -> None:
    """Add references until there are as many as wanted, evenly spread."""
    chance = random.Random(1)  # noqa: S311 -- to be repeatable
    rows = organisation.rows
    missing = wanted - sum(len(row["called_within"]) + len(row["called_from"]) for row in rows)
    for number in range(missing):
        row = organisation.row(rows[number % len(rows)]["id"])
        name = chance.choice(rows)["name"]
        organisation.edit(row["id"], stamp=False, called_from=[*row["called_from"], name])


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]), float(sys.argv[3]))
