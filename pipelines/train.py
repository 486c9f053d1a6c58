"""PreparedSet → FoldResults, one for each fold and seed"""

import argparse
from pathlib import Path

from goldfold.process import run_to_end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the folder of the folds")
    parser.add_argument("--runs", type=Path, required=True, help="the file for the MLflow runs that trained them")
    args = parser.parse_args()

    from goldfold.config import load_config
    from goldfold.prepare import PreparedSet
    from goldfold.scratch import scratch_folder
    from goldfold.terminal import FoldProgress
    from goldfold.tracking import save_origins, tracked_stage
    from goldfold.training import asked_to_stop, jobs_of, origin_file, share_of_hours, train_fold
    from goldfold.training.reporter import Several

    config = load_config()
    prepared = PreparedSet.load(args.prepared)
    origins = {}
    with tracked_stage(config, prepared, "train") as tracked:
        for fold, seed in jobs_of(config.split.folds, config.train):
            with FoldProgress() as progress, asked_to_stop(share_of_hours(config, fold, seed)) as stop:
                reporter, folder = Several([progress, tracked]), args.out / str(fold) / str(seed)
                result = train_fold(prepared, fold, seed, config, folder, reporter, scratch_folder(), stop)
            origins[f"{fold}-{seed}"] = tracked.trained(result, origin_file(scratch_folder(), result.key))
        save_origins(args.runs, origins)


if __name__ == "__main__":
    run_to_end(main)
