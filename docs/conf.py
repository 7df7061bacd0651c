"""How Sphinx makes the pages: ``pip install .[docs]``, then ``sphinx-build -b html docs build/docs``."""

from importlib.metadata import version as installed_version

project = "genarris_fw"
version = release = installed_version("genarris_fw")
extensions = ["myst_parser"]
myst_heading_anchors = 3
html_theme = "alabaster"
html_theme_options = {"page_width": "1100px"}
