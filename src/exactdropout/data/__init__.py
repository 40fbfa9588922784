"""Real input that comes with the package: the diabetes table and a 10-8-1 ReLU network trained on it with dropout.

442 patients and 10 standardised variables (Efron, Hastie, Johnstone and Tibshirani, *Least Angle Regression*, 2004);
provenance and licence stand in ``SOURCE.txt`` beside the files and in the documentation.
"""

from __future__ import annotations

from importlib import resources
from pathlib import Path

from exactdropout.errors import InvalidInput, UnreadableFile
from exactdropout.model import Examples, Network
from exactdropout.model.files import write_atomically

__all__ = ["copy_diabetes", "diabetes"]

_FOLDER = resources.files("exactdropout.data").joinpath("diabetes")
_FILES = ("network.json", "diabetes.csv", "SOURCE.txt")


def diabetes() -> tuple[Network, Examples]:
    """Return the trained network (float64, 10-8-1 relu with biases) and the 442 examples (exact decimals).

    The examples are uniform: every row has probability 1/442. The network was trained with q = 1/2 at the inputs
    and at the hidden units, by the script in ``docs/training``.

    >>> network, examples = diabetes()
    >>> print(network.architecture, len(examples))
    10-8-1 relu, biases 442
    >>> examples.labels[0, 0]
    Fraction(151, 1)
    """
    with resources.as_file(_FOLDER.joinpath("network.json")) as network:
        loaded = Network.load(network)
    with resources.as_file(_FOLDER.joinpath("diabetes.csv")) as table:
        return loaded, Examples.from_csv(table)


def copy_diabetes(directory: str | Path) -> tuple[Path, Path]:
    """Write ``network.json``, ``diabetes.csv`` and ``SOURCE.txt`` into a folder; return the paths of the first two.

    The folder is made if it is missing. Nothing is overwritten: if one of the files exists, none is written.

    Raises:
        InvalidInput: one of the files exists already.
        UnreadableFile: the folder cannot be made or written.
    """
    folder = Path(directory)
    targets = [folder / name for name in _FILES]
    for target in targets:
        if target.exists():
            raise InvalidInput(f"Argument 'directory' must not hold {target.name} already, as {str(folder)!r} does.")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnreadableFile(f"Folder {str(folder)!r} cannot be made: {error.strerror}.") from None
    for target in targets:
        write_atomically(target, _FOLDER.joinpath(target.name).read_bytes())
    return targets[0], targets[1]
