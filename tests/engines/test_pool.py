"""What becomes of a job whose process or machine is lost, by workers that do nothing."""

from types import SimpleNamespace

import pytest

from goldfold.engines.pool import Died, Lost, Pool
from goldfold.errors import InputError
from goldfold.training.reporter import Silent


class Scripted:
    """A worker of which each job ends as a script says, in the next round."""

    def __init__(self, pool):
        self.pool = pool

    def start(self, job, reporter, seconds):
        self.job, self.reporter = job, reporter
        self.pool.begun.append((job.name, sorted(worker.job.name for worker in self.pool.busy)))

    def is_done(self):
        return True

    def error(self):
        return self.pool.script[self.job.name].pop(0)

    def ask_to_stop(self):
        pass

    def alive(self):
        return self


class ScriptedPool(Pool):
    def __init__(self, script, workers=2):
        super().__init__(1)
        self.script, self.begun = script, []
        self.free = [Scripted(self) for _ in range(workers)]

    def __exit__(self, *_):
        pass

    def machine(self):
        return []

    def wait(self):
        pass

    def hear(self):
        pass

    def names(self):
        jobs = [SimpleNamespace(name=name) for name in self.script]
        return [job.name for job in self.run(jobs, lambda job: Silent(), lambda left: None, lambda: None)]


def test_a_lost_job_goes_on_beside_others_however_often_its_machine_is_lost():
    pool = ScriptedPool({"a": [Lost("x")] * 3 + [None], "b": [None], "c": [None]})
    assert pool.names() == ["b", "c", "a"]
    assert pool.begun == [("a", []), ("b", ["a"]), ("c", []), ("a", ["c"]), ("a", []), ("a", [])]


def test_a_job_that_died_goes_on_alone_when_the_others_are_done():
    pool = ScriptedPool({"a": [Died("x"), None], "b": [None], "c": [None]})
    assert pool.names() == ["b", "c", "a"] and pool.begun[-1] == ("a", [])


def test_a_job_that_dies_twice_is_told():
    pool = ScriptedPool({"a": [Died("its process was ended"), Died("its process was ended")], "b": [None]})
    with pytest.raises(InputError, match=r"a: its process was ended, twice"):
        pool.names()
    assert [name for name, _ in pool.begun] == ["a", "b", "a"]
