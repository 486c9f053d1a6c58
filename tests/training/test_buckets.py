"""Batches of rows of similar length, for any view that has lengths."""

import numpy as np
import pytest
import torch

from goldfold.training.batches import EpochSampler, padding, plain_batches, training_batches
from goldfold.training.device import find_compute
from goldfold.training.evaluation import predict_logits

LENGTHS = np.random.default_rng(0).lognormal(3, 0.6, 2003).astype(int) + 1
ROWS = np.arange(3, 2003)


class Ragged:
    """Rows of as many ones as they are long."""

    lengths = LENGTHS

    def __getitems__(self, keys):
        rows = torch.tensor([row for _, row in keys])
        longest = int(LENGTHS[rows].max())
        return rows, {"ones": (torch.arange(longest) < torch.from_numpy(LENGTHS)[rows, None]).float()}


def order(seed=0, epoch=0, skip=0, weights=None, batch_size=16, rows=ROWS):
    sampler = EpochSampler(rows, seed, weights, LENGTHS, batch_size)
    sampler.epoch, sampler.skip = epoch, skip
    return [row for _, row in sampler]


def test_an_epoch_has_every_row_once_and_its_batches_are_of_similar_length():
    assert sorted(order()) == ROWS.tolist()
    bucketed = EpochSampler(ROWS, 0, None, LENGTHS, 16)
    assert padding(bucketed, LENGTHS, 16) < 0.1 < 0.4 < padding(EpochSampler(ROWS, 0), LENGTHS, 16)


def test_the_order_depends_on_seed_and_epoch_alone():
    assert order(0, 1) == order(0, 1)
    assert order(0, 1) != order(0, 2) != order(1, 2)
    longest = [max(LENGTHS[order(0, 1)[start : start + 16]]) for start in range(0, 2000, 16)]
    assert longest != sorted(longest), "the batches come in any order"
    together = [{frozenset(order(0, epoch)[start : start + 16]) for start in range(0, 2000, 16)} for epoch in (0, 1)]
    assert len(together[0] & together[1]) < 5, "a row meets other rows in another epoch"


@pytest.mark.parametrize("skip", [16, 480, 1984])
def test_a_resumed_epoch_goes_on_where_it_was(skip):
    assert order(epoch=3, skip=skip) == order(epoch=3)[skip:]


def test_balanced_rows_are_bucketed_too():
    weights = np.where(ROWS % 10 == 0, 9.0, 1.0)
    drawn = np.array(order(weights=weights))
    assert 0.4 < (drawn % 10 == 0).mean() < 0.6
    starts = range(0, 2000, 16)
    spread = np.mean([np.ptp(LENGTHS[drawn[start : start + 16]]) for start in starts])
    assert spread < np.mean([np.ptp(LENGTHS[ROWS[start : start + 16]]) for start in starts]) / 4


@pytest.mark.parametrize("rows", [1, 5, 16, 17, 33])
def test_few_rows_are_all_there(rows):
    assert sorted(order(rows=ROWS[:rows])) == ROWS[:rows].tolist()


@pytest.mark.parametrize("workers", [1, 4])
def test_batches_are_the_same_for_any_number_of_workers(workers):
    def batches(workers):
        return list(training_batches(Ragged(), EpochSampler(ROWS[:100], 0, None, LENGTHS, 16), 16, workers))

    for (rows, inputs), (same_rows, same) in zip(batches(0), batches(workers), strict=True):
        assert torch.equal(rows, same_rows) and torch.equal(inputs["ones"], same["ones"])


def test_logits_come_back_in_the_rows_order():
    class Sum(torch.nn.Module):
        def forward(self, ones):
            return ones.sum(dim=1, keepdim=True)

    seen = [len(inputs["ones"][0]) for _, inputs in plain_batches(Ragged(), ROWS, 64)]
    assert seen == sorted(seen)
    logits = predict_logits(Sum(), plain_batches(Ragged(), ROWS, 64), find_compute("fp32"))
    assert logits[:, 0].tolist() == LENGTHS[ROWS].tolist()
