"""Factorisations and iterations as textbooks of numerical linear algebra print them."""

import math

import numpy as np

from programs.program import Program, dominant, normal, positive_definite, uniform


def triangular_solve(L, b):
    """Sum of squares of the solution of L x = b, by forward substitution."""
    n = len(b)
    x = np.zeros(n)
    for i in range(n):
        s = b[i]
        for j in range(i):
            s -= L[i, j] * x[j]
        x[i] = s / L[i, i]
    return np.sum(x**2)


def cholesky(A, b):
    """Logarithm of a normal density with covariance A at b, by the Cholesky factor."""
    n = A.shape[0]
    L = np.zeros((n, n))
    for j in range(n):
        s = A[j, j]
        for k in range(j):
            s -= L[j, k] ** 2
        L[j, j] = math.sqrt(s)
        for i in range(j + 1, n):
            s = A[i, j]
            for k in range(j):
                s -= L[i, k] * L[j, k]
            L[i, j] = s / L[j, j]
    density = 0.0
    y = np.empty(n)
    for i in range(n):
        y[i] = b[i]
        for j in range(i):
            y[i] -= L[i, j] * y[j]
        y[i] /= L[i, i]
        density -= 0.5 * y[i] ** 2 + math.log(L[i, i])
    return density


def lu(A):
    """Both factors of A = L U in one matrix (Doolittle, in place in a copy)."""
    n = len(A)
    LU = A.copy()
    for k in range(n - 1):
        for i in range(k + 1, n):
            LU[i, k] /= LU[k, k]
            for j in range(k + 1, n):
                LU[i, j] -= LU[i, k] * LU[k, j]
    return LU


def determinant(A):
    """Determinant by elimination with partial pivoting; destroys A."""
    n, sign = len(A), 1.0
    for k in range(n):
        pivot = k
        for i in range(k + 1, n):
            if abs(A[i, k]) > abs(A[pivot, k]):
                pivot = i
        if pivot != k:
            sign = -sign
            for j in range(n):
                A[k, j], A[pivot, j] = A[pivot, j], A[k, j]
        for i in range(k + 1, n):
            factor = A[i, k] / A[k, k]
            for j in range(k, n):
                A[i, j] -= factor * A[k, j]
    product = sign
    for k in range(n):
        product *= A[k, k]
    return product


def gram_schmidt(A):
    """Orthonormal columns that span the columns of A (modified Gram-Schmidt)."""
    Q = A.copy()
    n = Q.shape[1]
    for k in range(n):
        Q[:, k] /= np.sqrt(Q[:, k] @ Q[:, k])
        for j in range(k + 1, n):
            Q[:, j] -= (Q[:, k] @ Q[:, j]) * Q[:, k]
    return Q


def givens(A):
    """The triangular factor of A = Q R by plane rotations, from below."""
    m, n = A.shape
    R = A.copy()
    for j in range(n):
        for i in range(m - 1, j, -1):
            r = math.hypot(R[i - 1, j], R[i, j])
            c, s = R[i - 1, j] / r, R[i, j] / r
            for k in range(j, n):
                upper, lower = R[i - 1, k], R[i, k]
                R[i - 1, k] = c * upper + s * lower
                R[i, k] = c * lower - s * upper
    return R


def tridiagonal(lower, diag, upper, rhs):
    """Sum of squares of the solution of a tridiagonal system (Thomas algorithm with work arrays)."""
    n = len(diag)
    c, d = np.zeros(n), np.zeros(n)
    c[0] = upper[0] / diag[0]
    d[0] = rhs[0] / diag[0]
    for i in range(1, n):
        m = 1.0 / (diag[i] - lower[i] * c[i - 1])
        c[i] = upper[i] * m
        d[i] = (rhs[i] - lower[i] * d[i - 1]) * m
    for i in range(n - 2, -1, -1):
        d[i] -= c[i] * d[i + 1]
    s = 0.0
    for i in range(n):
        s += d[i] * d[i]
    return s


def thomas(lower, diag, upper, rhs):
    """Solution of a tridiagonal system, written over `rhs`; destroys `diag`."""
    n = rhs.size
    for i in range(1, n):
        w = lower[i] / diag[i - 1]
        diag[i] -= w * upper[i - 1]
        rhs[i] -= w * rhs[i - 1]
    rhs[n - 1] /= diag[n - 1]
    for i in reversed(range(n - 1)):
        rhs[i] = (rhs[i] - upper[i] * rhs[i + 1]) / diag[i]
    return rhs.copy()


def matrix_product(A, B):
    """Trace of (A B)^2, with the product by three loops."""
    n = len(A)
    C = np.zeros((n, n))
    for i in range(n):
        for j in range(n):
            for k in range(n):
                C[i, j] += A[i, k] * B[k, j]
    return np.trace(C @ C)


def power_iteration(A, x, n):
    """Rayleigh quotient after n steps of the power method."""
    for _ in range(n):
        y = A @ x
        x = y / np.linalg.norm(y)
    return x @ A @ x


def conjugate_gradient(A, b):
    """Least-squares solution of A x = b by conjugate gradients on the normal equations, to a tolerance."""
    x = np.zeros(A.shape[1])
    r = b.copy()
    s = A.T @ r
    p = s.copy()
    square = s @ s
    while square > 1e-20:
        q = A @ p
        alpha = square / (q @ q)
        x += alpha * p
        r -= alpha * q
        s = A.T @ r
        before, square = square, s @ s
        p = s + square / before * p
    return x


def jacobi(A, b):
    """Sum of squares of the solution of A x = b by sweeps; returns early when they no longer change it."""
    n = len(b)
    x = np.zeros(n)
    for _ in range(200):
        y = np.zeros(n)
        change = 0.0
        for i in range(n):
            s = b[i]
            for j in range(n):
                if j != i:
                    s -= A[i, j] * x[j]
            y[i] = s / A[i, i]
            change = max(change, abs(y[i] - x[i]))
        if change < 1e-13:
            return np.sum(y**2)
        x = y
    return np.sum(x**2)


def gauss_seidel(A, b):
    """The same in place, each row with the newest values."""
    n = len(b)
    x = np.zeros(n)
    while True:
        change = 0.0
        for i in range(n):
            s = 0.0
            for j in range(n):
                if j == i:
                    continue
                s += A[i, j] * x[j]
            old = x[i]
            x[i] = (b[i] - s) / A[i, i]
            change += abs(x[i] - old)
        if change < 1e-13:
            break
    return x @ x


def coupled_updates(A, B, x, y, n):
    """Matrix-vector updates in place; both vectors are the caller's."""
    for _ in range(n):
        x += A @ y
        y -= 0.3 * (B @ x)
    return x @ y


def tridiagonal_system(n):
    return (
        uniform(n, seed=1),
        uniform(n, seed=2) + 3.0,
        uniform(n, seed=3),
        normal(n, seed=4),
    )


def coupled(n):
    A = 0.3 * normal(3, 3, seed=1)
    return A, A.T.copy(), normal(3, seed=2), normal(3, seed=3), n


def cholesky_slices(A):
    """Logarithm of the determinant by a Cholesky factor whose sums are products of slices."""
    n = A.shape[0]
    L = np.zeros((n, n))
    for i in range(n):
        for j in range(i):
            L[i, j] = (A[i, j] - L[i, :j] @ L[j, :j]) / L[j, j]
        L[i, i] = math.sqrt(A[i, i] - L[i, :i] @ L[i, :i])
    return 2.0 * np.sum(np.log(np.diag(L)))


def lu_slices(A):
    """Both triangular factors; each step updates the block that remains."""
    LU = A.copy()
    for k in range(len(A) - 1):
        LU[k + 1 :, k] /= LU[k, k]
        LU[k + 1 :, k + 1 :] -= np.outer(LU[k + 1 :, k], LU[k, k + 1 :])
    return LU


def back_substitution(U, b):
    """Sum of squares of the solution of U x = b, by products with slices."""
    n = len(b)
    x = np.zeros(n)
    for i in range(n - 1, -1, -1):
        x[i] = (b[i] - U[i, i + 1 :] @ x[i + 1 :]) / U[i, i]
    return x @ x


def householder(A):
    """The triangular factor by reflections, each of a shorter vector."""
    R = A.copy()
    m, n = R.shape
    for k in range(n):
        v = R[k:, k].copy()
        v[0] += math.copysign(1.0, v[0]) * np.linalg.norm(v)
        v /= np.linalg.norm(v)
        R[k:, k:] -= 2.0 * np.outer(v, v @ R[k:, k:])
    return np.abs(np.diag(R))


PROGRAMS = [
    Program(triangular_solve, lambda n: (np.tril(dominant(n)), normal(n)), (0, 1), linear=False),
    Program(cholesky, lambda n: (positive_definite(n), normal(n)), (0, 1), n=4, linear=False),
    Program(lu, lambda n: (dominant(n),), n=4, linear=False, scalar=False),
    Program(
        determinant,
        lambda n: (normal(n, n, seed=3),),
        n=4,
        linear=False,
        more=((dominant(4),), (normal(4, 4, seed=4),)),
    ),
    Program(gram_schmidt, lambda n: (normal(n, n),), n=3, linear=False, scalar=False),
    Program(givens, lambda n: (normal(n + 1, n),), n=3, linear=False, scalar=False),
    Program(tridiagonal, tridiagonal_system, (0, 1, 2, 3), n=6),
    Program(thomas, tridiagonal_system, (0, 1, 2, 3), scalar=False),
    Program(matrix_product, lambda n: (normal(n, n, seed=1), normal(n, n, seed=2)), (0, 1), n=3, linear=False),
    Program(power_iteration, lambda n: (positive_definite(3), uniform(3), n), (0, 1)),
    Program(conjugate_gradient, lambda n: (normal(n + 2, n), normal(n + 2)), (0, 1), n=3, linear=False, scalar=False),
    Program(jacobi, lambda n: (dominant(n), normal(n)), (0, 1), n=3, linear=False),
    Program(
        gauss_seidel,
        lambda n: (dominant(n), normal(n)),
        (0, 1),
        n=3,
        linear=False,
        more=((np.diag([1.0, 2.0, 3.0]), normal(3)),),
    ),
    Program(coupled_updates, coupled, (0, 1, 2, 3)),
    Program(cholesky_slices, lambda n: (positive_definite(n),), n=4, linear=False),
    Program(lu_slices, lambda n: (dominant(n),), n=4, linear=False, scalar=False),
    Program(back_substitution, lambda n: (np.triu(dominant(n)), normal(n)), (0, 1), linear=False),
    Program(householder, lambda n: (normal(n + 1, n),), n=3, linear=False, scalar=False),
]
