"""Steps in time: stencils, Runge-Kutta, bodies that attract each other."""

import math

import numpy as np

from programs.program import Program, normal, uniform


def heat(u, kappa, n):
    """Heat in a rod after n steps; two arrays exchange their names."""
    old, new = u.copy(), u.copy()
    for _ in range(n):
        for i in range(1, len(u) - 1):
            new[i] = old[i] + kappa * (old[i - 1] - 2.0 * old[i] + old[i + 1])
        old, new = new, old
    return np.sum(old**2)


def heat_in_place(u, kappa, n):
    """The same in one array, which is the caller's; the old left neighbour is kept in a scalar."""
    for _ in range(n):
        left = u[0]
        for i in range(1, len(u) - 1):
            here = u[i]
            u[i] = here + kappa * (left - 2.0 * here + u[i + 1])
            left = here
    return np.sum(u**2)


def heat_slices(u, kappa, n):
    """The same with slices."""
    u = u.copy()
    for _ in range(n):
        u[1:-1] += kappa * (u[2:] - 2.0 * u[1:-1] + u[:-2])
    return np.sum(u**2)


def advection(u, speed, n):
    """Upwind transport on a ring; index -1 is the last cell."""
    for _ in range(n):
        flux = np.empty(len(u))
        for i in range(len(u)):
            flux[i] = speed * u[i] ** 2 / 2.0
        new = np.empty(len(u))
        for i in range(len(u)):
            new[i] = u[i] - 0.1 * (flux[i] - flux[i - 1])
        u = new
    return u


def membrane(u, v, stiffness, n):
    """Energy of a square membrane with a fixed edge: a stencil in two dimensions."""
    rows, columns = u.shape
    u, v = np.array(u), np.array(v)
    for _ in range(n):
        for i in range(1, rows - 1):
            for j in range(1, columns - 1):
                force = u[i - 1, j] + u[i + 1, j] + u[i, j - 1] + u[i, j + 1] - 4.0 * u[i, j]
                v[i, j] += stiffness * force
        u += 0.1 * v
    return 0.5 * np.sum(v * v) + np.sum(u[1:, :] * u[:-1, :])


def slope(x, y, z):
    """dy/dt of a chain in which every component drives the next one, written into z."""
    z[0] = x[0]
    for i in range(1, len(x)):
        z[i] = x[i] * y[i - 1]


def runge_kutta(x, n):
    """Last component after n steps of Runge-Kutta 4; the helper writes into its argument."""
    m, h = len(x), 2.0 / n
    y, stage = np.zeros(m), np.zeros(m)
    k1, k2, k3, k4 = np.zeros(m), np.zeros(m), np.zeros(m), np.zeros(m)
    for _ in range(n):
        slope(x, y, k1)
        for i in range(m):
            stage[i] = y[i] + h * k1[i] / 2.0
        slope(x, stage, k2)
        for i in range(m):
            stage[i] = y[i] + h * k2[i] / 2.0
        slope(x, stage, k3)
        for i in range(m):
            stage[i] = y[i] + h * k3[i]
        slope(x, stage, k4)
        for i in range(m):
            y[i] += h * (k1[i] + 2.0 * k2[i] + 2.0 * k3[i] + k4[i]) / 6.0
    return y[m - 1]


def lorenz(state, sigma, rho, beta, n):
    """Trajectory of the Lorenz system by Runge-Kutta 4 with vectors; the right-hand side is a closure."""

    def flow(p):
        x, y, z = p
        return np.array([sigma * (y - x), x * (rho - z) - y, x * y - beta * z])

    h = 0.01
    path = np.zeros((n, 3))
    for t in range(n):
        k1 = flow(state)
        k2 = flow(state + h / 2 * k1)
        k3 = flow(state + h / 2 * k2)
        k4 = flow(state + h * k3)
        state = state + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        path[t] = state
    return path


def adaptive_step_size(y, rate, tolerance):
    """y(1) of y' = -rate y + sin(5 t) by Heun's method; a step whose error is too large is tried again, shorter."""
    t, h = 0.0, 0.5
    while t < 1.0 - 1e-12:
        if t + h > 1.0:
            h = 1.0 - t
        k1 = -rate * y + math.sin(5.0 * t)
        k2 = -rate * (y + h * k1) + math.sin(5.0 * (t + h))
        error = 0.5 * h * abs(k2 - k1)
        if error <= tolerance:
            t += h
            y += 0.5 * h * (k1 + k2)
        h *= min(2.0, max(0.3, 0.9 * math.sqrt(tolerance / error)))
    return y


def branching_map(x, r, n):
    """A map of the interval with a branch on the value."""
    for _ in range(n):
        if x < 0.5:
            x = r * x * (1.0 - x) + 0.01
        else:
            x = x - 0.3 * math.sin(r * x)
    return x


def n_body(position, velocity, mass, n):
    """Kinetic energy of bodies in the plane after n symplectic steps; softened attraction."""
    bodies, h = len(mass), 0.05
    x, v = position.copy(), velocity.copy()
    for _ in range(n):
        for i in range(bodies):
            for j in range(bodies):
                if i != j:
                    dx = x[j, 0] - x[i, 0]
                    dy = x[j, 1] - x[i, 1]
                    pull = mass[j] / (dx * dx + dy * dy + 0.01) ** 1.5
                    v[i, 0] += h * pull * dx
                    v[i, 1] += h * pull * dy
        x += h * v
    energy = 0.0
    for i in range(bodies):
        energy += 0.5 * mass[i] * (v[i] @ v[i])
    return energy


def bouncing_ball(speed, bounce, n):
    """Height after n steps of a ball that loses speed whenever it hits the ground."""
    height = 1.0
    for _ in range(n):
        speed -= 0.981
        height += 0.1 * speed
        if height < 0.0:
            speed, height = -bounce * speed, -bounce * height
    return height


def spring_chain(x, v, stiffness, n):
    """Elongation of a chain of masses between two walls; vector updates, and each spring its own stiffness."""
    h = 0.05
    for _ in range(n):
        stretch = np.zeros(len(x) + 1)
        stretch[0] = x[0]
        stretch[-1] = -x[-1]
        stretch[1:-1] = x[1:] - x[:-1]
        tension = stiffness * np.sinh(stretch)
        v = v + h * (tension[1:] - tension[:-1])
        x = x + h * v
    return np.sum(np.abs(x))


PROGRAMS = [
    Program(heat, lambda n: (uniform(6), 0.2, n), (0, 1), more=((uniform(6), 0.2, 0), (uniform(6), 0.2, 4))),
    Program(heat_in_place, lambda n: (uniform(6), 0.2, n), (0, 1)),
    Program(heat_slices, lambda n: (uniform(6), 0.2, n), (0, 1)),
    Program(advection, lambda n: (uniform(5), 0.9, n), (0, 1), n=3, scalar=False),
    Program(membrane, lambda n: (normal(4, 4, seed=1), normal(4, 4, seed=2), 0.3, n), (0, 1, 2), n=3),
    Program(runge_kutta, lambda n: (uniform(3), n), (0,)),
    Program(lorenz, lambda n: (np.array([1.0, 2.0, 20.0]), 10.0, 28.0, 8.0 / 3.0, n), (0, 1, 2, 3), n=3, scalar=False),
    Program(adaptive_step_size, (0.7, 2.0, 1e-3), (0, 1), more=((0.2, 6.0, 1e-3), (0.2, 1.0, 10.0))),
    Program(branching_map, lambda n: (0.3, 2.0, n), (0, 1), n=9, more=((0.8, 1.1, 9), (0.3, 2.0, 0))),
    Program(n_body, lambda n: (normal(3, 2, seed=1), normal(3, 2, seed=2), uniform(3, seed=3), n), (0, 1, 2), n=3),
    Program(bouncing_ball, lambda n: (1.5, 0.8, n), (0, 1), n=12, more=((9.0, 0.8, 5),)),
    Program(spring_chain, lambda n: (normal(4, seed=1), normal(4, seed=2), uniform(5, seed=3), n), (0, 1, 2), n=4),
]
