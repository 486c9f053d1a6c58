"""FoldResults → Submission, and the report of the whole run"""

import argparse
from pathlib import Path

from goldfold.process import run_to_end


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--prepared", type=Path, required=True)
    parser.add_argument("--folds", type=Path, required=True)
    parser.add_argument("--cv", type=Path, required=True)
    parser.add_argument("--runs", type=Path, required=True, help="the MLflow runs that trained the folds")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--report", type=Path, required=True, help="the folder of the report")
    parser.add_argument("--run", type=Path, required=True, help="the file for the MLflow run")
    args = parser.parse_args()

    from goldfold.config import load_config
    from goldfold.inference.ensemble import Ensemble
    from goldfold.prediction.test_set import predict
    from goldfold.prepare import PreparedSet
    from goldfold.report import PAGE, About, build_report, save_report
    from goldfold.scratch import scratch_folder
    from goldfold.terminal import show_result
    from goldfold.tracking import flat_params, load_origins, provenance, tracked_stage
    from goldfold.training import load_folds, load_refits
    from goldfold.validation import CVResult

    config = load_config()
    prepared = PreparedSet.load(args.prepared)
    with tracked_stage(config, prepared, "predict") as tracked:
        folds = load_folds(args.folds, config.split.folds, config.train.seeds)
        refits = load_refits(args.folds, config.predict)
        tracked.folds([*folds, *refits], load_origins(args.runs))
        cv = CVResult.load(args.cv, prepared.problem)
        tracked.cv(cv, args.cv)
        ensemble = Ensemble([*folds, *refits], config.predict, cv.postprocess.steps)
        submission = predict(prepared, ensemble, scratch_folder())
        submission.save(args.out)
        tracked.submission(args.out)
        tracked.models(config, ensemble, args.folds)
        about = About(tracked.name, flat_params(config), provenance())
        save_report(build_report(prepared, cv, folds, about), args.report / PAGE)
        tracked.report(args.report / PAGE)
        tracked.origin.save(args.run)
    cut = [result.name for result in (*folds, *refits) if result.ended != "finished"]
    show_result(cv, submission, args.out / "submission.csv", args.report / PAGE, tracked.name, None, cut, len(refits))


if __name__ == "__main__":
    run_to_end(main)
