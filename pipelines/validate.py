"""FoldResults → CVResult"""

import argparse
from pathlib import Path

from goldfold.process import run_to_end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="the MLflow runs that trained the folds")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()

    from goldfold.config import load_config
    from goldfold.prepare import PreparedSet
    from goldfold.scratch import scratch_folder
    from goldfold.terminal import show_cv
    from goldfold.tracking import load_origins, tracked_stage
    from goldfold.training import forget, load_folds, load_refits
    from goldfold.validation.cross_validation import validate

    config = load_config()
    prepared = PreparedSet.load(args.prepared)
    with tracked_stage(config, prepared, "validate") as tracked:
        folds = load_folds(args.folds, config.split.folds, config.train.seeds)
        refits = load_refits(args.folds, config.predict)
        tracked.folds([*folds, *refits], load_origins(args.runs))
        result = validate(prepared, folds, config.validate_, config.predict, config.split.group, scratch_folder())
        result.save(args.out)
        tracked.cv(result, args.out)
        forget(scratch_folder(), [*folds, *refits])
    show_cv(result)


if __name__ == "__main__":
    run_to_end(main)
