"""`make docs`: every page is in the site once, its links hold there and on GitHub, and no network is asked for anything."""

import re
import shutil
import subprocess
from html import unescape
from html.parser import HTMLParser

import pytest
from ruamel.yaml import YAML
from tests.conftest import ROOT

PAGES = [ROOT / name for name in ("README.md", "AGENTS.md", "CONTRIBUTING.md", "CHANGELOG.md")] + sorted(ROOT.glob("docs/*.md"))
MKDOCS = ROOT / ".venv-docs/bin/mkdocs"
LINK = re.compile(r"\]\(([^)#:\s]+)(?:#[^)]*)?\)")


def named(part):
    """The pages that a part of mkdocs.yml's nav names, in order."""
    parts = part if isinstance(part, list) else part.values() if isinstance(part, dict) else None
    return [part] if parts is None else [page for inner in parts for page in named(inner)]


def test_the_site_names_each_page_once():
    pages = named(YAML(typ="safe").load((ROOT / "mkdocs.yml").read_text())["nav"])
    assert len(set(pages)) == len(pages) and pages[:2] == ["README.md", "docs/init.md"]
    assert {str(path.relative_to(ROOT)) for path in PAGES} <= set(pages)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.name)
def test_links_of_a_page_lead_to_files(page):
    assert not [link for link in LINK.findall(page.read_text()) if not (page.parent / link).is_file()]


def test_tools_are_pinned():
    lines = (ROOT / "requirements-docs.txt").read_text().splitlines()
    assert all(re.fullmatch(r"#.*|[\w.-]+==[\w.]+", line) for line in lines) and "mkdocs==" in "\n".join(lines)


def loaded(file):
    """The addresses that a browser loads with a page or a style."""
    if file.suffix == ".css":
        found = re.findall(r"url\(['\"]?([^'\")]+)", file.read_text())
        return [address for address in found if not address.startswith(("data:", "#"))]
    addresses, parser = [], HTMLParser()

    def begin(tag, given):
        given = dict(given)
        if tag in ("script", "img", "iframe") and "src" in given:
            addresses.append(given["src"])
        if tag == "link" and given["rel"] in ("stylesheet", "icon", "preconnect", "preload"):
            addresses.append(given["href"])

    parser.handle_starttag = begin
    parser.feed(file.read_text())
    return addresses


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    if not MKDOCS.is_file():
        pytest.skip("`make docs` makes the environment of the site, .venv-docs")
    folder = tmp_path_factory.mktemp("site")
    built = subprocess.run([MKDOCS, "build", "--site-dir", folder], cwd=ROOT, capture_output=True, text=True)
    assert built.returncode == 0, built.stderr
    return folder


@pytest.mark.slow
def test_the_site_is_built_without_a_warning_and_loads_nothing_from_elsewhere(site):
    pages = sorted(site.rglob("*.html"))
    assert len(pages) >= len(PAGES)
    for page in [*pages, *site.rglob("*.css")]:
        addresses = loaded(page)
        assert not [address for address in addresses if re.match(r"(https?:)?//", address)], page
        if page.name != "404.html":  # which a server shows, at any address
            assert not [at for at in addresses if not (page.parent / at.partition("?")[0]).is_file()], page


@pytest.mark.slow
def test_the_api_is_that_of_the_docstrings_with_their_examples_as_code(site):
    page = (site / "api.html").read_text()
    text = unescape(re.sub(r"<[^>]+>", "", page))
    assert "The rows that a fold is validated on." in text
    assert re.search(r"<code>[^\n]*&gt;&gt;&gt; </span>.*repo", page) and "<blockquote>" not in page
    assert 'id="goldfold.repository.Repository.score"' in page


@pytest.mark.slow
def test_search_has_its_index_where_a_file_can_read_it(site):
    index = (site / "search/search_index.js").read_text()
    assert index.startswith("var __index = ") and "pseudo-label" in index
    assert "environment/iframe-worker.js" in (site / "index.html").read_text()


@pytest.mark.slow
def test_a_page_with_a_broken_link_or_outside_the_nav_is_refused(tmp_path, site):
    copied = (
        "mkdocs.yml",
        "environment",
        "docs",
        "src",
        "benchmarks",
        "notebooks",
        "experiments",
        "README.md",
        "AGENTS.md",
        "tests",
    )
    for name in (*copied, "CONTRIBUTING.md", "CHANGELOG.md", "LICENSE", "params.yaml"):
        source = ROOT / name
        ignored = shutil.ignore_patterns("__pycache__", "current", "bundles", "*.png")
        shutil.copytree(source, tmp_path / name, ignore=ignored) if source.is_dir() else shutil.copy(source, tmp_path / name)
    (tmp_path / "docs/stray.md").write_text("# Stray\n\n[gone](gone.md)\n")
    built = subprocess.run([MKDOCS, "build"], cwd=tmp_path, capture_output=True, text=True)
    assert built.returncode and "stray.md" in built.stderr and "gone.md" in built.stderr
