"""Calls of products of arrays."""

import numpy as np

from calls.call import calls

CALLS = {
    np.dot: calls(
        "A, B.T; A, V; V, V + 0.1; V, A.T; A, 2.0; 0.3, A; CUBE, CUBE[0].T; A, CUBE; COMPLEX, V; V, [1, 2, 3]",
        "CUBE, np.array([1.0, 2.0, 3.0, 4.0]); [0.3, 0.6, 0.1], V",
    ),
    np.vdot: calls("V, V + 0.1; A, B; COMPLEX, A; COMPLEX, COMPLEX[::-1]; A, COMPLEX"),
    np.inner: calls("V, V + 0.1; A, B; A, V; CUBE, CUBE[0]; A, 2.0; COMPLEX, B"),
    np.outer: calls("V, V + 0.1; A, V; V, [1, 2]; 0.3, V"),
    np.tensordot: calls(
        "A, B; A, B.T, 1; V, A, axes=0; CUBE, A, axes=([0, 1], [0, 1]); A, B, axes=(1, 1)",
        "CUBE, CUBE[0], axes=([-1, 1], [1, 0]); A, B, axes=[[0], [0]]",
    ),
    np.einsum: calls(
        "'ij,kj->ik', A, B; 'ij,j', A, V; 'ij->', A; 'ij->j', A; 'ii->i', SQUARE; 'ii', SQUARE",
        "'...j,j->...', CUBE[..., :3], V; 'ij,ij,j->i', A, B, V, optimize=True; 'i,j', V, V + 0.1; 'ba', A",
        "'ij , jk -> ik', A, B.T; 'ij,ij->ij', A, 1j * B; '...ij->...ji', CUBE; 'ij,j->i', Fixed(A), V",
        "'iij->j', CUBE[:, :2]; 'ij,jk->ik', A, INTS.T; '...i,...i', CUBE[0, :, :3], SQUARE",
    ),
}
