"""``exactdropout certify``: recheck certificates with the independent checker, and rebuild the shipped ones."""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from exactdropout.cli.arguments import add_json
from exactdropout.cli.output import print_json, print_table
from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.model.numbers import show

__all__ = ["add"]

EXIT_REJECTED = 1
EXIT_MALFORMED = 2


def add(commands: Any) -> None:
    """Add the command to the parser."""
    command = commands.add_parser(
        "certify",
        help="recheck certificates of minima; rebuild the shipped ones",
        description="Check certificates with the independent checker (one file of the standard library). Without "
        "files: those that come with the package. Exit code 0 when all are verified, 1 rejected, 2 malformed.",
        allow_abbrev=False,
    )
    command.add_argument("files", nargs="*", metavar="FILE.json", help="certificates; the shipped ones by default")
    command.add_argument("--only", action="append", metavar="TEXT", help="only shipped ones whose name contains this")
    command.add_argument(
        "--rebuild", action="store_true", help="also solve each shipped problem anew and compare the value (minutes)"
    )
    command.add_argument("--where", action="store_true", help="print where checker and certificates are, check nothing")
    add_json(command)
    command.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Check, rebuild where asked, print one line each."""
    from exactdropout.certificate import checker, minimisers_checker
    from exactdropout.certificate.shipped import FILES, certificates_folder

    folder = certificates_folder()
    if options.where:
        print(f"checker       {checker.__file__}\ncertificates  {folder}")
        return 0
    if options.files and (options.rebuild or options.only):
        raise InvalidInput("Arguments '--rebuild' and '--only' are for the shipped certificates; name no files.")
    if options.files:
        texts = [(name, _read(name, checker.MAX_BYTES)) for name in options.files]
        named: list[Any] = [None] * len(texts)
    else:
        chosen = [s for s in FILES if not options.only or any(text in s.name for text in options.only)]
        if not chosen:
            raise InvalidInput(f"Argument '--only' must match a certificate; {show(options.only)} matches none.")
        texts = [(s.name, s.read()) for s in chosen]
        named = list(chosen)
    rows = []
    for (name, text), item in zip(texts, named, strict=True):
        rows.append(_checked(minimisers_checker, name, text, item, rebuild=options.rebuild))
        if sys.stderr.isatty() and not options.json:
            print(f"\r{len(rows)} of {len(texts)} checked", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty() and not options.json:
        print("\r\033[K", end="", file=sys.stderr)
    worst = max(row["code"] for row in rows)
    for row in rows:
        del row["code"]
    if options.json:
        print_json("certify", {"certificates": rows})
    else:
        print_table(
            "Certificates",
            ("certificate", "verdict", "statement", "seconds"),
            [(checker.line(r["name"]), r["verdict"], r["statement"], f"{r['seconds']:.2f}") for r in rows],
            numeric=(3,),
        )
        verified = sum(r["verdict"].startswith("VERIFIED") for r in rows)
        print(f"{verified} of {len(rows)} verified by the checker")
    return int(worst)


def _read(name: str, limit: int) -> str:
    try:
        with Path(name).open("rb") as file:
            return file.read(limit + 1).decode("utf-8")
    except UnicodeDecodeError:
        raise UnreadableFile(f"File {show(name, 200)} must be UTF-8 text; it is not.") from None
    except OSError as error:
        raise UnreadableFile(f"File {show(name, 200)} cannot be read: {error.strerror}.") from None


def _checked(checkers: Any, name: str, text: str, item: Any, *, rebuild: bool) -> dict[str, Any]:
    """Check one text; a shipped one must prove what its name promises, and ``rebuild`` solves that problem anew."""
    checker = checkers.checker
    start = time.perf_counter()
    try:
        statement = checkers.check_either(text) if item is None else item.check(text)
        verdict, code, words = "VERIFIED", 0, checkers.describe(statement)
        if rebuild:
            same = item.bounds() == (statement.lower, statement.upper)
            verdict, code = ("VERIFIED, rebuilt", 0) if same else ("CHANGED when rebuilt", EXIT_REJECTED)
    except checker.RejectedError as error:
        verdict, code, words = "REJECTED", EXIT_REJECTED, str(error)
    except checker.MalformedError as error:
        verdict, code, words = "MALFORMED", EXIT_MALFORMED, str(error)
    seconds = time.perf_counter() - start
    return {"name": name, "verdict": verdict, "statement": words, "seconds": round(seconds, 3), "code": code}
