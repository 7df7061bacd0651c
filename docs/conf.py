"""How Sphinx makes the documentation: ``make docs`` in the checkout writes it to build/docs."""

import sys
from importlib.metadata import version as installed_version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent / "_extensions"))

project = "genarris_fw"
version = release = installed_version("genarris_fw")
extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "numpydoc",
    "sphinx_design",
    "sphinx_copybutton",
    # Ours, in docs/_extensions.
    "notebook_pages",
    "option_pages",
    "public_names",
]
exclude_patterns = ["_extensions"]

# Links to headings, as GitHub makes them; front pages of cards.
myst_heading_anchors = 4
myst_enable_extensions = ["colon_fence", "deflist"]
copybutton_prompt_text = r"\$ |>>> "
copybutton_prompt_is_regexp = True

# The Python reference: what a name in backticks is called is linked where it is public.
default_role = "py:obj"
add_module_names = False
autodoc_member_order = "bysource"
autodoc_typehints = "none"  # the docstrings say types, with shapes and units
numpydoc_show_class_members = False
# Indented blocks without a language are commands, and what they print.
highlight_language = "text"

html_context = {"default_mode": "auto"}
html_title = "genarris_fw"
html_theme = "pydata_sphinx_theme"
html_static_path = ["_static"]
html_css_files = ["genarris_fw.css"]
html_logo = "_static/logo.svg"
html_favicon = "_static/logo.svg"
html_show_sourcelink = False
html_copy_source = False
html_theme_options = {
    "logo": {"text": "genarris_fw"},
    "header_links_before_dropdown": 6,
    "navbar_align": "left",
    "navbar_end": ["theme-switcher"],
    "show_toc_level": 1,
    "navigation_depth": 2,
    "show_nav_level": 1,
    "footer_start": ["copyright"],
    "footer_end": [],
}
html_sidebars = {"index": []}
project_copyright = "the authors of genarris_fw; BSD 3-Clause"
