"""Calls of numpy.fft and scipy.fft."""

import numpy as np
import scipy.fft as sf

from calls.call import A, calls, each

Z = A[:, ::-1] + 0.5j * A  # neither the first nor the last bin of a half spectrum is real
LINE = "A; A, 2; A, 3, 0; A, n=5, norm='ortho'; A, axis=-2; CUBE, 6, 1, 'forward'; COMPLEX, 2; COMPLEX, axis=0"
REAL_LINE = "A; A, 2; A, 3, 0; A, n=5, norm='ortho'; CUBE, axis=-2; CUBE, 6, 1, 'forward'; EMPTY, axis=1"
HALF = "Z; Z, 3; Z, 2; Z, 1; Z, 7, norm='ortho'; Z, 6, norm='forward'; Z, n=3, axis=0; A, norm='backward'; CUBE, axis=1"
AXES = "A; CUBE, axes=(0, -1); A, (3, 2), (0, 1); A, (-1, 4), axes=(1, 0), norm='ortho'; CUBE, axes=[1], norm='forward'"
PLANE = "A; CUBE, axes=(0, -1); A, norm='ortho'; CUBE, (3, 5), (-1, 0), 'forward'"
HALF_AXES = (
    "Z; Z[:, :, None] * CUBE[:, :3, 1:]; Z, (3, 3), (0, 1); Z, (2, 5), (1, 0), 'ortho'; Z, axes=[1], norm='forward'"
)
HALF_PLANE = "Z; Z, norm='ortho'; Z, (-1, 5), (1, 0), 'forward'; CUBE, axes=(0, -1)"
SHIFTS = calls("A; A, 1; A, axes=-1; CUBE, (0, 2); V; COMPLEX, [0]; EMPTY; [0.3, 0.6], listed=True")
TWICE = "A, axes=(1, 1); A, (3, 4, 2), axes=(0, 1, 0)"  # NumPy's, refused by SciPy
LISTED = "[0.3, 0.6], listed=True"


def numpy_and_scipy(name, texts, *of_numpy):
    """Both; the rule is the same, so that SciPy's function needs to show no more than that it is reached."""
    scipys = "; ".join(part for part in texts.split(";") if "norm" in part or part in texts.split(";")[:2])
    return {
        getattr(np.fft, name): calls(texts, *of_numpy, Z=Z),
        getattr(sf, name): calls(scipys, "A, overwrite_x=True, workers=1", Z=Z),
    }


TYPES = "; ".join(
    f"A, {type}; A, {type}, {n}, norm={norm!r}, orthogonalize={orthogonalize}"
    for type, n, norm, orthogonalize in [
        (1, 2, "ortho", None),
        (2, 5, "forward", True),
        (3, 2, "ortho", False),
        (4, 5, "ortho", None),
    ]
)
COSINES = calls("A, axis=0; COMPLEX; CUBE, 3, 5, -2, overwrite_x=True; [0.3, 0.6], listed=True", TYPES)
COSINES_OVER_AXES = calls(
    "CUBE, 3, axes=(0, 2); A, 1, (3, 2); A, 2, 4, 1, norm='ortho'; A, 3, (4, -1), (1, 0), 'forward'"
)

# NumPy 2.4 does not write the `out` of hfft, ifft2 and irfft2, though it documents it; traced, it is written
CALLS = {
    **numpy_and_scipy("fft", LINE, LISTED, "A, out=True; COMPLEX, out=True"),
    **numpy_and_scipy("ifft", LINE, LISTED, "A, out=True; COMPLEX, out=True"),
    **numpy_and_scipy("rfft", REAL_LINE, LISTED, "A, out=True"),
    **numpy_and_scipy("irfft", HALF, LISTED, "Z, out=True"),
    **numpy_and_scipy("hfft", HALF),
    **numpy_and_scipy("ihfft", REAL_LINE, "A, out=True"),
    **numpy_and_scipy("fftn", AXES, TWICE, "A, axes=(); A, out=True"),
    **numpy_and_scipy("ifftn", AXES, TWICE, "COMPLEX, axes=[0], out=True"),
    **numpy_and_scipy("fft2", PLANE, "COMPLEX, out=True; A, (3, 2)"),
    **numpy_and_scipy("ifft2", PLANE, "COMPLEX; A, (3, 2)"),
    **numpy_and_scipy("rfftn", AXES, TWICE, "A, out=True"),
    **numpy_and_scipy("rfft2", PLANE, "A, out=True; A, (3, 2)"),
    **numpy_and_scipy("irfftn", HALF_AXES, TWICE, "Z, out=True"),
    **numpy_and_scipy("irfft2", HALF_PLANE, "Z, (3, 3)"),
    sf.hfftn: calls(HALF_AXES, Z=Z),
    sf.hfft2: calls(HALF_PLANE, Z=Z),
    sf.ihfftn: calls(AXES),
    sf.ihfft2: calls(PLANE),
    **each([np.fft.fftshift, np.fft.ifftshift, sf.fftshift, sf.ifftshift], SHIFTS),
    **each([np.fft.fftfreq, np.fft.rfftfreq, sf.fftfreq, sf.rfftfreq], calls("5, 0.3; 4, d=0.8; 1, 0.3; 49, 0.2")),
    **each([sf.dct, sf.idct, sf.dst, sf.idst], COSINES),
    **each([sf.dctn, sf.idctn, sf.dstn, sf.idstn], COSINES_OVER_AXES),
}
