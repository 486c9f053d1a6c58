"""Foreign: a member that was made elsewhere, with the command that predicts other test rows."""

import os
import shlex
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from goldfold.bundle.packing import CARD
from goldfold.competition import Competition, Problem
from goldfold.errors import InputError
from goldfold.files import read_json, write_json
from goldfold.members import read_predicted
from goldfold.metrics import Array

CODE, OUT = "code", "predictions.csv"


@dataclass(frozen=True)
class Foreign:
    """A command, run in a copy of its folder of code: `{data}` is the competition's folder, `{out}` the file it writes."""

    name: str
    problem: Problem
    command: str
    code: Path

    def write(self, folder: Path) -> None:
        """Write the card, and the code beside it."""
        shutil.copytree(self.code, folder / CODE, ignore=shutil.ignore_patterns("__pycache__", ".git"))
        write_json(folder / CARD, {"name": self.name, "command": self.command})

    @classmethod
    def load(cls, folder: Path, problem: Problem) -> "Foreign":
        """Read what `write` wrote."""
        card = read_json(folder / CARD)
        return cls(card["name"], problem, card["command"], folder / CODE)

    def predict(self, competition: Competition) -> pd.DataFrame:
        """Run the command, and return its predictions of the competition's test rows, a row per id.

        Raises InputError where it fails, or writes none.
        """
        ids = competition.test[self.problem.id]
        with tempfile.TemporaryDirectory() as folder:
            work, out = Path(folder) / CODE, Path(folder) / OUT
            shutil.copytree(self.code, work)
            data = competition.root.resolve()
            words = [word.format(data=data, out=out) for word in shlex.split(self.command)]
            done = subprocess.run(words, cwd=work, capture_output=True, text=True, check=False, env=os.environ)
            if done.returncode or not out.is_file():
                what = f"ended with exit code {done.returncode}" if done.returncode else f"wrote no {OUT}"
                raise InputError(f"the command of {self.name} {what}: {shlex.join(words)}", done.stderr.strip().splitlines()[-5:])
            values: Array = read_predicted(out, self.problem, ids).values
        return pd.concat([ids.reset_index(drop=True), self.problem.table(values)], axis=1)
