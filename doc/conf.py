"""Sphinx configuration: sphinx-build -W -b html doc doc/_build (or any folder outside the checkout). The reference of the
keys is asked of the program: build/bin/windbridge, or what WB_PROGRAM names."""
import os
import subprocess

from docutils import nodes
from docutils.parsers.rst import Directive
from docutils.statemachine import StringList

project = "windbridge"
author = "the windbridge developers"
extensions = ["sphinx.ext.mathjax"]
exclude_patterns = ["_build"]
html_theme = "alabaster"
master_doc = "index"


class Keys(Directive):
    """All keys of decks, as windbridge --help-rst prints them from its table."""

    def run(self):
        program = os.environ.get("WB_PROGRAM", os.path.join(os.path.dirname(__file__), "..", "build", "bin", "windbridge"))
        try:
            text = subprocess.run([program, "--help-rst"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as fault:
            return [self.state.document.reporter.warning(f"no reference of the keys without the program: {fault}")]
        node = nodes.section()
        node.document = self.state.document
        self.state.nested_parse(StringList(text.splitlines(), source="windbridge --help-rst"), 0, node, match_titles=1)
        return node.children


def setup(app):
    app.add_directive("windbridge-keys", Keys)
