"""The limit of memory follows the machine."""

from __future__ import annotations

import os

import pytest

from exactdropout.numeric import memory


def pages(count):
    return lambda name: {"SC_PHYS_PAGES": count, "SC_PAGE_SIZE": 4096}[name]


def test_seven_eighths_of_what_there_is(monkeypatch, tmp_path):
    monkeypatch.setattr(memory, "CONTAINER", tmp_path / "memory.max")
    monkeypatch.setattr(os, "sysconf", pages(2**22))
    assert memory.memory_limit() == 14 * 2**30


@pytest.mark.parametrize(
    ("text", "limit"), [("max\n", 14 * 2**30), (f"{4 * 2**30}\n", 3.5 * 2**30), ("nonsense", 14 * 2**30)]
)
def test_a_container_may_have_less(monkeypatch, tmp_path, text, limit):
    (tmp_path / "memory.max").write_text(text)
    monkeypatch.setattr(memory, "CONTAINER", tmp_path / "memory.max")
    monkeypatch.setattr(os, "sysconf", pages(2**22))
    assert memory.memory_limit() == limit


def test_a_machine_that_does_not_tell(monkeypatch, tmp_path):
    def refuse(name):
        raise ValueError(name)

    monkeypatch.setattr(memory, "CONTAINER", tmp_path / "memory.max")
    monkeypatch.setattr(os, "sysconf", refuse)
    assert memory.memory_limit() == 7 * 2**30
