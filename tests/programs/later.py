"""Programs that the first half of staging leaves out, each with the reason."""

from programs.program import Program, normal


def least_so_far(x):
    """A name that holds None until the first value arrives."""
    least, total = None, 0.0
    for value in x:
        if least is None or value < least:
            least = value
        total += value * least
    return total


class Oscillator:
    """An object whose attributes change."""

    def __init__(self, position, stiffness):
        self.position, self.speed = position, 0.0
        self.stiffness = stiffness

    def advance(self, h):
        self.speed -= h * self.stiffness * self.position
        self.position += h * self.speed


def object_with_state(position, stiffness, n):
    """A loop in which an object remembers."""
    body = Oscillator(position, stiffness)
    for _ in range(n):
        body.advance(0.1)
    return body.position


LATER = [
    Program(least_so_far, lambda n: (normal(n),), reason="a name that is None before a loop and a number after it"),
    Program(object_with_state, lambda n: (0.7, 1.3, n), (0, 1), reason="attributes that a rolled loop carries"),
]
