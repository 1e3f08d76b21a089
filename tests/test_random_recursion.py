"""Functions nobody wrote: some call themselves, some are full of early exits.  Staged, they do what Python does.

A long run: python -m tests.random_recursion --count 2000 --seed 7
"""

import pytest

from random_recursion import FAMILIES, check, describe

COUNT, CHUNK = 30, 5  # programs of each family, and of one test


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("chunk", range(COUNT // CHUNK))
def test_programs(family, chunk):
    refused = 0
    for seed in range(chunk * CHUNK, (chunk + 1) * CHUNK):
        subject, failure = check(family, seed)
        assert failure is None, describe(subject, failure)
        refused += subject.is_refused
    assert refused < CHUNK


@pytest.mark.parametrize("family", FAMILIES)
def test_a_program_is_written_alike_each_time(family):
    assert FAMILIES[family](17) == FAMILIES[family](17)
