"""Check what a built wheel holds: the package, its type marker and data, the licence, and nothing else."""

from __future__ import annotations

import sys
import zipfile

NEEDED = (
    "exactdropout/py.typed",
    "exactdropout/data/diabetes/network.json",
    "exactdropout/data/diabetes/diabetes.csv",
    "exactdropout/data/diabetes/SOURCE.txt",
    "exactdropout/theorems/weight_decay/helmbold_2017_figure_2.json",
)


def main(path: str) -> None:
    """Exit with a message unless the wheel holds what it must and only that."""
    with zipfile.ZipFile(path) as wheel:
        names = wheel.namelist()
        size = sum(info.file_size for info in wheel.infolist())
    missing = [n for n in NEEDED if n not in names]
    if not any(n.endswith("licenses/LICENSE") for n in names):
        missing.append("LICENSE")
    if not any(n.startswith("exactdropout/proofs/certificates/") and n.endswith(".json") for n in names):
        missing.append("certificates")
    strange = [n for n in names if not n.startswith(("exactdropout/", "exactdropout-"))]
    strange += [n for n in names if "__pycache__" in n]
    if missing or strange:
        sys.exit(f"wheel lacks {missing}, holds {strange}")
    print(f"wheel holds {len(names)} files, {size / 2**20:.1f} MiB unpacked")


if __name__ == "__main__":
    main(sys.argv[1])
