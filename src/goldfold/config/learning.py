"""The sections that a model is trained by: model, augment, finetune, train."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import Field, SerializeAsAny, model_validator

from goldfold.config.section import Arguments, Component, Section, Seed

Share = Annotated[float, Field(ge=0, lt=1)]
REFIT = 2**15 - 1
"""The number of the fold beyond all others: it trains on the rows of all of them, and validates none."""
MIXES = ("MixUp", "CutMix")
"""The transforms of torchvision that mix the rows of a batch."""


class HeadConfig(Section):
    """The head on the backbone's features: a linear layer, after hidden layers if there are any."""

    hidden: tuple[Annotated[int, Field(ge=1)], ...] = ()
    """The widths of hidden layers, each followed by the activation and dropout."""
    activation: str = "ReLU"
    """The hidden layers' activation, by its name in torch.nn."""
    dropout: Share = 0.0
    """The share of the features that is dropped before each linear layer in training."""


class ModelConfig(Section):
    """The network; each kind of input has further settings."""

    name: str
    """A model of the kind of input, or the import path of your own."""
    args: Arguments = Field({})
    """Arguments that are passed on to it."""

    @property
    def starts_pretrained(self) -> bool:
        """Whether training starts from pretrained weights."""
        return False

    @property
    def grows(self) -> bool:
        """Whether the inputs grow during training."""
        return False

    @property
    def augmentations(self) -> tuple[str, ...] | None:
        """The transforms that `augment` may name; None where a library defines them."""
        return ()

    @property
    def tta(self) -> tuple[str, ...] | None:
        """The transforms that `predict.tta` may name; None where a library defines them."""
        return ()

    @property
    def mixed(self) -> str | None:
        """The input that `mixes` mix, if there is one: pictures (b, height, width, channels), or waves (b, windows, samples)."""
        return None

    @property
    def mixes(self) -> tuple[str, ...]:
        """The transforms of torchvision that can mix it."""
        return MIXES

    @property
    def files(self) -> tuple[Path, ...]:
        """Files on whose content the model depends."""
        return ()

    @property
    def libraries(self) -> tuple[str, ...]:
        """What is imported when the model is built, for processes that import it ahead."""
        return ()

    @property
    def reader(self) -> Component | None:
        """The estimator that reads the features of the frozen network, if one does in the head's place."""
        return None

    def beside_features(self, estimator: Component) -> "ModelConfig":
        """Return the settings whose model has the columns that an estimator reads beside the features of frozen networks."""
        return self


class FinetuneConfig(Section):
    """Which part of the network is trained, from when, and at which share of the learning rate."""

    train: Literal["all", "head"] = "all"
    """head freezes the backbone, including the statistics of its batch norms."""
    head_epochs: int = Field(0, ge=0)
    """How many epochs at first train the head alone; the scheduler spans the epochs after them."""
    head_lr: float | None = Field(None, gt=0)
    """The learning rate of these epochs; by default train.lr."""
    unfreeze_every: int | None = Field(None, ge=1)
    """Epochs after which the backbone's next stage joins in, from the last to the first; by default all join at once."""
    layer_decay: float | None = Field(None, gt=0, le=1)
    """The factor by which the learning rate falls from layer to layer, from the head down."""
    feature_views: int = Field(4, ge=0)
    """With train: head, how many augmented views of each row the backbone reads, once; the epochs take them in turn. 0 computes
    the features anew in each epoch."""
    norm_weight_decay: float = Field(0.0, ge=0)
    """The weight decay of norms and biases, instead of train.weight_decay."""
    freeze_batch_norm: bool = False
    """Freeze the statistics and weights of the backbone's batch norms: for small batches and little data."""


class AverageConfig(Section):
    """An average of the weights, which is validated and kept instead of the last weights."""

    name: Literal["ema", "swa"]
    """ema averages over steps with an exponential decay (timm's ModelEmaV3), swa over epochs with equal weight (torch's
    AveragedModel; Izmailov et al. 2018)."""
    decay: float = Field(0.999, gt=0, lt=1)
    """The share of the ema that is kept at each step; it rises to this from 0 in the first steps."""
    start: int = Field(0, ge=0)
    """The first epoch that is averaged; before it the weights themselves are validated."""


class PseudoConfig(Section):
    """Test rows to train on, labelled by a run's models; for each fold by that fold's models alone."""

    labels: Path
    """The file that `goldfold pseudo-label RUN` wrote."""
    confidence: float = Field(0.9, ge=0, le=1)
    """The least probability of a row's class (in a multilabel task of each label, or of its absence) for the row to be used; in a
    regression all rows are."""
    soft: bool = False
    """Learn the probabilities rather than the most probable class."""


class TrainConfig(Section):
    """The training of one fold."""

    epochs: int = Field(10, ge=1, le=100_000)
    """Passes over the training rows."""
    continue_from: int | None = Field(None, ge=1)
    """Continue a training of this many epochs with the same settings, rather than span all epochs with one schedule.
    It starts from that training's last state if train.keep_state kept it, else trains it again."""
    batch_size: int = Field(64, ge=1)
    """Rows per step of the optimiser."""
    micro_batch_size: int | None = Field(None, ge=1)
    """Rows that pass through the network at once, with their gradients accumulated over the batch; by default all of it."""
    lr: float = Field(1e-3, gt=0)
    """The head's learning rate, and the backbone's unless finetune.layer_decay lowers it; the peak of a OneCycleLR."""
    weight_decay: float = Field(0.05, ge=0)
    """The optimiser's weight decay; norms and biases have finetune.norm_weight_decay."""
    optimizer: Component = Component(name="adamw")
    """An optimiser of timm (which has torch's), with its arguments."""
    scheduler: Component = Component(name="CosineAnnealingLR")
    """A scheduler of torch.optim.lr_scheduler with its arguments. One that needs a length (total_steps, T_max) and has none
    set spans the training and steps each batch; every other one steps each epoch."""
    warmup_epochs: float = Field(0, ge=0)
    """Epochs in which the learning rate rises linearly from zero, before the scheduler starts."""
    loss: Component | None = None
    """A loss of torch.nn, timm.loss or goldfold.training.losses (FocalLoss), with its arguments; by default
    BCEWithLogitsLoss, CrossEntropyLoss or MSELoss."""
    class_weights: Literal["balanced"] | tuple[Annotated[float, Field(gt=0)], ...] | None = None
    """The weight of each class (of each label's positives) in the loss; balanced is inversely proportional to its rows."""
    label_smoothing: Share = 0.0
    """The share of each training target that is spread over all classes (Szegedy et al. 2016)."""
    sampling: Literal["shuffle", "balanced"] = "shuffle"
    """balanced draws rows with replacement so that all classes are equally frequent."""
    bucket: bool = True
    """Put inputs of similar length into a batch, where a batch is padded to its longest one."""
    mix: tuple[Component, ...] = ()
    """MixUp and CutMix of torchvision.transforms.v2, with their arguments; one is chosen for each batch. Sounds take MixUp."""
    mix_probability: float = Field(1.0, ge=0, le=1)
    """The share of the batches that are mixed."""
    target_transform: Literal["auto", "none", "log1p"] = "auto"
    """What a regression learns: the value, or log1p of it (auto: log1p where the metric is a log error). Either is
    standardised over the fold's training rows."""
    clip_grad: float | None = Field(None, gt=0)
    """The largest norm of the gradients."""
    average: AverageConfig | None = None
    """An average of the weights, validated and kept instead of them."""
    keep_best: int = Field(1, ge=1)
    """How many of a fold's best epochs are kept as checkpoints, whose predictions are averaged."""
    pseudo: PseudoConfig | None = None
    """Pseudo-labels (Lee 2013): more training rows, from the test set."""
    auxiliary: dict[str, Annotated[float, Field(gt=0)]] = Field({})
    """Columns of the training table, which the test table may lack, that a network learns beside the targets, each with the
    weight of its loss (numbers are standardised; docs/squeeze.md)."""
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    """auto is bf16 on a GPU (fp16 on one without it); on a CPU with fast bf16 instructions, bf16 for networks with many, mostly
    dense, operations, and fp32 for all others (docs/speed.md)."""
    sync_batch_norm: bool = False
    """Normalise over the rows of all devices that train a fold together (runtime.devices_per_job), rather than by each one's
    own: on GPUs."""
    compile: bool = False
    """Compile the network by torch.compile: it takes minutes, then steps are faster, mostly on GPUs."""
    monitor: Literal["metric", "loss"] = "metric"
    """What the best epoch is chosen by, on the fold's validation rows."""
    patience: int | None = Field(None, ge=1)
    """Epochs without a better checkpoint after which the fold stops."""
    seeds: tuple[Seed, ...] = Field((0,), min_length=1)
    """Each fold is trained once per seed, and their predictions are averaged. A seed decides the weights, the order of
    the rows and their augmentation."""
    max_hours: float | None = Field(None, gt=0)
    """Hours after which training ends with the best checkpoints so far, divided among the folds of one `dvc repro`.
    `goldfold resume` continues later."""
    save_minutes: float = Field(10, gt=0)
    """Minutes between saves of a training's state within an epoch; it is always saved at an epoch's end."""
    keep_state: bool = False
    """Keep the last state of a finished training, so that continue_from need not train it again."""
    workers: int | None = Field(None, ge=0, le=512)
    """Loader processes; by default as many as make training faster on this machine."""
    profile: int | None = Field(None, ge=1)
    """Steps to profile before training: where a step's time goes."""

    def name_of(self, fold: int, seed: int) -> str:
        """Return `fold 0`, or `fold 0 seed 1` where each fold is trained with several seeds; a refit is `refit 0`."""
        if fold == REFIT:
            return f"refit {seed}"
        return f"fold {fold} seed {seed}" if len(self.seeds) > 1 else f"fold {fold}"

    @model_validator(mode="after")
    def _consistent(self) -> Self:
        if self.warmup_epochs >= self.epochs:
            raise ValueError(f"warmup_epochs: {self.warmup_epochs} must be fewer than epochs: {self.epochs}")
        if self.warmup_epochs and self.scheduler.name == "OneCycleLR":
            raise ValueError("OneCycleLR warms up by itself (pct_start); set warmup_epochs: 0")
        if self.continue_from and self.continue_from >= self.epochs:
            raise ValueError(f"continue_from: {self.continue_from} must be fewer than epochs: {self.epochs}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds {list(self.seeds)} must be different numbers")
        if self.sync_batch_norm and self.micro_batch_size:
            raise ValueError("sync_batch_norm normalises over a whole batch; leave out micro_batch_size")
        if self.class_weights and self.sampling == "balanced":
            raise ValueError("class_weights and balanced sampling would balance twice; choose one")
        if self.average and self.average.start >= self.epochs:
            raise ValueError(f"average.start: {self.average.start} must be less than epochs: {self.epochs}")
        return self


class FoldConfig(Section):
    """The sections that a fold is trained by; its checkpoint keeps them."""

    model: SerializeAsAny[ModelConfig]
    augment: tuple[Component, ...] = ()
    """Transforms of the training rows, in order, with their arguments: albumentations' for images, those of docs/sounds.md for
    sounds."""
    finetune: FinetuneConfig = FinetuneConfig()
    train: TrainConfig = TrainConfig()

    @model_validator(mode="after")
    def _rows_can_be_changed(self) -> Self:
        require_transforms("augment", self.augment, self.model.augmentations)
        if self.train.mix and self.model.mixed is None:
            raise ValueError("train.mix: MixUp and CutMix mix images alone, and MixUp sounds; leave it out")
        unable = [mix.name for mix in self.train.mix if mix.name in {*MIXES} - {*self.model.mixes}]
        if unable:
            raise ValueError(f"train.mix: {unable[0]} does not mix this kind of input, which takes {', '.join(self.model.mixes)}")
        return self

    @model_validator(mode="after")
    def _phases_fit(self) -> Self:
        finetune, epochs = self.finetune, self.train.continue_from or self.train.epochs
        if finetune.head_epochs >= epochs:
            raise ValueError(f"finetune.head_epochs: {finetune.head_epochs} must be fewer than the {epochs} epochs of training")
        if finetune.head_epochs + self.train.warmup_epochs >= epochs:
            raise ValueError("finetune.head_epochs and train.warmup_epochs leave no epoch for the scheduler")
        frozen = finetune.train == "head" or finetune.head_epochs or finetune.freeze_batch_norm or finetune.unfreeze_every
        if frozen and not self.model.starts_pretrained:
            raise ValueError(
                "finetune freezes parts of a network that is not pretrained (model.pretrained): they would stay random"
            )
        if finetune.train == "head" and (finetune.head_epochs or finetune.unfreeze_every):
            raise ValueError("finetune.train: head trains the head alone throughout; leave out head_epochs and unfreeze_every")
        if finetune.train == "head" and self.train.auxiliary:
            raise ValueError("train.auxiliary teaches the backbone, which finetune.train: head freezes; leave one of them out")
        if finetune.head_lr and not finetune.head_epochs:
            raise ValueError("finetune.head_lr is the learning rate of head_epochs, which are 0")
        return self


def place_of(fold: int, seed: int) -> str:
    """Return where a training's result lies among those of all folds: `<fold>/<seed>`, of a refit `refit/<seed>`."""
    return f"{'refit' if fold == REFIT else fold}/{seed}"


def require_transforms(key: str, transforms: Sequence[Component], names: Sequence[str] | None) -> None:
    """Raise ValueError for a transform under `key` that is not among `names`; None allows any."""
    unknown = [transform.name for transform in transforms if names is not None and transform.name not in names]
    if unknown:
        allowed = f"which take {', '.join(names)}" if names else "which take no transforms: leave it out"
        raise ValueError(f"{key}: {unknown[0]} does not apply to the rows of this model, {allowed}")
