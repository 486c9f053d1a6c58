"""The track: each configuration prepared, trained on all folds, validated and predicted by what the stages call, and logged."""

from collections.abc import Callable, Sequence
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Any

from goldfold.config import Config
from goldfold.engines.folds import pool_of, train_all
from goldfold.engines.pool import Pool
from goldfold.errors import InputError
from goldfold.files import folder_written_whole, read_json, write_json
from goldfold.identity import result_key
from goldfold.inference.ensemble import Ensemble
from goldfold.members import Member
from goldfold.prediction import Submission
from goldfold.prediction.test_set import predict
from goldfold.prepare import PreparedSet
from goldfold.prepare.apart import prepare_apart
from goldfold.race.answer import Answer, answer_of
from goldfold.race.budget import GRACE, Budget
from goldfold.race.cost import Rows, measured_cost
from goldfold.race.portfolio import Entry
from goldfold.runs.paths import RACE
from goldfold.tracking.stage import tracked_result
from goldfold.training import FoldResult, forget, load_folds, load_refits
from goldfold.training.device import use_threads
from goldfold.training.reporter import Reporter
from goldfold.training.stopping import Stop
from goldfold.validation import CVResult
from goldfold.validation.cross_validation import validate

CARD, FOLDS, RUN = "member.json", "folds", "run.json"


class Competitors:
    """The members of a race, each in a folder of `folder` that bears its name and the start of its identity.

    As a context it holds the processes that train. `base` is the configuration of params.yaml, on whose folds all members are.
    """

    def __init__(
        self, base: Config, budget: Budget, asked: Stop, reporter: Reporter, begun: Callable[[Entry, float], None], scratch: Path
    ) -> None:
        self.base, self.budget, self.stop, self.reporter, self.begun = base, budget, budget.stop(asked), reporter, begun
        self.scratch = scratch
        self.sets: dict[str, PreparedSet] = {}
        self.prepared = self._prepared(base)
        self.pool: Pool[Any] = pool_of(base.runtime, self.prepared, GRACE)
        self.names: dict[str, str] = {}
        self.answers: list[Answer] = []

    def __enter__(self) -> "Competitors":
        self.pool.__enter__()
        return self

    def __exit__(self, *error: object) -> None:
        self.pool.__exit__(*error)

    def kept(self, entry: Entry) -> Member | None:
        """Return the member that an earlier race has finished; raises InputError for one that another entry is already."""
        folder, problem = self._folder(entry), self.prepared.problem
        if not (folder / CARD).is_file():
            return None
        if not (folder / RUN).is_file():
            self.log(entry)
        submission = Submission.load(folder / "submission", problem, self.prepared.sample)
        return Member(folder.name, CVResult.load(folder / "cv", problem), submission, read_json(folder / CARD))

    def cost(self, entry: Entry) -> float:
        """Measure the seconds that it will take."""
        config = entry.config()
        prepared = self._prepared(config)
        kept = self.scratch / "race" / f"{result_key(prepared, config)}.json"
        with use_threads(self.pool.threads):
            rows = Rows.of(prepared, config.split.folds)
            return measured_cost(prepared, config, self.stop, kept).of_all(rows, config, self.pool.at_once)

    def compete(self, entry: Entry, cost: float) -> Member:
        """Train, validate and predict all folds; raises Stopped when the time is over, with what is trained kept in scratch."""
        self.begun(entry, cost)
        config, folder, began = entry.config(), self._folder(entry), self.budget.clock()
        prepared = self._prepared(config)
        with folder_written_whole(folder) as draft:
            folds, refits = self._train(prepared, config, draft / FOLDS)
            # As many as trained it, and as its cost was measured with: where others compute, idle threads wait for each other.
            with use_threads(self.pool.threads):
                cv = validate(prepared, folds, config.validate_, config.predict, config.split.group, self.scratch)
                submission = predict(prepared, Ensemble([*folds, *refits], config.predict, cv.postprocess.steps), self.scratch)
            cv.save(draft / "cv")
            submission.save(draft / "submission")
            card = {"name": folder.name, "tries": entry.tries, "seconds": round(self.budget.clock() - began, 1)}
            write_json(draft / CARD, card)
        forget(self.scratch, [*folds, *refits])
        return Member(folder.name, cv, submission, card)

    def log(self, entry: Entry) -> None:
        """Log a member as a run, like that of any pipeline result."""
        config, folder = entry.config(), self._folder(entry)
        prepared = self._prepared(config)
        models = [*chain.from_iterable(_load(config, folder / FOLDS))]
        cv = CVResult.load(folder / "cv", prepared.problem)
        with tracked_result(config, prepared, "race", folder.name) as tracked:
            tracked.folds(models, {})
            tracked.cv(cv, folder / "cv")
            tracked.submission(folder / "submission")
            tracked.models(config, Ensemble(models, config.predict, cv.postprocess.steps), folder / FOLDS)
        tracked.origin.save(folder / RUN)

    def answer(self, members: Sequence[Member]) -> None:
        """Have the submission of these members stand, and keep its score."""
        with use_threads(self.pool.threads):
            self.answers.append(answer_of(self.prepared, self.base, members, quick=True))
        with folder_written_whole(RACE / "answer") as draft:
            self.answers[-1].submission.save(draft / "submission")

    def last_answer(self, members: Sequence[Member]) -> Answer:
        """Return the answer of these members, by the best method and with its interval."""
        with use_threads(self.pool.threads):
            return answer_of(self.prepared, self.base, members, quick=False)

    def _train(self, prepared: PreparedSet, config: Config, folder: Path) -> tuple[list[FoldResult], list[FoldResult]]:
        training = train_all(prepared, config, folder, self.scratch, lambda _: self.reporter, self.stop, self.pool)
        with closing(training) as trained:
            for _ in trained:
                pass
        return _load(config, folder)

    def _folder(self, entry: Entry) -> Path:
        """The folder of an entry's member, by the name of its run; raises InputError where another entry is the same."""
        config = entry.config()
        key = result_key(self._prepared(config), config)
        first = self.names.setdefault(key, entry.name)
        if first != entry.name:
            raise InputError(f"it is the same as {first}")
        return RACE / "members" / f"{entry.name}-{key[:6]}"

    def _prepared(self, config: Config) -> PreparedSet:
        """The prepared set of a configuration, made once for all with the same settings; raises InputError for other folds."""
        key = config.model_dump_json(include={"competition", "prepare"})
        if key not in self.sets:
            prepared = prepare_apart(config, self.scratch)
            if self.sets and prepared.split_digest() != self.prepared.split_digest():
                raise InputError(
                    "its rows come into other folds than those of params.yaml", mend="set prepare.duplicates: keep for both"
                )
            self.sets[key] = prepared
        return self.sets[key]


def _load(config: Config, folder: Path) -> tuple[list[FoldResult], list[FoldResult]]:
    """The models of the folds, and those on all rows."""
    return load_folds(folder, config.split.folds, config.train.seeds), load_refits(folder, config.predict)
