"""Compiled inner loops. Only the numeric engine imports this folder, and only when it runs: it loads Numba."""

from __future__ import annotations

import os

__all__ = ["interpreted"]


def interpreted() -> bool:
    """Return whether NUMBA_DISABLE_JIT is set: kernels then run as plain Python, but those made of vectors cannot."""
    return os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0")
