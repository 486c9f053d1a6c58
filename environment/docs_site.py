"""The files of the site: the pages where the repository has them, what they link to beside them, and the API's page.

The site has the repository's layout, so that a link holds on GitHub and in the site alike.
"""

import re
from pathlib import Path
from typing import Any

from griffe import Extension, Object
from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

ROOT = Path(__file__).parents[1]
PAGES = ("README.md", "AGENTS.md", "CONTRIBUTING.md", "CHANGELOG.md", "docs/*.md")
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")
ASSETS = ("environment/iframe-worker.js", "environment/docs_site.css")
API = """# The Python API

What a notebook calls, beside the walk through it in [From Python](docs/python.md).

::: goldfold.repository
    options: {members: [open_repository, Repository, Result], show_root_heading: false, show_root_toc_entry: false}

## What they return

::: goldfold.config.Config
    options: {heading_level: 3}
::: goldfold.competition.Competition
    options: {heading_level: 3}
::: goldfold.competition.Problem
    options: {heading_level: 3}
::: goldfold.prepare.PreparedSet
    options: {heading_level: 3}
::: goldfold.training.FoldResult
    options: {heading_level: 3}
::: goldfold.validation.CVResult
    options: {heading_level: 3}
::: goldfold.validation.Scores
    options: {heading_level: 3}
::: goldfold.prediction.Submission
    options: {heading_level: 3}
::: goldfold.errors.InputError
    options: {heading_level: 3}
"""


DOCTEST = re.compile(r"(^>>> .*(?:\n.+)*)", re.MULTILINE)


class Doctests(Extension):
    """Shows the examples of docstrings as code."""

    def on_object(self, *, obj: Object, **_: Any) -> None:
        """Fence the examples of an object's docstring."""
        if obj.docstring:
            obj.docstring.value = DOCTEST.sub(r"```pycon\n\1\n```", obj.docstring.value)


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Return the pages, the files that they link to, and the API's page, in place of those of docs/ alone."""
    shipped = [path for pattern in PAGES for path in sorted(ROOT.glob(pattern))]
    for path in shipped:
        shipped.extend(target for target in linked(path) if target not in shipped)
    shipped += [ROOT / asset for asset in ASSETS]
    of_the_theme = [file for file in files if file.src_dir != config.docs_dir]
    mirrored = [File.generated(config, str(path.relative_to(ROOT)), abs_src_path=str(path)) for path in shipped]
    return Files([*of_the_theme, *mirrored, File.generated(config, "api.md", content=API)])


def linked(page: Path) -> list[Path]:
    """The repository's files that a page links to."""
    links = LINK.findall(page.read_text(encoding="utf-8")) if page.suffix == ".md" else []
    targets = dict.fromkeys((page.parent / link).resolve() for link in links)
    return [target for target in targets if target.is_file() and target.is_relative_to(ROOT)]
