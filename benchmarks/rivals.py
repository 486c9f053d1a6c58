"""What goldfold is measured against: the tutorials' loops and timm's parts, as their authors put them together."""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import timm
import torch
from PIL import Image
from timm.data import ImageDataset, create_loader
from timm.optim import create_optimizer_v2
from torch import nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader, Dataset, SubsetRandomSampler
from torchvision import transforms
from torchvision.datasets import ImageFolder

from goldfold.metrics import Array
from goldfold.modalities.image.outside import outside_view
from goldfold.training import load_folds

MEAN, STD = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)


class TinyCNN(nn.Module):
    """The MNIST tutorial's network, for images of 32 pixels."""

    def __init__(self, outputs: int) -> None:
        super().__init__()
        self.convolution = nn.Sequential(nn.Conv2d(3, 32, 3), nn.ReLU(), nn.MaxPool2d(2))
        self.hidden = nn.Sequential(nn.Flatten(), nn.Linear(32 * 15 * 15, 100), nn.ReLU())
        self.head = nn.Linear(100, outputs)

    def forward(self, pixels: torch.Tensor) -> torch.Tensor:
        logits: torch.Tensor = self.head(self.hidden(self.convolution(pixels)))
        return logits


def image_folder(
    folder: Path, size: int | None, mean: Sequence[float] = MEAN, std: Sequence[float] = STD, augmented: bool = True
) -> ImageFolder:
    """ImageFolder with torchvision's first transforms; `size` crops as for ImageNet, None flips alone."""
    steps: list[Any] = [transforms.ToTensor(), transforms.Normalize(mean, std)]
    if augmented:
        crop = [transforms.RandomResizedCrop(size)] if size else []
        steps = [*crop, transforms.RandomHorizontalFlip(), *steps]
    else:
        steps = [transforms.Resize((size, size)), *steps]
    return ImageFolder(str(folder), transforms.Compose(steps))


def tutorial_loader(folder: Path, batch_size: int, workers: int, size: int | None) -> DataLoader[Any]:
    """The tutorials' batches."""
    dataset = image_folder(folder, size)
    return DataLoader(dataset, batch_size, shuffle=True, num_workers=workers, persistent_workers=workers > 0)


def timm_loader(folder: Path, batch_size: int, workers: int, size: int) -> Any:
    """timm's loader with the crop and flip of its train.py; its colour jitter, which is slow, is left out."""
    dataset = ImageDataset(str(folder))
    return create_loader(
        dataset,
        input_size=(3, size, size),
        batch_size=batch_size,
        is_training=True,
        num_workers=workers,
        color_jitter=None,
        device=torch.device("cpu"),
        persistent_workers=workers > 0,
    )


def passing(batches: Iterable[Any]) -> Callable[[], None]:
    """A pass over a loader."""

    def run() -> None:
        for _ in batches:
            pass

    return run


def tutorial_loading(folder: Path, batch_size: int, workers: int, size: int) -> Callable[[], None]:
    """An epoch of the tutorials' batches."""
    return passing(tutorial_loader(folder, batch_size, workers, size))


def timm_loading(folder: Path, batch_size: int, workers: int, size: int) -> Callable[[], None]:
    """An epoch of timm's batches."""
    return passing(timm_loader(folder, batch_size, workers, size))


def tutorial_training(folder: Path, model: str, batch_size: int, workers: int, size: int | None) -> Callable[[], int]:
    """An epoch of the tutorials' training loop; returns the rows seen."""
    net: nn.Module = TinyCNN(2) if model == "tiny" else timm.create_model(model, num_classes=2)
    batches = tutorial_loader(folder, batch_size, workers, size)
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.SGD(net.parameters(), lr=0.001, momentum=0.9)

    def run() -> int:
        running, seen = 0.0, 0
        net.train()
        for inputs, labels in batches:
            optimizer.zero_grad()
            loss = criterion(net(inputs), labels)
            loss.backward()
            optimizer.step()
            running += loss.item() * inputs.size(0)
            seen += len(labels)
        return seen

    return run


def timm_training(folder: Path, model: str, batch_size: int, workers: int, size: int, best_flags: bool) -> Callable[[], int]:
    """An epoch put together as timm's train.py does, at its defaults or with --channels-last --amp --amp-dtype bfloat16."""
    net = timm.create_model(model, num_classes=2)
    if best_flags:
        net = net.to(memory_format=torch.channels_last)
    optimizer = create_optimizer_v2(net, opt="sgd", lr=0.05, momentum=0.9, weight_decay=2e-5)
    batches, criterion = timm_loader(folder, batch_size, workers, size), nn.CrossEntropyLoss()

    def run() -> int:
        seen = 0
        net.train()
        for inputs, labels in batches:
            if best_flags:
                inputs = inputs.contiguous(memory_format=torch.channels_last)
            with torch.autocast("cpu", torch.bfloat16, enabled=best_flags):
                loss = criterion(net(inputs), labels)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            seen += len(labels)
        return seen

    return run


def kernel_training(
    folder: Path, backbone: dict[str, Any], features: int, size: int, training: Array, validation: Array, epochs: int
) -> Callable[[], float]:
    """The malaria kernel: all frozen but a fresh head, split by SubsetRandomSampler, each epoch trains and validates.

    It returns the validation accuracy.
    """
    frozen = timm.create_model(**backbone, num_classes=0)
    dataset = image_folder(folder, size, frozen.pretrained_cfg["mean"], frozen.pretrained_cfg["std"])
    for parameter in frozen.parameters():
        parameter.requires_grad = False
    head = nn.Linear(features, 2)
    net, criterion = nn.Sequential(frozen, head), nn.CrossEntropyLoss()
    optimizer = torch.optim.SGD(head.parameters(), lr=0.001, momentum=0.9)
    # The kernel judges on augmented images too; here it judges on plain ones, as goldfold does.
    plain = image_folder(folder, size, frozen.pretrained_cfg["mean"], frozen.pretrained_cfg["std"], augmented=False)
    learned, judged = (
        DataLoader(images, 32, sampler=SubsetRandomSampler(rows.tolist()), num_workers=2, persistent_workers=True)
        for images, rows in ((dataset, training), (plain, validation))
    )

    def run() -> float:
        found = 0.0
        for _ in range(epochs):
            net.train()
            for inputs, labels in learned:
                optimizer.zero_grad()
                loss = criterion(net(inputs), labels)
                loss.backward()
                optimizer.step()
                loss.item()
            found = accuracy(net, judged)
        return found

    return run


class TutorialLSTM(nn.Module):
    """The text tutorials' network: packed sequences through a bidirectional LSTM, whose last states a linear layer reads."""

    def __init__(self, vocabulary: int, width: int, outputs: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width, padding_idx=0)
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * width, outputs)

    def forward(self, tokens: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, (states, _) = self.lstm(packed)
        logits: torch.Tensor = self.fc(torch.cat([states[0], states[1]], dim=1))
        return logits


class TextDataset(Dataset[tuple[torch.Tensor, int]]):
    """The text tutorials' dataset: each text becomes ids when it is asked for."""

    def __init__(self, texts: Sequence[str], labels: Sequence[int]) -> None:
        self.texts, self.labels = texts, labels
        words = sorted({word for text in texts for word in text.lower().split()})
        self.ids = {word: number for number, word in enumerate(words, start=2)}

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, row: int) -> tuple[torch.Tensor, int]:
        return torch.tensor([self.ids.get(word, 1) for word in self.texts[row].lower().split()]), self.labels[row]


def padded(rows: Sequence[tuple[torch.Tensor, int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """The text tutorials' collate function."""
    tokens = pad_sequence([tokens for tokens, _ in rows], batch_first=True)
    return tokens, torch.tensor([len(tokens) for tokens, _ in rows]), torch.tensor([label for _, label in rows])


def text_training(table: Path, rows: Array, batch_size: int, width: int) -> Callable[[], int]:
    """An epoch of the text tutorials' training loop on these rows; returns the rows seen."""
    given = pd.read_csv(table).iloc[rows]
    dataset = TextDataset(given["text"].tolist(), pd.factorize(given["author"])[0].tolist())
    batches: DataLoader[Any] = DataLoader(dataset, batch_size, shuffle=True, collate_fn=padded)
    net = TutorialLSTM(len(dataset.ids) + 2, width, given["author"].nunique())
    criterion, optimizer = nn.CrossEntropyLoss(), torch.optim.Adam(net.parameters(), lr=0.001)

    def run() -> int:
        running, seen = 0.0, 0
        net.train()
        for tokens, lengths, labels in batches:
            optimizer.zero_grad()
            loss = criterion(net(tokens, lengths), labels)
            loss.backward()
            optimizer.step()
            running += loss.item() * len(labels)
            seen += len(labels)
        return seen

    return run


@torch.no_grad()
def accuracy(model: nn.Module, batches: Iterable[Any]) -> float:
    """The share of right answers."""
    model.eval()
    right = [int((model(inputs).argmax(dim=1) == labels).sum()) for inputs, labels in batches]
    return sum(right) / len(batches.sampler)  # type: ignore[attr-defined]


def plain_prediction(folds: Path, files: list[Path], batch_size: int) -> Callable[[], Array]:
    """Fold after fold and view after view in fp32, each image decoded anew; (rows,) probabilities of the second class.

    The pixels are goldfold's own, so that what differs is the arithmetic alone.
    """
    results = load_folds(folds, range(5), [0])

    @torch.no_grad()
    def run() -> Array:
        probabilities = []
        for result in results:
            model = result.build_model().eval()
            for flip in (False, True):
                logits = []
                for start in range(0, len(files), batch_size):
                    some = files[start : start + batch_size]
                    view = outside_view(pd.DataFrame({"image": some}), result.spec, None, {})
                    batch = view.__getitems__([(0, row) for row in range(len(some))])[1]["image"]
                    logits.append(model(image=batch.flip(2) if flip else batch))
                probabilities.append(torch.cat(logits).sigmoid()[:, 0].numpy())
        return np.asarray(np.mean(probabilities, axis=0))

    return run


def pillow_cache(files: list[Path], size: int) -> Callable[[], list[Array]]:
    """Every image decoded and shrunk by Pillow in one process."""

    def run() -> list[Array]:
        arrays = []
        for file in files:
            image = Image.open(file).convert("RGB")
            width, height = (round(side * size / min(image.size)) for side in image.size)
            arrays.append(np.asarray(image.resize((width, height), Image.Resampling.BILINEAR)))
        return arrays[:1]

    return run
