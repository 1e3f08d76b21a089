"""`wengert demo`: three real fits of real data, with their derivatives checked and their cost measured.

    run.py       the demo from end to end
    mixture.py logistic.py network.py    one fit each
    models.py    the losses: plain NumPy, as a user writes it
    data.py      the measurements, from files that scikit-learn carries along
    problem.py   a loss of named parameters, as an optimiser of flat vectors wants it
    newton.py    the optimiser of the first two fits
    measure.py   the gradient against central differences: how far apart, and what each costs
    report.py    the results as data and as text
    panels.py    the results as a picture

Needs `pip install "wengert[examples]"`: scikit-learn, matplotlib and tqdm are imported here.
"""

from wengert.demo.report import Fit
from wengert.demo.run import main, run

__all__ = ["Fit", "main", "run"]
