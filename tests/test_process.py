"""A process ends at once, with what it has to say and the right exit code."""

import subprocess
import sys

import pytest

from goldfold.process import cores

HEAD = """
import sys, tempfile
from goldfold.errors import InputError
from goldfold.process import keep_freed_memory, run_to_end
keep_freed_memory()
def main():
    print("said")
    {end}
run_to_end(main)
"""


@pytest.mark.parametrize(
    ("end", "code", "message"),
    [
        ("pass", 0, ""),
        ("raise InputError('no such fold', mend='give another')", 2, "goldfold: no such fold\nTo mend it: give another"),
        ("raise KeyboardInterrupt('fold 0 is saved')", 130, "goldfold: stopped. fold 0 is saved"),
        ("sys.exit(3)", 3, ""),
        ("1 / 0", 1, "ZeroDivisionError"),
    ],
)
def test_a_process_says_all_and_ends_with_its_code(end, code, message):
    done = subprocess.run([sys.executable, "-c", HEAD.format(end=end)], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (code, "said\n")
    assert message in done.stderr and bool(done.stderr) == bool(message)
    assert ("Traceback" in done.stderr) == (code == 1)


def test_an_error_of_own_code_in_another_process_is_named():
    far = "'Traceback\\n  File \"/home/me/src/own/net.py\", line 7, in forward'"
    end = f"raise ValueError('no') from Exception({far})"
    done = subprocess.run([sys.executable, "-c", HEAD.format(end=end)], capture_output=True, text=True, check=False)
    assert done.returncode == 1 and "your own code, /home/me/src/own/net.py, line 7" in done.stderr


@pytest.mark.parametrize(("quota", "asked", "usable"), [("max 100000", "", 4), ("150000 100000", "", 2), ("max 100000", "3", 3)])
def test_the_cores_are_those_that_may_be_used(tmp_path, monkeypatch, quota, asked, usable):
    monkeypatch.setattr("os.sched_getaffinity", lambda _: range(4))
    monkeypatch.setenv("OMP_NUM_THREADS", asked)
    (tmp_path / "cpu.max").write_text(quota)
    assert cores(tmp_path / "cpu.max") == usable
