"""Reports on theorems: LaTeX, PDF where TeX is present, and one self-contained HTML page.

This room knows what a theorem and a proof look like, not how a proof was found.
"""

from exactdropout.report.html import html_page
from exactdropout.report.latex import latex_document
from exactdropout.report.write import Report, write_report

__all__ = ["Report", "html_page", "latex_document", "write_report"]
