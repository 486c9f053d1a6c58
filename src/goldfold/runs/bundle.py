"""(Run) → Bundle: what a code competition needs of a run."""

from goldfold.bundle import Bundle
from goldfold.runs.run import Run


def bundle_of(run: Run) -> Bundle:
    """The models of a run with its post-processing; raises InputError for a blend, and for a run that was pruned."""
    folds = run.folds()
    problem = folds[0].codec.problem
    name = run.origin.name if run.origin else run.name
    return Bundle(name, run.config(), problem, folds, run.cv(problem).postprocess.steps)
