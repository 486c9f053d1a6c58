"""Pages in headless Chromium, as wide as a phone and a desk, light and dark.

With AXE=node_modules/axe-core/axe.min.js, of npm's axe-core, axe looks at them too. All pages stand in frames of one outer page,
whose script writes down what it finds.
"""

import json
import os
import re
import shutil
import subprocess
from html import unescape
from pathlib import Path

import pytest
from tests.pages.made import made_pages

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
AXE = os.environ.get("AXE")
WIDTHS = {"phone": 390, "desk": 1280}
SCHEMES = {"dark": 0, "light": 1}
"""As Chromium numbers them."""
WATCH = """
const found = {};
const look = async frame => {
  const page = frame.contentDocument, width = page.documentElement.clientWidth;
  const facts = found[frame.name] = {
    width, sideways: page.documentElement.scrollWidth - width,
    dark: frame.contentWindow.matchMedia("(prefers-color-scheme: dark)").matches,
  };
  if (window.axe) {
    frame.contentWindow.eval(AXE);
    const { violations } = await frame.contentWindow.axe.run(page, { resultTypes: ["violations"] });
    facts.serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical")
      .map(({ id, nodes }) => `${id}: ${nodes.length}, ${nodes[0].html.slice(0, 200)} ${nodes[0].failureSummary}`);
  }
};
addEventListener("load", async () => {
  for (const frame of document.querySelectorAll("iframe")) await look(frame);
  const out = document.createElement("pre");
  out.textContent = JSON.stringify(found);
  document.body.replaceChildren(out);
});
"""

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BROWSER is None, reason="no Chromium is installed here"),
]


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """The pages of runs with 2 and with 200 classes, by name."""
    made = {}
    for classes in (2, 200):
        folder = tmp_path_factory.mktemp(f"classes{classes}")
        for name, text in made_pages(folder, classes).items():
            made[f"{name} {classes}"] = folder / f"{name}.html"
            made[f"{name} {classes}"].write_text(text)
    return made


@pytest.fixture(scope="module", params=SCHEMES)
def found(request, pages, tmp_path_factory):
    """What the browser found in one of the colour schemes, by page and width."""
    folder = tmp_path_factory.mktemp(request.param)
    axe = f"const AXE = {json.dumps(Path(AXE).read_text())}; window.axe = true;" if AXE else ""
    (folder / "watch.js").write_text(axe + WATCH)
    frames = [
        f'<iframe name="{name} {wide}" src="{path.as_uri()}" style="width: {width}px; height: 900px; border: 0"></iframe>'
        for name, path in pages.items()
        for wide, width in WIDTHS.items()
    ]
    (folder / "outer.html").write_text(f'<!doctype html><script src="watch.js"></script><body>{"".join(frames)}')
    command = [
        *(
            BROWSER,
            "--headless",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-background-networking",
            "--no-first-run",
            "--hide-scrollbars",
        ),
        *("--allow-file-access-from-files", f"--user-data-dir={folder / 'profile'}", "--dump-dom", "--virtual-time-budget=60000"),
        *(f"--blink-settings=preferredColorScheme={SCHEMES[request.param]}", (folder / "outer.html").as_uri()),
    ]
    seen = subprocess.run(command, capture_output=True, text=True, timeout=240)
    (written,) = re.findall(r"<pre>(.*?)</pre>", seen.stdout, re.DOTALL)
    facts = json.loads(unescape(written))
    assert len(facts) == len(frames) and {each["dark"] for each in facts.values()} == {request.param == "dark"}
    return facts


def test_no_page_scrolls_sideways(found):
    assert {each["width"] for each in found.values()} == set(WIDTHS.values())
    assert not {name: each["sideways"] for name, each in found.items() if each["sideways"] > 0}


@pytest.mark.skipif(not AXE, reason="AXE names no axe.min.js of npm's axe-core")
def test_axe_finds_nothing_serious(found):
    assert not {name: each["serious"] for name, each in found.items() if each["serious"]}
