"""`wengert demo`: three real fits on real data, with their derivatives checked and their cost measured.

    models.py    the losses: plain NumPy, as a user writes it
    data.py      the measurements, from scikit-learn's own files
    problem.py   a loss over named parameters, as an optimiser of flat vectors wants it
    measure.py   gradient against central differences, and what each of them costs
    fits.py      one function per fit
    report.py    the results as data and as text
    picture.py   the results as a picture

Needs `pip install "wengert[examples]"`: this package imports scikit-learn, matplotlib and tqdm.
"""

from wengert.demo.report import Fit
from wengert.demo.run import main, run

__all__ = ["Fit", "main", "run"]
