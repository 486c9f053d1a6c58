"""`make audit`, by an answer in the form of osv.dev's; nothing is asked of it here."""

import importlib.util
import os
import subprocess
import sys

import pytest
from tests.conftest import ROOT

SCRIPT = ROOT / "environment/vulnerabilities.py"
ANSWER = {
    "querybatch": {"results": [{}, {"vulns": [{"id": "GHSA-1"}, {"id": "PYSEC-1"}, {"id": "GHSA-2"}, {"id": "GHSA-3"}]}]},
    "vulns/GHSA-1": {
        "id": "GHSA-1",
        "aliases": ["CVE-1", "PYSEC-1"],
        "summary": "A file runs code",
        "affected": [
            {
                "package": {"name": "Pillow", "ecosystem": "PyPI"},
                "ranges": [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "13.0.1"}]}],
            },
            {"package": {"name": "another"}, "ranges": [{"events": [{"fixed": "9.9"}]}]},
        ],
    },
    "vulns/PYSEC-1": {"id": "PYSEC-1", "aliases": ["CVE-1"], "details": "the same"},
    "vulns/GHSA-2": {"id": "GHSA-2", "details": "It hangs\nat length"},
    "vulns/GHSA-3": {"id": "GHSA-3", "summary": "none after all", "withdrawn": "2026-01-01"},
}


@pytest.fixture
def script():
    spec = importlib.util.spec_from_file_location("vulnerabilities", SCRIPT)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def pinned(tmp_path):
    (tmp_path / "a.txt").write_text("# a comment\nnumpy==2.4.6\npillow==13.0.0\n")
    (tmp_path / "b.txt").write_text("pillow==13.0.0\n")
    return [str(tmp_path / "a.txt"), str(tmp_path / "b.txt")]


def test_each_vulnerability_is_told_once_with_what_mends_it(script, pinned, capsys):
    asked = []

    def ask(path, question):
        asked.append(question)
        return ANSWER[path]

    assert script.main(pinned, ask) == script.FOUND
    said = capsys.readouterr().out.splitlines()
    assert said == [
        "pillow 13.0.0  GHSA-1  A file runs code  (mended in 13.0.1)",
        "pillow 13.0.0  GHSA-2  It hangs  (no version mends it yet)",
        "2 known vulnerabilities of 2 pinned packages, says osv.dev",
    ]
    assert [query["version"] for query in asked[0]["queries"]] == ["2.4.6", "13.0.0"]


def test_no_vulnerability_is_no_error(script, pinned, capsys):
    assert script.main(pinned, lambda path, question: {"results": [{}, {}]}) == 0
    assert capsys.readouterr().out == "0 known vulnerabilities of 2 pinned packages, says osv.dev\n"


def test_offline_it_says_that_it_could_not_ask(pinned):
    nowhere = {**os.environ, "https_proxy": "http://127.0.0.1:9", "HTTPS_PROXY": "http://127.0.0.1:9"}
    done = subprocess.run([sys.executable, SCRIPT, *pinned], env=nowhere, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("could not ask https://api.osv.dev/v1") and "Traceback" not in done.stderr


def test_the_pins_of_the_repository_are_read(script):
    pins = script.pins_of(sorted(ROOT.glob("requirements*.txt")))
    assert {"torch", "kaggle", "openpyxl"} <= {pin.name for pin in pins}
