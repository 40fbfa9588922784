"""Files of the user's: run, collected, and their mistakes reported in one sentence."""

import pytest

from exactdropout import theorems
from exactdropout.errors import InvalidInput, UnreadableFile

GOOD = """
from exactdropout.theorems import conclude, register, step

@register(
    id="me-2026-lemma-1", title="A lemma", source="me2026", number="Lemma 1",
    printed="$1 + 1 = 2$", statement="1 + 1 = 2", verdict="holds", scope="all sizes",
)
def lemma_1():
    return conclude("holds", "all sizes", [step("1 + 1 = 2", "identity", 1 + 1 == 2)])
"""


def write(tmp_path, text, name="mine.py"):
    path = tmp_path / name
    path.write_text(text, "utf-8")
    return path


def test_a_users_file_is_run_and_stays_out_of_the_catalogue(tmp_path):
    path = write(tmp_path, GOOD)
    before = [t.id for t in theorems.catalogue()]
    for _ in range(2):
        (mine,) = theorems.load_file(path)
        assert mine.prove().verdict == "holds"
    assert [t.id for t in theorems.catalogue()] == before


def test_a_false_theorem_of_the_users_changes_its_verdict(tmp_path):
    (mine,) = theorems.load_file(write(tmp_path, GOOD.replace("1 + 1 == 2)", "1 + 1 == 3)")))
    assert mine.verdict == "holds"
    assert mine.prove().verdict == "not proved"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x = (", "line 1"),
        ("raise KeyError('lost')", "line 1 of mine.py: KeyError: 'lost'"),
        ("import sys\nsys.exit(0)", "SystemExit"),
        ("x = 1", "registers no theorem"),
        (GOOD + GOOD, "registered already"),
        (GOOD.replace("me-2026-lemma-1", "Me 2026"), "lower-case"),
        (GOOD.replace("me-2026-lemma-1", "helmbold-2017-theorem-5"), "registered already"),
        (GOOD.replace('verdict="holds"', 'verdict="surely"'), "verdict"),
    ],
)
def test_mistakes_in_a_file_are_one_sentence(tmp_path, text, message):
    theorems.catalogue()
    with pytest.raises((UnreadableFile, InvalidInput), match=r"could not be run|registers") as caught:
        theorems.load_file(write(tmp_path, text))
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_missing_or_other_files_are_refused(tmp_path):
    with pytest.raises(UnreadableFile, match="does not exist"):
        theorems.load_file(tmp_path / "none.py")
    with pytest.raises(UnreadableFile, match=r"\.py"):
        theorems.load_file(write(tmp_path, GOOD, "mine.txt"))


def test_a_proof_that_raises_or_returns_nonsense(tmp_path):
    (mine,) = theorems.load_file(write(tmp_path, GOOD.replace("return conclude", "1 / 0; return conclude")))
    with pytest.raises(InvalidInput, match="ZeroDivisionError"):
        mine.prove()
    (other,) = theorems.load_file(write(tmp_path, GOOD.replace("return conclude", "return str"), "b.py"))
    with pytest.raises(InvalidInput, match=r"could not be run|must return"):
        other.prove()


def test_the_example_of_the_docs_is_proved_and_fails_when_changed(repository, tmp_path):
    text = (repository / "docs" / "examples" / "my_theorem.py").read_text("utf-8")
    (mine,) = theorems.load_file(write(tmp_path, text))
    assert mine.prove().verdict == "holds"
    assert mine.statement == (
        "One linear unit without bias on one example: J = (w x - y)^2 + lambda (w x)^2, J >= (w x - y)^2"
    )
    assert mine.scope == "all 0 <= q < 1, all w, all x, all y"
    for right, wrong in (
        ("+ s * (w * x) ** 2)", "- s * (w * x) ** 2)"),
        ("+ s * (w * x) ** 2)", "+ s * (w * x) ** 3)"),
        ("high=Fraction(1)", "high=Fraction(2)"),
        ("p, 1 - q", "p, 1 + q"),
        ("J >= (w", "J > (w"),
        ("Fraction(found)", "Fraction(found) + 1"),
    ):
        assert right in text
        (changed,) = theorems.load_file(write(tmp_path, text.replace(right, wrong)))
        assert changed.prove().verdict == "not proved", wrong
