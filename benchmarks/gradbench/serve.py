"""GradBench's protocol: a message on each line of the input, a response to it on a line of the output.

Source: the section "Protocol" of GradBench's CONTRIBUTING.md.
"""

import json
import time
import traceback
from collections.abc import Callable, Iterable
from importlib import import_module
from pathlib import Path
from typing import Any, TextIO

from benchmarks.gradbench.function import Function

MODULES = Path(__file__).with_name("evals.txt").read_text().split()


class Refused(Exception):
    """A message that this tool cannot serve; the text says why."""


def serve(messages: Iterable[str], responses: TextIO) -> None:
    """Answer each message, whatever it is, until there are no more."""
    for line in messages:
        responses.write(respond(line) + "\n")
        responses.flush()  # the eval waits for this response before it sends the next message


def respond(line: str) -> str:
    """The response to one message, in one line."""
    identity = None
    try:
        message = json.loads(line)
        identity = field(message, "id")
        answer = ANSWERS.get(field(message, "kind"), acknowledge)(message)
        return json.dumps({"id": identity, **answer}, allow_nan=False)  # NaN is no JSON: the eval could not read it
    except Refused as refused:
        error = str(refused)
    except Exception:  # noqa: BLE001  whatever went wrong, the eval waits for a response that says so
        error = traceback.format_exc()
    return json.dumps({"id": identity, "success": False, "error": error})


def field(holder: Any, name: str) -> Any:
    if not isinstance(holder, dict) or name not in holder:
        raise Refused(f"the message has no {name!r}")
    return holder[name]


def start(message: dict[str, Any]) -> dict[str, Any]:
    return {"tool": "wengert"}


def define(message: dict[str, Any]) -> dict[str, Any]:
    _, timing = timed("define", functions, field(message, "module"))
    return {"success": True, "timings": [timing]}


def evaluate(message: dict[str, Any]) -> dict[str, Any]:
    """Run the function at least `min_runs` times, and until the runs took `min_seconds`; a timing for each run."""
    module, name = field(message, "module"), field(message, "function")
    found = functions(module).get(name)
    if found is None:
        raise Refused(f"the module {module!r} has no function {name!r}")
    given = field(message, "input")
    args = found.arguments(given)
    limits = given if isinstance(given, dict) else {}  # hello sends a number alone
    _, prepared = timed("prepare", found.prepare, args)
    runs: list[dict[str, Any]] = []
    while len(runs) < max(1, limits.get("min_runs", 1)) or seconds(runs) < limits.get("min_seconds", 0):
        result, run = timed("evaluate", found.run, *args)
        runs.append(run)
    return {"success": True, "output": found.output(result), "timings": [prepared, *runs]}


def acknowledge(message: dict[str, Any]) -> dict[str, Any]:
    """An analysis, and any message of a kind that is not known here, only wants its id back."""
    return {}


ANSWERS = {"start": start, "define": define, "evaluate": evaluate}


def functions(module: str) -> dict[str, Function]:
    if module not in MODULES:
        raise Refused(f"there is no module {module!r}; there are {', '.join(MODULES)}")
    return import_module(f"benchmarks.gradbench.{module}").FUNCTIONS


def timed(name: str, f: Callable[..., Any], *args: Any) -> tuple[Any, dict[str, Any]]:
    start = time.perf_counter_ns()
    result = f(*args)
    return result, {"name": name, "nanoseconds": time.perf_counter_ns() - start}


def seconds(timings: list[dict[str, Any]]) -> float:
    return sum(timing["nanoseconds"] for timing in timings) / 1e9
