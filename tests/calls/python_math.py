"""Calls of the module `math`."""

import math

from calls.call import calls, each

ONE = calls("0.3; 0.8")
CALLS = {
    **each([math.sin, math.cos, math.tan, math.asin, math.acos, math.atan, math.sinh, math.cosh, math.tanh], ONE),
    **each(
        [math.asinh, math.atanh, math.exp, math.exp2, math.expm1, math.log2, math.log10, math.log1p, math.sqrt], ONE
    ),
    **each([math.cbrt, math.degrees, math.radians, math.isnan, math.isinf, math.isfinite], ONE),
    math.acosh: calls("1.3"),
    **each([math.floor, math.ceil, math.trunc], calls("1.7; -0.3")),
    math.copysign: calls("0.3, -0.8; 0.3, 2; -0.3, 1; 2, -0.8"),
    math.fabs: calls("0.3; -0.8"),
    math.pow: calls("0.3, 0.8; 0.3, 2; 2, 0.3; -0.3, 3"),
    math.atan2: calls("0.3, 0.8; 0.3, -1; 1, 0.4"),
    math.hypot: calls("0.3, 0.4; 0.3, 0.4, 0.5; 0.3; 0.3, 2"),
    math.fsum: calls("[0.3, 0.4, 2]; (0.3, 0.4); V"),
    math.prod: calls("[0.3, 0.4, 2]; [0.3, 0.4], start=3; V"),
    math.log: calls("0.3; 0.3, 2; 0.3, 0.7; 2, 0.7"),
    math.fmod: calls("3.3, 0.7; -3.3, 0.7; 3, 0.8"),
    math.dist: calls("[0.3, 0.4], [0.5, 0.9]; V, [1, 2, 3]; V, V + 0.1"),
}
