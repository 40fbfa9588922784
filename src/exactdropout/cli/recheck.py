"""What ``verify --full`` rechecks beside the theorems: all shipped certificates, and Coq where coqc is there."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

__all__ = ["CoqRun", "Recheck", "recheck_certificates", "start_coq"]


@dataclass(frozen=True, kw_only=True)
class Recheck:
    """How many of how many were accepted; ``note`` says why nothing was done, or what was not accepted."""

    kind: str
    accepted: int
    total: int
    seconds: float
    note: str = ""

    @property
    def holds(self) -> bool:
        """Whether nothing was refused; what was not run has refused nothing."""
        return self.accepted == self.total


def recheck_certificates() -> Recheck:
    """Check every shipped certificate with the independent checker."""
    from exactdropout.certificate import checker
    from exactdropout.certificate.shipped import FILES

    started = time.perf_counter()
    refused = []
    for item in FILES:
        try:
            item.check(item.read())
        except (checker.RejectedError, checker.MalformedError, OSError):
            refused.append(item.name)
    return Recheck(
        kind="shipped certificates, by the checker",
        accepted=len(FILES) - len(refused),
        total=len(FILES),
        seconds=time.perf_counter() - started,
        note=f"not verified: {', '.join(refused)}" if refused else "",
    )


class CoqRun:
    """Coq at work on the theory and the shipped certificates, in a process of its own; or the reason why not."""

    KIND = "theory and certificates, by coqc"

    def __init__(self, folder: Path | None, reason: str = "") -> None:
        """Start ``folder/check certificates``; without a folder remember the reason."""
        self.reason = reason
        self.started = time.perf_counter()
        self.process = (
            subprocess.Popen(
                [sys.executable, str(folder / "check"), "certificates"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
                start_new_session=True,  # so that stop() ends what it started, too
            )
            if folder
            else None
        )

    def result(self) -> Recheck:
        """Wait for the end and return how many files were accepted; the first line says how many there are."""
        if self.process is None:
            return Recheck(kind=self.KIND, accepted=0, total=0, seconds=0.0, note=self.reason)
        output, _ = self.process.communicate()
        lines = output.splitlines()
        first = lines[0].split() if lines else []
        total = int(first[0]) if first[1:] == ["files"] and first[0].isdecimal() else 1
        accepted = sum(line.startswith("accepted ") for line in lines)
        good = self.process.returncode == 0
        others = [line for line in lines[1:] if not line.startswith("accepted ")]
        return Recheck(
            kind=self.KIND,
            accepted=total if good else min(accepted, total - 1),
            total=total,
            seconds=time.perf_counter() - self.started,
            note="" if good else " ".join(others[:3])[:200],
        )

    def stop(self) -> None:
        """End the process, if it still runs."""
        if self.process is None:
            return
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGTERM)
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()  # communicate() would read it, which result() may have closed


def start_coq() -> CoqRun:
    """Start Coq where coqc and the files of a checkout are there."""
    from exactdropout.certificate.shipped import certificates_folder

    certificates = certificates_folder()
    folder = certificates.parent if isinstance(certificates, Path) else None
    if folder is None or not (folder / "check").is_file():
        return CoqRun(None, "not run: the theory is in the repository, not in the installed package")
    if shutil.which("coqc") is None:
        return CoqRun(None, "not run: coqc is not installed (Debian: apt install coq)")
    return CoqRun(folder)
