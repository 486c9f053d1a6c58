"""All checks, in order."""

from collections.abc import Iterator

from goldfold.doctor import machine, repository, services
from goldfold.doctor.result import CheckResult


def examine() -> Iterator[CheckResult]:
    """Yield the result of each check in turn; checks that need params.yaml are left out if it has mistakes."""
    for check in (
        machine.python,
        machine.packages,
        machine.gpu,
        machine.shared_memory,
        machine.cores,
        repository.git,
        repository.dvc,
    ):
        yield check()
    result, config = repository.settings()
    yield result
    if config is not None:
        for check_config in (repository.data, services.weights, repository.disk):
            yield check_config(config)
    yield services.tracking()
    yield services.kaggle()
