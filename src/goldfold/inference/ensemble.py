"""Ensemble: the models of a run, and how their predictions become its answers."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import pandas as pd

from goldfold.competition import Problem
from goldfold.competition.mask_answers import codes_of
from goldfold.config import PredictConfig, place_of
from goldfold.errors import InputError
from goldfold.files import read_json, write_json
from goldfold.inference.averaging import average
from goldfold.inference.fold import predict_fold
from goldfold.inference.postprocess import Step, Steps, processed
from goldfold.inference.sources import Source
from goldfold.metrics import Array
from goldfold.training import FoldResult

CARD = "ensemble.json"
PLAIN = PredictConfig()


@dataclass(frozen=True)
class Ensemble:
    """The folds' checkpoints, the test-time augmentation and average that they predict by, and the fitted post-processing.

    Refits are among the folds: each of their checkpoints counts as one more. Files: ensemble.json, and <fold>/<seed>/, of a refit
    refit/<seed>/ (see FoldResult).
    """

    folds: Sequence[FoldResult] = field(repr=False)
    config: PredictConfig = PLAIN
    postprocess: Steps = ()

    @property
    def problem(self) -> Problem:
        """The problem that it answers."""
        return self.folds[0].codec.problem

    @property
    def checkpoints(self) -> int:
        """The number of the checkpoints of all folds."""
        return sum(1 + len(result.further) for result in self.folds)

    @property
    def columns(self) -> dict[str, str]:
        """The columns of its answers, each with its type in MLflow: a label where there are classes, and Problem.outputs; of
        masks their run-length codes."""
        if self.problem.has_masks:
            return dict.fromkeys(self.problem.targets, "string")
        label = {"label": "string"} if self.problem.is_exclusive or self.problem.grades else {}
        return {**label, **dict.fromkeys(self.problem.outputs, "double")}

    def predict_by_fold(self, source: Source) -> dict[int, list[Array]]:
        """Predict rows by each checkpoint of each fold and seed, as they are and changed."""
        members: dict[int, list[Array]] = {}
        for result in self.folds:
            members.setdefault(result.fold, []).extend(predict_fold(result, source, self.config))
        return members

    def average(self, members: Sequence[Array]) -> Array:
        """Average predictions on the scale of predict.average, within predict.clip."""
        return average(self.problem, members, self.config.average, self.config.clip)

    def predict(self, source: Source) -> Array:
        """Predict rows, in the shape that metrics take: the average over all members."""
        return self.average([member for members in self.predict_by_fold(source).values() for member in members])

    def processed(self, source: Source) -> Array:
        """Predict rows, post-processed."""
        return processed(self.problem, self.postprocess, self.predict(source))

    def answers(self, source: Source) -> pd.DataFrame:
        """Predict rows as the submission answers them, post-processed; see `columns`."""
        prediction = self.processed(source)
        if self.problem.has_masks:
            return codes_of(self.problem, prediction)
        # A confidence has a column after the values, for the submission alone.
        columns = prediction.reshape(len(prediction), -1).T
        table = pd.DataFrame(dict(zip(self.problem.outputs, columns, strict=False)))
        if "label" in self.columns:
            table.insert(0, "label", [str(label) for label in self.problem.labels(prediction)])
        return table

    def save(self, folder: Path) -> None:
        """Write the files."""
        for result in self.folds:
            result.save(folder / result.place)
        self.save_card(folder)

    def save_card(self, folder: Path) -> None:
        """Write what is not in the checkpoints' own files."""
        card = {
            "folds": [[result.fold, result.seed] for result in self.folds],
            "predict": self.config.model_dump(mode="json"),
            "postprocess": [asdict(step) for step in self.postprocess],
        }
        write_json(folder / CARD, card)

    @classmethod
    def load(cls, folder: Path) -> "Ensemble":
        """Read what `save` wrote; raises InputError where there is none."""
        if not (folder / CARD).is_file():
            raise InputError(f"there are no models of a run in {folder}", mend="name a whole pipeline result that was not pruned")
        card: dict[str, Any] = read_json(folder / CARD)
        return cls(
            folds=[FoldResult.load(folder / place_of(fold, seed)) for fold, seed in card["folds"]],
            config=PredictConfig.model_validate(card["predict"]),
            postprocess=tuple(Step(**step) for step in card["postprocess"]),
        )
