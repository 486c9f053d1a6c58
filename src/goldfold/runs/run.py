"""The runs that a person names: `current`, or the name or id of a run in MLflow."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldfold.errors import InputError
from goldfold.files import read_json
from goldfold.runs.paths import CURRENT

if TYPE_CHECKING:
    import pandas as pd

    from goldfold.competition import Problem
    from goldfold.config import Config
    from goldfold.prepare import PreparedSet
    from goldfold.validation import CVResult


@dataclass(frozen=True)
class Run:
    """A result: the `origin` is its MLflow run's id (the name, for `current`), `group` the column that its split kept together.

    `folder` gives the folder with its files of a kind, `cv` or `submission`; `tracked` names the run to records, and is empty
    where there is none.
    """

    name: str
    origin: str
    group: str | None
    folder: Callable[[str], Path]
    tracked: Mapping[str, str] = field(default_factory=dict)

    def cv(self, problem: "Problem") -> "CVResult":
        """Its cross-validation; raises InputError where it has none, or one by another metric than the problem's."""
        from goldfold.validation import CVResult
        from goldfold.validation.cv_result import METRIC

        folder = self.folder("cv")
        now = {"name": problem.scored_by.name, "arguments": problem.metric_args}
        scored_by = now
        if (folder / METRIC).is_file():
            scored_by = read_json(folder / METRIC)
        elif (folder / "metrics.json").is_file():
            # Runs of before that file was written tell the name alone.
            scored_by = {**now, "name": next(iter(read_json(folder / "metrics.json")))}
        if scored_by != now:
            raise InputError(
                f"{self.name} was scored by {_metric(scored_by)}, but the competition, as it is prepared now, by {_metric(now)}",
                mend="name runs with that metric, or set competition.metric to theirs and run `dvc repro prepare`",
            )
        return CVResult.load(folder, problem)

    def test(self, problem: "Problem", ids: "pd.Series") -> "pd.DataFrame":
        """Its test predictions, a row per id in their order; raises InputError where it has none, or those of other rows."""
        import pandas as pd

        path = self.folder("submission") / "predictions.parquet"
        if not path.is_file():
            raise InputError(f"{self.name} has no test predictions", mend="run `dvc repro`, or name a whole pipeline result")
        table = pd.read_parquet(path)
        places = [f"{problem.id} {i}: not predicted" for i in ids[~ids.isin(table[problem.id])]]
        places += [f"{problem.id} {i}: not in data/prepared" for i in table[problem.id][~table[problem.id].isin(ids)]]
        if places:
            raise InputError(f"{self.name} predicted other test rows than data/prepared has", places, "run it again on these")
        return table.set_index(problem.id).loc[list(ids)].reset_index()

    def submission(self, prepared: "PreparedSet") -> Path:
        """Its submission, checked again; raises InputError where it breaks the contract, or where rows were not predicted."""
        import pandas as pd

        from goldfold.prediction import Submission, check_submission

        folder = self.folder("submission")
        path, predictions = folder / "submission.csv", folder / "predictions.parquet"
        if not path.is_file() or not predictions.is_file():
            raise InputError(f"{self.name} has no submission in {folder}", mend="run `dvc repro`, or name a whole result")
        check_submission(path, prepared.sample, prepared.problem)
        made = Submission(prepared.problem, prepared.sample, pd.read_parquet(predictions))
        if not made.is_whole:
            raise InputError(
                f"{self.name} predicted {len(made.predictions)} rows (prepare.rows); the other answers are the sample's",
                mend="set prepare.rows to null and run `dvc repro`, or name a run on all rows",
            )
        return path


def find_runs(names: Sequence[str], config: "Config") -> list[Run]:
    """The runs of these names; raises InputError where one does not exist, or stands twice.

    Different runs that bear the same name are told apart by the start of their ids.
    """
    runs = [_find_run(name, config) for name in names]
    keys = [run.tracked.get("key", run.origin) for run in runs]
    twice = [run.name for place, run in enumerate(runs) if keys[place] in keys[:place]]
    if twice:
        raise InputError(f"named twice: {', '.join(twice)}", mend="name each run once")
    shared = Counter(run.name for run in runs)
    return [replace(run, name=f"{run.name}-{run.origin[:6]}") if shared[run.name] > 1 else run for run in runs]


def groups_of(prepared: "PreparedSet", runs: Sequence[Run], ids: "pd.Series") -> "pd.Series | None":
    """The group of each id, which is its index, by the column that the runs' split kept together; None where there is none."""
    import pandas as pd

    column = next((run.group for run in runs if run.group), None)
    if column is None:
        return None
    table = prepared.train.set_index(prepared.problem.id)
    unknown = ids[~ids.isin(table.index)]
    if column not in table or len(unknown):
        raise InputError(
            f"data/prepared does not know the groups of the runs' rows (split.group {column})",
            [f"{ids.name} {i}: not there" for i in unknown] or [f"there is no column {column}"],
            "run `dvc repro prepare` on the runs' training table",
        )
    groups: pd.Series = table[column]
    return groups


def _metric(asked: Mapping[str, Any]) -> str:
    """A metric's name, and its arguments where it has some."""
    arguments = ", ".join(f"{name} {value}" for name, value in asked["arguments"].items())
    return f"{asked['name']} ({arguments})" if arguments else str(asked["name"])


def _find_run(name: str, config: "Config") -> Run:
    from goldfold.tracking import read_origin
    from goldfold.tracking.results import TrackedResult

    if name == "current":
        origin = read_origin(CURRENT / "tracking" / "predict.json")
        return Run("current", origin.get("name", "not tracked"), config.split.group, lambda kind: CURRENT / kind, origin)
    found = TrackedResult.find(name)
    group = found.params.get("split.group", "None")
    return Run(found.name, found.id, None if group == "None" else group, found.folder, found.origin)
