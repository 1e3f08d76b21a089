"""Hand tracking: distances of measured points from the skin that a skeleton carries, and their tall Jacobian."""

import numpy as np

import wengert as wg
from benchmarks.gradbench.function import Function


def about_axis(axis):
    """The rotation about `axis` by the angle that its length is."""
    angle = np.sqrt(axis @ axis)
    if angle < 1e-4:
        return np.eye(3)
    x, y, z = axis / angle
    s, c = np.sin(angle), np.cos(angle)
    cross = np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])
    w = axis / angle
    return c * np.eye(3) + (1 - c) * np.outer(w, w) + s * cross


def by_angles(x, z, y):
    """Turns about the x, then the y, then the z axis, as a matrix for points (x, y, z, 1)."""
    (sx, sy, sz), (cx, cy, cz) = np.sin([x, y, z]), np.cos([x, y, z])
    return np.array(
        [
            [cy * cz, sx * sy * cz - cx * sz, cx * sy * cz + sx * sz, 0.0],
            [cy * sz, sx * sy * sz + cx * cz, cx * sy * sz - sx * cz, 0.0],
            [-sy, sx * cy, cx * cy, 0.0],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def bone_angles(theta, bones):
    """The first bones of each finger bend and spread, two others bend; the wrist and the tips are stiff."""
    angles = np.zeros((bones, 3))
    fingers = theta[6:].reshape(5, 4)
    angles[2::4, :2] = fingers[:, :2]
    angles[3::4, 0] = fingers[:, 2]
    angles[4::4, 0] = fingers[:, 3]
    return angles


def skin(theta, model):
    """The positions of the vertices: each moves with its bones, by their weights."""
    bones = len(model["parents"])
    angles = bone_angles(theta, bones)
    absolute = np.empty((bones, 4, 4))
    for i, parent in enumerate(model["parents"]):
        relative = model["base_relatives"][i] @ by_angles(*angles[i])
        absolute[i] = relative if parent < 0 else absolute[parent] @ relative
    transforms = absolute @ model["inverse_base_absolutes"]
    moved = model["base_positions"] @ transforms[:, :3].transpose(0, 2, 1)
    positions = np.sum(model["weights"].T[:, :, None] * moved, axis=0)
    if model["is_mirrored"]:
        positions = positions * [-1.0, 1.0, 1.0]
    return positions @ about_axis(theta[:3]).T + theta[3:6]


def distances(us, theta, model, points, correspondences):
    """us: where in its triangle each point lies; without, the correspondences are vertices."""
    positions = skin(theta, model)
    if len(us) == 0:
        return points - positions[correspondences]
    a, b, c = model["triangles"][correspondences].T
    u, v = us.T[:, :, None]
    return points - (u * positions[a] + v * positions[b] + (1 - u - v) * positions[c])


def objective(*args):
    return distances(*args).ravel()


def jacobian(us, theta, *data):
    """A point depends on its own u and v only: two seeds reach those of all points, 26 more reach theta."""
    own = 2 if len(us) else 0
    u_seeds, theta_seeds = np.zeros((own + len(theta), *us.shape)), np.eye(own + len(theta), len(theta), -own)
    for i in range(own):
        u_seeds[i, :, i] = 1.0

    def push(u_dot, theta_dot):
        return wg.jvp(lambda u, t: objective(u, t, *data), (us, theta), (u_dot, theta_dot))[1]

    return wg.vmap(push)(u_seeds, theta_seeds).T


def arguments(given):
    data = given["data"]
    names = ("parents", "base_relatives", "inverse_base_absolutes", "base_positions", "weights", "triangles")
    model = {name: np.array(data["model"][name]) for name in names}
    model["is_mirrored"] = data["model"]["is_mirrored"]
    us = np.array(given["us"], float).reshape(-1, 2)
    return us, np.array(given["theta"]), model, np.array(data["points"]), np.array(data["correspondences"])


FUNCTIONS = {"objective": Function(objective, arguments), "jacobian": Function(jacobian, arguments)}
