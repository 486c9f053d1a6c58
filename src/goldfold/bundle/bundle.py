"""Bundle: what a code competition needs of a run, in one folder."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from goldfold.bundle.packing import CARD, Packing, packed, size_of, versions_here
from goldfold.competition import Competition, Problem
from goldfold.config import Config, parse_config
from goldfold.errors import InputError
from goldfold.files import read_json, write_json
from goldfold.imports import modality_part
from goldfold.inference.ensemble import Ensemble
from goldfold.inference.sources import OutsideRows
from goldfold.modalities.protocol import Outside
from goldfold.prediction import Submission
from goldfold.prediction.test_set import submission_of

MODELS = "models"


@dataclass(frozen=True)
class Bundle:
    """The models of a run, and all of params.yaml.

    Files: bundle.json, models/ (see Ensemble), wheels/ with goldfold's own, own/ with the competitor's modules, and
    predict.ipynb, which needs only a competition's files and the libraries of `versions`. What several checkpoints hold alike
    lies once in shared/.
    """

    name: str
    config: Config
    ensemble: Ensemble
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def problem(self) -> Problem:
        """The problem that it answers."""
        return self.ensemble.problem

    def save(self, folder: Path, data: Path, megabytes: float, wheels: Sequence[str] = ()) -> int:
        """Write the files, whole or not at all; return the folder's size in bytes.

        `data` is the notebook's path of the competition, `wheels` are packages to bring along in the version installed here.
        Raises InputError if the folder would be larger than `megabytes`, or would replace other things than a bundle.
        """
        with packed(folder, self.name, self.problem.name, Packing(data, megabytes, wheels)) as draft:
            self.write(draft)
        return size_of(folder)

    def write(self, folder: Path) -> None:
        """Write the card and the models alone."""
        self.ensemble.save(folder / MODELS)
        config = self.config.model_dump(mode="json", by_alias=True)
        write_json(folder / CARD, {"name": self.name, "config": config, "versions": versions_here()})

    @classmethod
    def load(cls, folder: Path) -> "Bundle":
        """Read what `save` wrote."""
        if not (folder / CARD).is_file():
            raise InputError(f"there is no bundle in {folder}", mend="name the folder that goldfold bundle wrote")
        card: dict[str, Any] = read_json(folder / CARD)
        return cls(
            name=card["name"],
            config=parse_config(card["config"], str(folder / CARD)),
            ensemble=Ensemble.load(folder / MODELS),
            versions=card["versions"],
        )

    def predict(self, competition: Competition) -> Submission:
        """Predict the competition's test rows, without its training rows; tells the rows that cannot be read."""
        outside: Outside = modality_part(self.problem.modality, "outside")
        rows = OutsideRows(outside.test_rows(competition))
        submission = submission_of(self.ensemble, rows, competition.test, competition.sample)
        for row, reason in rows.unreadable.items():
            print(f"predicted as if blank: {competition.test[self.problem.id].iloc[row]}: {reason}")
        return submission
