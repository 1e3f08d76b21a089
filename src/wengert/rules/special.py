"""Special functions of SciPy, which is imported when the first of them is used."""

from typing import Any

import numpy as np

from wengert.core.lazy import lazy
from wengert.core.primitive import Primitive as row
from wengert.core.types import dtype_of
from wengert.rules.elementwise import div, exp, log, nonzero, square

special = lazy("scipy.special")

erf = row("erf", lambda x: special.erf(x), partials=(lambda x: (2.0 / np.sqrt(np.pi)) * exp(-square(x)),))
erfc = row("erfc", lambda x: special.erfc(x), partials=(lambda x: (-2.0 / np.sqrt(np.pi)) * exp(-square(x)),))
expit = row("expit", lambda x: special.expit(x), partials=(lambda x: expit(x) * expit(-x),))  # 1 - out would cancel
logit = row(
    "logit", lambda x: special.logit(x), partials=(lambda x: div(1.0, x * (1.0 - x)),), singular=True, domain=(0.1, 0.9)
)
log_expit = row("log_expit", lambda x: special.log_expit(x), partials=(lambda x: expit(-x),))
gammaln = row("gammaln", lambda x: special.gammaln(x), partials=(lambda x: polygamma(x, n=0),), domain=(0.5, 4.0))


def polygamma_evaluate(x: Any, *, n: int) -> Any:
    """SciPy's polygamma returns float64 for float32."""
    return special.polygamma(n, x).astype(dtype_of(x))[()] if n else special.psi(x)


polygamma = row(
    "polygamma",
    polygamma_evaluate,
    partials=(lambda x, n: polygamma(x, n=n + 1),),
    domain=(0.5, 4.0),
    examples=[(((2, 3),), {"n": n}) for n in (0, 1, 2)],
)


xlogy = row(
    "xlogy",
    lambda x, y: special.xlogy(x, y),
    partials=(lambda y: log(y), lambda x, y: x / nonzero(y)),
    singular=True,
    domain=(0.5, 3.0),
)
