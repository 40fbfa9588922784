"""The campaign: the prover alone answers random claims, and what it proves is attacked at many points.

The falsifier is off, so that nothing saves a wrong rule. ``python -m tests.claims.campaign COUNT SEED --journal FILE``
writes one line of JSON a claim and goes on after a stop.
"""

import argparse
import importlib
import json
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path

from exactdropout.claims.proofs import certificates
from exactdropout.errors import CostLimitExceeded, InvalidInput

from .many_points import falls
from .near_truths import case_of

check_module = importlib.import_module("exactdropout.claims.check")
SMALL = {"MAX_TESTS": 12, "MAX_COMBINED": 6, "MAX_SIGNS": 2, "MAX_ATOMS": 3, "MAX_TERMS": 120, "MAX_PRODUCTS": 6_000}
FULL = {name: getattr(certificates, name) for name in SMALL}
"""The limits of the search for certificates: small ones, and of every sixteenth claim those of ``check``."""


def answer(case, points=200, seed=0):
    """Return what the prover says, and the point at which a proved claim falls."""
    limits = FULL if seed % 16 == 0 else SMALL
    for name, value in limits.items():
        setattr(certificates, name, value)
    try:
        parsed = check_module._parsed(case.text, None, case.shape, case.data, case.q)
        parts = getattr(parsed.statement, "statements", None)
        if parts is not None:
            return "refused", "", None
        written, setting, _ = check_module._written(parsed, case.shape, case.data, case.q, case.assume, None)
        proof = certificates.replayable_proof(written, setting, products=limits["MAX_PRODUCTS"])
    except (InvalidInput, CostLimitExceeded):
        return "refused", "", None
    finally:
        for name, value in FULL.items():
            setattr(certificates, name, value)
    if proof is None:
        return "open", "", None
    return "proved", proof.view, falls(written, setting, points, seed)


def campaign(first, last, seed, points=200, report=None):
    """Return how many claims of each kind got each answer, and the cases that were proved and fall."""
    tally, wrong = Counter(), []
    for number in range(first, last):
        case = case_of(seed, number)
        try:
            status, view, point = answer(case, points, number)
        except Exception as error:  # a refusal is InvalidInput: anything else is a fault, which must not end a campaign
            status, view, point = "fault", repr(error), None
            wrong.append(case)
        tally[case.kind, status] += 1
        if point is not None:
            wrong.append(case)
        if report is not None:
            report(number, case, status, view, point)
    return tally, wrong


def main():
    """Run from the line after the journal's last one."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("seed")
    parser.add_argument("--journal", type=Path, required=True)
    given = parser.parse_args()
    done = sum(1 for _ in given.journal.open()) if given.journal.exists() else 0
    start = time.process_time()
    with given.journal.open("a") as journal:

        def report(number, case, status, view, point):
            line = {"n": number, "status": status, "view": view, **asdict(case)}
            if status == "fault":
                print("FAULT", line, flush=True)
            if point is not None:
                line |= {"falls": str(point.values), "sizes": str(point.sizes)}
                print("WRONG", line, flush=True)
            journal.write(json.dumps(line) + "\n")
            if number % 100 == 99:
                journal.flush()

        tally, wrong = campaign(done, given.count, given.seed, report=report)
    print(*sorted(tally.items()), f"{len(wrong)} wrong", f"{time.process_time() - start:.0f} CPU seconds", sep="\n")


if __name__ == "__main__":
    main()
