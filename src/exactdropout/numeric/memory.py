"""How much memory an evaluation may ask for: a share of what the machine has, not of what is free at the moment."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

__all__ = ["memory_limit"]

UNKNOWN = 8 * 2**30
"""Taken where the machine does not tell."""

CONTAINER = Path("/sys/fs/cgroup/memory.max")


def memory_limit() -> int:
    """Return seven eighths of the physical memory in bytes, or of the limit of the container if that is lower.

    It is the same whenever it is asked on one machine, so a plan does not depend on what else runs there.
    """
    try:
        physical = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):
        physical = UNKNOWN
    with suppress(OSError, ValueError):  # no container, or one without a limit ("max")
        physical = min(physical, int(CONTAINER.read_text("ascii")))
    return max(physical, 2**30) // 8 * 7
