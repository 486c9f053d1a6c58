"""What params.yaml says about tables: the columns and the model."""

from collections.abc import Mapping
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from goldfold.config import Component, Kind, ModelConfig, PrepareConfig
from goldfold.config.learning import Share
from goldfold.modalities.table.features.entries import AnyEntry

Use = Literal["number", "boolean", "category", "date", "time", "duration", "text", "drop"]
"""A kind of column, or drop, which leaves it out."""


class TablePrepareConfig(PrepareConfig):
    """The columns, and those made of them."""

    columns: dict[str, Use] = Field({})
    """The kinds of columns, by name, where what is worked out from the data is not meant; drop leaves a column out."""
    features: tuple[AnyEntry, ...] = Field(())
    """Columns made of others, learned from the training rows of each fold alone; an entry may read what entries before it
    made: [{name: count, of: Ticket}, {name: target, of: [[Pclass, Sex]]}]."""

    @property
    def kinds(self) -> Mapping[str, Kind]:
        return {name: kind for name, kind in self.columns.items() if kind != "drop"}


class TableModelConfig(ModelConfig):
    """The model of a table. `hidden` and what follows are the MLP's."""

    name: str = "mlp"
    """mlp; linear; an estimator of scikit-learn, such as HistGradientBoosting (Classifier or Regressor is added); or an import
    path: of an estimator, lightgbm:LGBM, or of your own nn.Module, called with (numbers, categories, outputs) and `args`."""
    hidden: tuple[Annotated[int, Field(ge=1)], ...] = (256, 128)
    """The widths of the hidden layers."""
    activation: str = "ReLU"
    """Their activation, of torch.nn."""
    dropout: Share = 0.2
    """The share of features that is dropped in training, after each hidden layer."""
    batch_norm: bool = False
    """A batch norm after each hidden layer's linear part."""
    periodic: int = Field(16, ge=0)
    """The width of each number's periodic embedding (Gorishniy et al. 2022, https://arxiv.org/abs/2203.05556); 0 takes the
    numbers as they are."""
    hidden_init: str | None = None
    """How the hidden layers' weights are drawn: a function of torch.nn.init, such as kaiming_uniform_ (He, for ReLU)."""
    output_init: str | None = None
    """How the output layer's weights are drawn, such as xavier_uniform_."""
    scale: Literal["standard", "quantile"] = "quantile"
    """standard subtracts the mean and divides by the deviation; quantile makes each number's distribution normal."""
    target_encoding: int | None = Field(None, ge=2)
    """Categories with at least so many values are also encoded by the mean of the target, across folds within the training
    rows (scikit-learn's TargetEncoder); none is by default."""
    early_stopping: int | None = Field(None, ge=1)
    """Boosted trees alone: after so many rounds without improvement no more are added. They are judged on one of the other folds,
    never on the fold's own rows, and the best count is then fitted to all training rows."""
    native_categories: bool = False
    """Whether LightGBM, XGBoost and CatBoost are told which columns are categories; HistGradientBoosting always is."""
    monotone: dict[str, Literal[-1, 1]] = Field({})
    """Boosted trees alone: columns of numbers with which predictions may rise only (1) or fall only (-1)."""
    rare: int = Field(3, ge=1)
    """A category seen in fewer training rows than this is unknown, as one is that training never saw."""

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.name != "mlp":
            mlp = ("hidden", "activation", "dropout", "batch_norm", "periodic", "hidden_init", "output_init")
            given = [key for key in mlp if getattr(self, key) != type(self).model_fields[key].default]
            if given:
                raise ValueError(f"{', '.join(given)} are the mlp's: give {self.name} its arguments in args")
        elif self.args:
            raise ValueError("args are passed to an estimator or your own module, and the mlp has settings of its own")
        trees = ("early_stopping", "native_categories", "monotone")
        given = [key for key in trees if getattr(self, key)]
        if given and self.name == "mlp":
            raise ValueError(f"{', '.join(given)} are for boosted trees, such as model.name: HistGradientBoosting")
        return self

    def beside_features(self, estimator: Component) -> "TableModelConfig":
        return self.model_copy(update={"name": estimator.name, "args": estimator.args}) if self.name == "mlp" else self


MODEL, PREPARE = TableModelConfig, TablePrepareConfig
