"""PreparedSet → FoldResult"""

import argparse
from pathlib import Path

from goldfold.process import run_to_end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--fold", type=int, required=True)
    parser.add_argument("--seed", type=int, required=True)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--run", type=Path, required=True, help="the file for the MLflow run")
    args = parser.parse_args()

    from goldfold.config import load_config
    from goldfold.prepare import PreparedSet
    from goldfold.scratch import scratch_folder
    from goldfold.terminal import FoldProgress
    from goldfold.tracking import tracked_stage
    from goldfold.training import asked_to_stop, share_of_hours, train_fold
    from goldfold.training.reporter import Several

    config = load_config()
    prepared = PreparedSet.load(args.prepared)
    with (
        tracked_stage(config, prepared, "train") as tracked,
        FoldProgress() as progress,
        asked_to_stop(share_of_hours(config, args.fold, args.seed)) as stop,
    ):
        reporter = Several([progress, tracked])
        result = train_fold(prepared, args.fold, args.seed, config, args.out, reporter, scratch_folder(), stop)
        tracked.origin.save(args.run)
        tracked.folds([result], trained_by=lambda _: None)


if __name__ == "__main__":
    run_to_end(main)
