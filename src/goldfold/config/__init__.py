"""params.yaml: its sections, and how it is read."""

from goldfold.config.data import (
    Answer,
    CompetitionConfig,
    FileTemplates,
    Kind,
    MaskConfig,
    PrepareConfig,
    SplitConfig,
    Summary,
    Task,
)
from goldfold.config.learning import (
    AverageConfig,
    FinetuneConfig,
    FoldConfig,
    HeadConfig,
    ModelConfig,
    PseudoConfig,
    TrainConfig,
)
from goldfold.config.params import (
    STEPS,
    Config,
    PredictConfig,
    Scale,
    ValidateConfig,
    config_class,
    load_config,
    parse_config,
    parse_fold_config,
    save_config,
)
from goldfold.config.runtime import RuntimeConfig
from goldfold.config.section import Component
from goldfold.config.sweep import Range, SweepConfig, parse_sweep

__all__ = [
    "STEPS",
    "Answer",
    "AverageConfig",
    "CompetitionConfig",
    "Component",
    "Config",
    "FileTemplates",
    "FinetuneConfig",
    "FoldConfig",
    "HeadConfig",
    "Kind",
    "MaskConfig",
    "ModelConfig",
    "PredictConfig",
    "PrepareConfig",
    "PseudoConfig",
    "Range",
    "RuntimeConfig",
    "Scale",
    "SplitConfig",
    "Summary",
    "SweepConfig",
    "Task",
    "TrainConfig",
    "ValidateConfig",
    "config_class",
    "load_config",
    "parse_config",
    "parse_fold_config",
    "parse_sweep",
    "save_config",
]
