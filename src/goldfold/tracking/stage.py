"""Track a stage: log it to the parent run of its key, and to that parent's folds."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from goldfold.config import Config
from goldfold.errors import DiskError, InputError
from goldfold.files import write_json
from goldfold.identity import result_key
from goldfold.imports import find_modality_part
from goldfold.scratch import repository, scratch_folder
from goldfold.tracking.client import Refused, first_line
from goldfold.tracking.content import (
    cv_content,
    epoch_metrics,
    flat_params,
    fold_content,
    model_name,
    provenance,
    submission_files,
)
from goldfold.tracking.datasets import datasets_of
from goldfold.tracking.delivery import deliver_waiting, keep_all, tell_lost, warn
from goldfold.tracking.files import MODEL, write_pyfunc
from goldfold.tracking.life import Heart
from goldfold.tracking.origin import Origin
from goldfold.tracking.record import Outbox, Record
from goldfold.tracking.store import Store

if TYPE_CHECKING:
    from goldfold.inference.ensemble import Ensemble
    from goldfold.prepare import PreparedSet
    from goldfold.training import FoldResult
    from goldfold.training.reporter import Plan, Row
    from goldfold.validation import CVResult

LIBRARY = Path(__file__).parents[1]
MOST_NOTES = 4000
AUDIT = "audit"
"""The folder of the audit in the prepared set and in the run."""
CARDS, WEIGHTS_FILE = ("model.json", "history.csv"), "model.safetensors"
"""The files of a checkpoint: those beside its weights, and the weights."""
CONFIG, FOLDS = "params.json", "folds"
"""The file with the settings, and the folder of a run that holds it and the checkpoints."""


class FoldTracker:
    """A reporter that logs a fold while it is trained."""

    def __init__(self, stage: StageTracker, name: str) -> None:
        self.stage, self.name = stage, name
        self.run_id: str | None = None
        self.notes: list[str] = []
        self.texts: dict[str, str] = {}

    def note(self, text: str) -> None:
        self.notes.append(text)

    def attach(self, name: str, text: str) -> None:
        self.texts[name] = text

    def started(self, plan: Plan) -> None:
        self.run_id = self.stage.mark(self.name)

    def stepped(self, epoch: int, step: int, loss: Callable[[], float], lr: float) -> None: ...

    def epoch_ended(self, row: Row, best: bool) -> None:
        self.stage.measured(self.name, row)

    def ended(self, done: bool) -> None: ...

    @property
    def tags(self) -> dict[str, str]:
        """The tags of the fold's run that its notes give."""
        return {"goldfold.notes": "\n".join(self.notes)[:MOST_NOTES]} if self.notes else {}


class StageTracker:
    """Logs a stage, and the folds that it trains."""

    def __init__(self, config: Config, prepared: PreparedSet, stage: str, name: str | None = None) -> None:
        self.experiment = prepared.problem.name
        self.key = result_key(prepared, config)
        self.name = name or os.environ.get("DVC_EXP_NAME") or f"{model_name(config)}-{self.key[:6]}"
        self.outbox = Outbox(scratch_folder() / "outbox")
        self.store: Store | None = None
        self.live: dict[str, FoldTracker] = {}
        self.heart = Heart()
        self.scratch = tempfile.TemporaryDirectory()
        self.records = [
            self._record(
                params=flat_params(config),
                tags={**provenance(), "goldfold.data": prepared.fingerprint, "goldfold.stage": stage},
                artifacts={str(path): AUDIT for path in sorted((prepared.folder / AUDIT).glob("audit.*"))},
                datasets=datasets_of(prepared),
            )
        ]

    def _record(self, **content: Any) -> Record:
        return Record(experiment=self.experiment, key=self.key, name=self.name, **content)

    def _try(self, action: Callable[[Store], Any]) -> Any:
        """Do something at the store; if it does not answer, say so once and leave everything to the outbox."""
        if self.store is None:
            return None
        try:
            return action(self.store)
        except Refused as error:
            self._give_up(InputError(f"MLflow refused a record ({first_line(str(error))})"))
        except InputError as error:
            self._give_up(error)
        # Not even a bug of ours here may end a training.
        except Exception as error:
            traceback.print_exc()
            self._give_up(InputError(f"this is a bug in goldfold's tracking ({error})"))
        return None

    def _give_up(self, error: InputError) -> None:
        self.store = None
        warn(error)

    def open(self) -> None:
        """Connect, and mark the parent as running."""
        try:
            self.store = Store(repository())
        except InputError as error:
            self._give_up(error)
        self._mark(self.records[0])

    def _mark(self, record: Record) -> str | None:
        """Mark the run of a record as running in this process; return its id if the store answers."""
        run_id: str | None = self._try(lambda store: store.running(record))
        if run_id and self.store:
            self.heart.beat_for(self.store.client, run_id)
        return run_id

    def close(self, status: str) -> None:
        """Put the stage's records into the outbox, deliver what waits there, and end the runs with `status`."""
        for fold in self.live.values():
            if fold.run_id or fold.notes:
                self.records.append(self._record(fold=fold.name, status=status, tags=fold.tags))
            self._attach(fold)
        self.heart.stop()
        self.records.append(self._record(status=status))
        self._deliver()
        self.scratch.cleanup()

    def _deliver(self) -> None:
        """Put the records into the outbox, and deliver what waits there."""
        unkept = keep_all(self.outbox, self.records)
        self.records = []
        self._try(lambda store: deliver_waiting(self.outbox, store, unkept))
        if self.store is None:
            tell_lost(unkept)

    def fold(self, name: str) -> FoldTracker:
        """Return the reporter of a fold that is going to be trained or taken over."""
        self.live[name] = FoldTracker(self, name)
        return self.live[name]

    def mark(self, fold: str) -> str | None:
        """Mark a fold's run as running, and return its id if the store answers."""
        return self._mark(self._record(fold=fold))

    def measured(self, fold: str, row: Row) -> None:
        """Log an epoch of a fold right away."""
        record = self._record(fold=fold, metrics=epoch_metrics(row))
        self._try(lambda store: store.deliver(record))

    def _attach(self, fold: FoldTracker) -> None:
        """Record the texts of a fold as files of its run."""
        with self._spared():
            for name, text in fold.texts.items():
                file = Path(self.scratch.name) / fold.name / name
                file.parent.mkdir(exist_ok=True)
                file.write_text(text, encoding="utf-8")
                self.records.append(self._record(fold=fold.name, artifacts={str(file): ""}))

    def trained(self, result: FoldResult, origin_file: Path) -> Origin:
        """Record a fold that this stage has trained or taken over, deliver it, and return the run that trained it.

        `origin_file` holds the run of a finished training, for those that take it over.
        """
        fold = self.live.pop(result.name)
        origin = Origin.kept(origin_file) or self._origin(fold.run_id)
        if result.ended == "finished":
            origin.save(origin_file)
        self._folds([result], {name_in_file(result): origin}, fold.tags)
        self._attach(fold)
        if fold.run_id:
            self.heart.rest_for(fold.run_id)
        self._deliver()
        return origin

    def folds(self, results: Sequence[FoldResult], trained_by: Mapping[str, Origin]) -> None:
        """Record all folds of the result as children; one that another run trained, by its name `<fold>-<seed>`, links there."""
        self._folds(results, trained_by, {})
        seconds, moment = (sum(result.history["seconds"].sum() for result in results), results[-1].history["time"].iloc[-1])
        self.records.append(self._record(metrics=[("training_seconds", float(seconds), 0, float(moment))]))

    def _folds(self, results: Sequence[FoldResult], trained_by: Mapping[str, Origin], tags: Mapping[str, str]) -> None:
        for result in results:
            origin = trained_by.get(name_in_file(result))
            own: dict[str, str] = {"goldfold.ended": result.ended, **tags}
            if origin and origin.key != self.key:
                own["goldfold.trained_by"] = origin.run_id or origin.key
            self.records.append(self._record(fold=result.name, status="FINISHED", **fold_content(result, own)))
        cut = [name_in_file(result) for result in results if result.ended != "finished"]
        if cut:
            self.records.append(self._record(tags={"goldfold.cut_by_max_hours": ", ".join(cut)}))

    def cv(self, result: CVResult, folder: Path) -> None:
        """Record the cross-validation on the parent."""
        self.records.append(self._record(**cv_content(result, folder)))

    def submission(self, folder: Path) -> None:
        """Record the submission on the parent."""
        self.records.append(self._record(artifacts=submission_files(folder)))

    def report(self, path: Path) -> None:
        """Record the report on the parent."""
        self.records.append(self._record(artifacts={str(path): "report"}))

    def models(self, config: Config, ensemble: Ensemble, folder: Path) -> None:
        """Record params.yaml and the checkpoints, each in `folder`/<fold>/<seed>, the weights by reference.

        If the kind of input reads rows from outside the competition, the models are logged as MLflow's python_function too,
        from such rows to the answers.
        """
        with self._spared():
            self._models(config, ensemble, folder, Path(self.scratch.name))

    def _models(self, config: Config, ensemble: Ensemble, folder: Path, drafts: Path) -> None:
        write_json(drafts / CONFIG, config.model_dump(mode="json", by_alias=True))
        self.records.append(self._record(artifacts={str(drafts / CONFIG): FOLDS}))
        checkpoints = [result.place for result in ensemble.folds]
        for checkpoint in checkpoints:
            artifacts = {str(folder / checkpoint / name): f"{FOLDS}/{checkpoint}" for name in (*CARDS, WEIGHTS_FILE)}
            self.records.append(self._record(artifacts=artifacts))
        outside = find_modality_part(ensemble.problem.modality, "outside")
        if outside is None:
            return
        ensemble.save_card(drafts / FOLDS)
        for checkpoint in checkpoints:
            shutil.copytree(folder / checkpoint, drafts / FOLDS / checkpoint, ignore=shutil.ignore_patterns(WEIGHTS_FILE))
        code = [folder for folder in (LIBRARY, LIBRARY.parent / "own") if folder.is_dir()]
        columns = outside.outside_columns(ensemble.folds[0].spec)
        files = write_pyfunc(drafts / MODEL, "goldfold.inference.pyfunc", drafts / FOLDS, code, columns, ensemble.columns)
        logged = {str(file): str(file.parent.relative_to(drafts)) for file in files}
        weights = {str(folder / checkpoint / WEIGHTS_FILE): f"{MODEL}/data/{FOLDS}/{checkpoint}" for checkpoint in checkpoints}
        self.records.append(self._record(artifacts=logged | weights))

    @contextmanager
    def _spared(self) -> Iterator[None]:
        """Have a disk that takes no more end the block, with a line, and not the stage."""
        try:
            yield
        except OSError as error:
            told = DiskError.of(error)
            if not isinstance(told, DiskError):
                raise
            print(f"tracking: not all of this run is recorded: {told}", file=sys.stderr, flush=True)

    @property
    def origin(self) -> Origin:
        """The run that this stage belongs to."""
        return self._origin(None)

    def _origin(self, run_id: str | None) -> Origin:
        return Origin(self.experiment, self.key, self.name, run_id or "")


def name_in_file(result: FoldResult) -> str:
    """Return `<fold>-<seed>`, of a refit `refit-<seed>`: the name of a training in the file of those that trained each."""
    return result.place.replace("/", "-")


@contextmanager
def tracked_stage(config: Config, prepared: PreparedSet, stage: str) -> Iterator[StageTracker]:
    """Track a stage: its run is FINISHED when the block ends, FAILED after an error, KILLED after Ctrl-C or SIGTERM."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    with tracked_result(config, prepared, stage) as tracked:
        yield tracked


@contextmanager
def tracked_result(config: Config, prepared: PreparedSet, stage: str, name: str | None = None) -> Iterator[StageTracker]:
    """Track what makes a pipeline result, called `name`, as `tracked_stage` does; signals are the caller's."""
    tracked = StageTracker(config, prepared, stage, name)
    tracked.open()
    try:
        yield tracked
    except (KeyboardInterrupt, SystemExit):
        tracked.close("KILLED")
        raise
    except BaseException:
        tracked.close("FAILED")
        raise
    tracked.close("FINISHED")
