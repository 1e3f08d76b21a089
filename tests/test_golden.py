"""Programs and their gradients, as reviewed in `tests/golden/`."""

from pathlib import Path

import pytest

from golden import NAMES, SOURCES, page, path_of, source_page, source_path_of


@pytest.mark.parametrize("name", NAMES)
def test_program_is_what_was_reviewed(name):
    """Not an assertion on the texts, whose difference is better read in `git diff`."""
    if path_of(name).read_text() != page(name):
        pytest.fail(f"tests/golden/{name}.txt differs: read `git diff` after `python -m golden` in tests")


@pytest.mark.parametrize("name", SOURCES)
def test_source_is_what_was_reviewed(name):
    if source_path_of(name).read_text() != source_page(name):
        pytest.fail(f"tests/golden/sources/{name}.txt differs: read `git diff` after `python -m golden` in tests")


def test_names_are_the_same_in_every_process():
    """Each staging numbers its variables anew; no number and no address reaches the text."""
    assert page(NAMES[0]) == page(NAMES[0])
    assert not any(" at 0x" in path_of(name).read_text() for name in NAMES)


def test_no_file_is_left_over():
    folder = Path(path_of(NAMES[0])).parent
    assert {p.stem for p in folder.glob("*.txt")} == set(NAMES)
    assert {p.stem for p in (folder / "sources").glob("*.txt")} == set(SOURCES)
    assert len(SOURCES) >= 30
