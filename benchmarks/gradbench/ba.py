"""Bundle adjustment: the residuals of points that cameras see, and their sparse Jacobian."""

import numpy as np

import wengert as wg
from benchmarks.gradbench.function import Function, numbers


def rotated(axis, x):
    """x turned about `axis` by the angle that its length is (Rodrigues).  sinc is sin(πa)/πa, with its limit at 0."""
    angle = np.sqrt(axis @ axis)
    sine, versine = np.sinc(angle / np.pi), np.sinc(angle / (2 * np.pi)) ** 2 / 2  # over the angle, over its square
    return x * np.cos(angle) + np.cross(axis, x) * sine + axis * (axis @ x) * versine


def projected(camera, x):
    """camera: rotation (3), centre (3), focal length, principal point (2), radial distortion (2)."""
    seen = rotated(camera[:3], x - camera[3:6])
    plane = seen[:2] / seen[2]
    square = plane @ plane
    return plane * (1 + camera[9] * square + camera[10] * square**2) * camera[6] + camera[7:9]


def reprojection(camera, x, weight, feature):
    return weight * (projected(camera, x) - feature)


def weight_error(weight):
    return 1 - weight**2


def residuals(cameras, points, weights, features, seen):
    """seen: which camera sees which point, for each observation."""
    errors = wg.vmap(reprojection)(cameras[seen[:, 0]], points[seen[:, 1]], weights, features)
    return errors, weight_error(weights)


def block(camera, x, weight, feature):
    """The two rows of one observation, by two seeds: (2, 11), (2, 3) and (2,)."""
    _, pull = wg.vjp(lambda *parts: reprojection(*parts, feature), camera, x, weight)
    return wg.vmap(pull)(np.eye(2))


def jacobian(cameras, points, weights, features, seen):
    """In compressed rows: where each row begins, and the columns and values of its nonzero elements."""
    blocks = wg.vmap(block)(cameras[seen[:, 0]], points[seen[:, 1]], weights, features)
    by_camera, by_point, by_weight = blocks
    p = len(seen)
    by_parts = np.concatenate([by_camera, by_point, by_weight[:, :, None]], axis=2)
    values = np.concatenate([by_parts.ravel(), wg.elementwise_grad(weight_error)(weights)])
    behind_cameras, behind_points = cameras.size, cameras.size + points.size
    of_weights = behind_points + np.arange(p)
    of_camera = 11 * seen[:, :1] + np.arange(11)
    of_point = behind_cameras + 3 * seen[:, 1:] + np.arange(3)
    of_rows = np.concatenate([of_camera, of_point, of_weights[:, None]], axis=1)
    columns = np.concatenate([np.repeat(of_rows, 2, axis=0).ravel(), of_weights])
    rows = np.cumsum(np.concatenate([[0], np.full(2 * p, 15), np.ones(p, int)]))
    return rows, columns, values


def arguments(given):
    """GradBench sends one camera, point, weight and feature, which stand for all."""
    n, m, p = given["n"], given["m"], given["p"]
    cameras, points = np.tile(given["cam"], (n, 1)), np.tile(given["x"], (m, 1))
    weights, features = np.full(p, given["w"]), np.tile(given["feat"], (p, 1))
    return cameras, points, weights, features, np.stack([np.arange(p) % n, np.arange(p) % m], axis=1)


def first_errors(result):
    errors, weight_errors = numbers(result)
    return {
        "reproj_error": {"elements": errors[0], "repeated": len(errors)},
        "w_err": {"element": weight_errors[0], "repeated": len(weight_errors)},
    }


def first_block(result):
    """The elements of the first block of rows, and the last one."""
    return {name: [*x[:30], x[-1]] for name, x in zip(("rows", "cols", "vals"), numbers(result))}


FUNCTIONS = {
    "objective": Function(residuals, arguments, first_errors),
    "jacobian": Function(jacobian, arguments, first_block),
}
