"""Sphinx configuration: sphinx-build -W -b html doc doc/_build (or any folder outside the checkout)."""
project = "windbridge"
author = "the windbridge developers"
extensions = ["sphinx.ext.mathjax"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
master_doc = "index"
