"""Sphinx configuration: Markdown pages, API reference from docstrings, formulas as MathML, nothing from outside."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_ext"))

from exactdropout import __version__

project = "exactdropout"
author = "The exactdropout developers"
copyright = "2026, The exactdropout developers"
release = version = __version__

extensions = [
    "myst_nb",
    "sphinx_copybutton",
    "sphinx.ext.autodoc",
    "sphinx.ext.napoleon",
    "mathml",
    "plain_docstrings",
    "units_in_tables",
    "command_help",
]
copybutton_prompt_text = r">>> |\.\.\. |\$ "  # a copied block is what one types
copybutton_prompt_is_regexp = True
source_suffix = {".md": "myst-nb", ".ipynb": "myst-nb", ".rst": "restructuredtext"}
nb_execution_mode = "off"  # the committed outputs are shown; a test executes the notebooks and compares
exclude_patterns = ["_build", "training"]
myst_enable_extensions = ["dollarmath", "amsmath", "colon_fence", "deflist"]
myst_heading_anchors = 3

autodoc_member_order = "bysource"
autodoc_typehints = "signature"
autodoc_default_options = {"members": True}
maximum_signature_line_length = 90
python_use_unqualified_type_names = True
add_module_names = False

html_theme = "furo"
html_title = f"exactdropout {release}"
html_math_renderer = "mathml"
html_static_path = ["_static"]
html_css_files = ["formulas.css"]
html_copy_source = False
html_show_sphinx = False
