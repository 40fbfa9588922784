"""Torch, or a skip that says what to install."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest


@pytest.fixture(scope="session")
def torch(external: Callable[[str], str]) -> Any:
    """Return PyTorch."""
    external("torch")
    import torch

    torch.set_num_threads(1)
    return torch
