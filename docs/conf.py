"""Sphinx settings."""

from importlib.metadata import version as installed

project = "xpcs_nb"
author = copyright = "the xpcs_nb developers"
release = version = installed("xpcs-nb")
extensions = ["myst_parser", "numpydoc", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.mathjax"]
source_suffix = {".md": "markdown", ".rst": "restructuredtext"}
exclude_patterns = ["_build"]
myst_enable_extensions = ["dollarmath", "colon_fence"]
myst_heading_anchors = 3
autosummary_generate = True
autodoc_typehints = "none"
numpydoc_show_class_members = False
html_theme = "furo"
html_title = "xpcs_nb"
nitpicky = False
