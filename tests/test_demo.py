"""`wengert demo`: three fits of real data, from an empty home."""

import inspect
import os
import subprocess
import sys

import numpy as np
import pytest
from matplotlib.image import imread

import wengert as wg
from wengert import cli
from wengert.demo import models

TIME_LIMIT = 120  # seconds; a few on an idle machine


@pytest.fixture(scope="module")
def home(tmp_path_factory):
    """A home without caches, configuration or data."""
    path = tmp_path_factory.mktemp("home")
    with pytest.MonkeyPatch.context() as patch:
        for name in ("HOME", "MPLCONFIGDIR", "SCIKIT_LEARN_DATA", "XDG_CACHE_HOME"):
            patch.setenv(name, str(path))
        yield path


@pytest.fixture(scope="module")
def picture(home):
    return home / "picture.png"


@pytest.fixture(scope="module")
def fits(picture):
    return {fit.name: fit for fit in wg.demo.run(picture)}


@pytest.fixture(scope="module")
def output(home):
    command = [sys.executable, "-W", "error", "-m", "wengert.cli", "demo", "--picture", "from-shell.png"]
    return subprocess.run(command, cwd=home, env=os.environ, capture_output=True, text=True, timeout=TIME_LIMIT)
