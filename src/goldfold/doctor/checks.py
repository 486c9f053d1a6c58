"""All checks, in order."""

from collections.abc import Iterator

from goldfold.doctor import machine, repository, services
from goldfold.doctor.finding import Finding


def examine() -> Iterator[Finding]:
    """Yield what each check finds, as it finds it; those that need params.yaml are left out where it has mistakes."""
    for check in (machine.python, machine.packages, machine.gpu, machine.shared_memory, machine.cores):
        yield check()
    for check in (repository.git, repository.dvc):
        yield check()
    found, config = repository.settings()
    yield found
    if config is not None:
        for look in (repository.data, services.weights, repository.disk):
            yield look(config)
    yield services.tracking()
    yield services.kaggle()
