"""What the machine's host allows, by the variables that it sets."""

from collections.abc import Mapping

from goldfold.init.setting import Setting

HOURS = {"KAGGLE_KERNEL_RUN_TYPE": ("Kaggle", 9), "COLAB_RELEASE_TAG": ("Colab", 12)}
"""The fewest hours after which a host ends a notebook."""
SPARE = 0.5


def work_out_hours(environment: Mapping[str, str]) -> list[Setting]:
    """Return train.max_hours where a host ends its notebooks, with time to spare for what follows training."""
    return [
        Setting("train.max_hours", hours - SPARE, f"{host} ends a notebook after {hours} hours; `goldfold resume` goes on")
        for variable, (host, hours) in HOURS.items()
        if variable in environment
    ]
