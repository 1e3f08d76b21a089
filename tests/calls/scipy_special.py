"""Calls of scipy.special."""

import scipy.special as sp

from calls.call import calls, each
from calls.elementwise import UNARY

SPECIAL = [c for c in UNARY if "where" not in c.kwargs]  # SciPy 1.17 does not honour `where`

CALLS = {
    **each([sp.erf, sp.erfc, sp.expit, sp.log_expit], SPECIAL + calls("SIGNED")),
    **each([sp.logit, sp.gammaln, sp.psi], SPECIAL),  # sp.digamma is sp.psi
    sp.polygamma: calls("0, A; 1, A; 2, 0.8; 1, [0.3, 0.6], listed=True"),
    sp.xlogy: calls("A, B; A, V; 0.3, A; A, 2; 0, A; 0.3, 0.8"),
    sp.logsumexp: calls(
        "A; A, axis=0; A, -1, keepdims=True; CUBE, axis=(0, 2); A, b=B; 0.3; [0.3, 0.6], listed=True",
        "A, axis=1, b=Fixed(V); 1000.0 * A",
    ),
    sp.softmax: calls("A; A, axis=0; V, -1; CUBE, axis=(0, 2)"),
    sp.log_softmax: calls("A; A, axis=-1; V"),
}
