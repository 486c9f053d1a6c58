"""What a person reads in the terminal: progress, what prepare decided, and results."""

from goldfold.terminal.numbers import clock, number
from goldfold.terminal.progress import FoldProgress, TrainingProgress, input_progress
from goldfold.terminal.stages import (
    show_answers,
    show_audit,
    show_cv,
    show_decisions,
    show_layers,
    show_prepared,
    show_result,
    show_submission,
)

__all__ = [
    "FoldProgress",
    "TrainingProgress",
    "clock",
    "input_progress",
    "number",
    "show_answers",
    "show_audit",
    "show_cv",
    "show_decisions",
    "show_layers",
    "show_prepared",
    "show_result",
    "show_submission",
]
