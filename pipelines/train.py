"""PreparedSet → FoldResults, one for each fold and seed, and those of predict.refit"""

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
    from goldfold.engines.forks import begin_imports

    config = load_config()
    begin_imports(config)

    from goldfold.engines.folds import names_of, train_all
    from goldfold.prepare import PreparedSet
    from goldfold.scratch import scratch_folder
    from goldfold.terminal import TrainingProgress
    from goldfold.tracking import save_origins, tracked_stage
    from goldfold.tracking.stage import name_in_file
    from goldfold.training import asked_to_stop, origin_file
    from goldfold.training.reporter import Reporter, Several

    prepared, progress, origins = PreparedSet.load(args.prepared), TrainingProgress(len(names_of(config))), {}
    with tracked_stage(config, prepared, "train") as tracked, progress, asked_to_stop() as stop:

        def hear(name: str) -> Reporter:
            return Several([progress.fold(), tracked.fold(name)])

        for result in train_all(prepared, config, args.out, scratch_folder(), hear, stop):
            origins[name_in_file(result)] = tracked.trained(result, origin_file(scratch_folder(), result.key))
    save_origins(args.runs, dict(sorted(origins.items())))


if __name__ == "__main__":
    run_to_end(main)
