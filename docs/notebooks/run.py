"""Execute the notebooks of this folder and keep their outputs: ``python docs/notebooks/run.py``.

Needs the extra ``[notebooks]``. What changes from run to run (times, counts of the kernel, memory addresses) is not
kept, so a second run changes nothing. ``executed`` is also what the tests call.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Any

__all__ = ["FOLDER", "executed", "main", "outputs"]

FOLDER = Path(__file__).resolve().parent
TIMEOUT = 300
_ADDRESS = re.compile(r" at 0x[0-9a-f]+")


def executed(path: Path) -> Any:
    """Return the notebook, run from its first cell in a fresh kernel, with outputs that do not vary."""
    import nbclient
    import nbformat

    notebook = nbformat.read(path, as_version=4)
    client = nbclient.NotebookClient(
        notebook, timeout=TIMEOUT, kernel_name="python3", resources={"metadata": {"path": str(FOLDER)}}
    )
    client.execute()
    for number, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{number}"
        cell.metadata = nbformat.NotebookNode()
        if cell.cell_type == "code":
            cell["outputs"] = _joined(cell.outputs)
        for output in cell.get("outputs", ()):
            if "text" in output:
                output["text"] = _ADDRESS.sub("", output["text"])
            if "data" in output and "text/plain" in output["data"]:
                output["data"]["text/plain"] = _ADDRESS.sub("", output["data"]["text/plain"])
    notebook.metadata = nbformat.NotebookNode(
        kernelspec={"display_name": "Python 3", "language": "python", "name": "python3"},
        language_info={"name": "python"},
    )
    return notebook


def _joined(shown: list[Any]) -> list[Any]:
    """Return the outputs with parts of one stream as one: the kernel sends them in pieces of any size."""
    found: list[Any] = []
    for output in shown:
        if output.output_type == "stream" and found and found[-1].get("name") == output.name:
            found[-1]["text"] += output.text
        else:
            found.append(output)
    return found


def outputs(notebook: Any) -> list[list[Any]]:
    """Return what each code cell shows: streams and texts as they are, of pictures only that there is one."""
    found = []
    for cell in notebook.cells:
        if cell.cell_type != "code":
            continue
        shown: list[Any] = []
        for output in cell.outputs:
            if output.output_type == "stream":
                shown.append((output.name, output.text))
            elif output.output_type == "error":
                shown.append(("error", output.ename, output.evalue))
            else:
                pictures = sorted(kind for kind in output.data if kind.startswith("image/"))
                texts = [] if pictures else sorted((k, v) for k, v in output.data.items() if k.startswith("text/"))
                shown.append((output.output_type, pictures, texts))
        found.append(shown)
    return found


def main() -> None:
    """Run every notebook and write it back where its outputs differ."""
    import nbformat

    for path in sorted(FOLDER.glob("*.ipynb")):
        before = path.read_text("utf-8")
        after = nbformat.writes(executed(path)) + "\n"
        path.write_text(after, "utf-8")
        print(f"{path.name}: {'unchanged' if after == before else 'written'}")


if __name__ == "__main__":
    sys.exit(main())
