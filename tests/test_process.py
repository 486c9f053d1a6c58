"""A process ends at once, with what it has to say and the right exit code."""

import subprocess
import sys

import pytest

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
