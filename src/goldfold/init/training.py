"""The settings of training that a proposal has."""

from typing import Any

from goldfold.init.setting import Setting

PLAIN = {"head_epochs": 0, "head_lr": None, "layer_decay": None, "freeze_batch_norm": False}
ONE_CYCLE = {"name": "OneCycleLR", "pct_start": 0.25}


def learning(
    scheduler: dict[str, Any] = ONE_CYCLE,
    monitor: str = "metric",
    warmup_epochs: float = 0,
    finetune: dict[str, Any] = PLAIN,
    **train: Any,
) -> list[Setting]:
    more = {"optimizer": {"name": "adamw"}, "scheduler": scheduler, "monitor": monitor, "warmup_epochs": warmup_epochs}
    return [
        *(Setting(f"finetune.{key}", value) for key, value in finetune.items()),
        *(Setting(f"train.{key}", value) for key, value in {**train, **more}.items()),
    ]
