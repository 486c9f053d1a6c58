"""The tutorials' network for handwritten digits, a plain nn.Module, as your own model may be."""

import torch
from torch import nn


class DigitsCNN(nn.Module):
    """Two 3x3 convolutions with 32 filters, each max-pooled, and a hidden layer of 100; He's initialisation for the ReLUs and
    Xavier's for the output. From images (b, channels, 28, 28) to logits (b, outputs)."""

    def __init__(self, outputs: int, channels: int = 3) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, 32, 3)
        self.conv2 = nn.Conv2d(32, 32, 3)
        self.pool = nn.MaxPool2d(2)
        self.hidden = nn.Linear(32 * 5 * 5, 100)
        self.head = nn.Linear(100, outputs)
        for layer in (self.conv1, self.conv2, self.hidden):
            nn.init.kaiming_uniform_(layer.weight, nonlinearity="relu")
        nn.init.xavier_uniform_(self.head.weight)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        features = self.pool(self.conv1(image).relu())
        features = self.pool(self.conv2(features).relu())
        logits: torch.Tensor = self.head(self.hidden(features.flatten(1)).relu())
        return logits
