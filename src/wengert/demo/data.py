"""Real measurements that scikit-learn carries along: nothing is downloaded."""

from dataclasses import dataclass

import numpy as np
from sklearn import datasets
from sklearn.model_selection import train_test_split

TEST_SHARE = 0.25


@dataclass(frozen=True)
class Split:
    """Training and test set; x: (n, d) floats, y: (n,) integers."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray


def iris() -> tuple[np.ndarray, np.ndarray]:
    """Lengths and widths of sepals and petals in cm, (150, 4), and the species, 0 to 2 (Anderson 1935)."""
    bunch = datasets.load_iris()
    return bunch.data, bunch.target


def tumours() -> Split:
    """30 standardised features of cell nuclei; y is 1 for benign, -1 for malignant (Street et al. 1993)."""
    bunch = datasets.load_breast_cancer()
    split = divided(bunch.data, 2 * bunch.target - 1)
    centre, scale = split.x.mean(axis=0), split.x.std(axis=0)
    return Split((split.x - centre) / scale, split.y, (split.x_test - centre) / scale, split.y_test)


def digits() -> Split:
    """Handwritten digits of 8 x 8 pixels between 0 and 1 (Alpaydin and Kaynak 1998)."""
    bunch = datasets.load_digits()
    return divided(bunch.data / 16.0, bunch.target)


def divided(x: np.ndarray, y: np.ndarray) -> Split:
    x_train, x_test, y_train, y_test = train_test_split(x, y, test_size=TEST_SHARE, stratify=y, random_state=0)
    return Split(x_train, y_train, x_test, y_test)
