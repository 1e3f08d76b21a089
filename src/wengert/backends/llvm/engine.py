"""LLVM text becomes code in memory: parse, optimise, emit an object (or find it in the cache), link.

Each text is a library of its own: names of one do not meet those of another, and the library leaves memory with the
last reference to its `Code`.  What our own linker does not understand, LLVM's JIT links, one for the process.
"""

import ctypes
import itertools
import os
import platform
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import wengert
from wengert.backends.llvm.cache import key_of, load, store
from wengert.backends.llvm.linker import Linked, link
from wengert.core.lazy import folder_of, lazy

llvm = lazy("llvmlite.binding")

# LLVM's passes of level 1, loops vectorised and never unrolled.  What was measured (text of 75, 543 and 5,223 lines:
# loop nests with index checks, a sum and a call; passes + emission in ms, and the run relative to the fastest):
#   always-inline, SROA, instcombine, simplifycfg, loop-rotate, instcombine, simplifycfg
#                                           1.2 + 4.6    6 + 19    133 + 196    slower from 5,000 lines on (4.4)
#   this                                    4.0 + 4.0   29 + 26    395 + 250    1.0
#   level 1 as it is (unrolls)              5.4 + 12    40 + 61    585 + 820    1.0
#   level 2                                 6.0 + 7.9   60 + 66   1250 + 1010   1.0
# llvmlite has no pass of its own for loop invariants, so that no list of single passes does what level 1 does.  Its
# GVN ("new_gvn") fails an assertion of LLVM's in texts of thousands of lines, which ends the process: never use it.
LEVEL = 1
TUNING = {
    "loop_vectorization": True,
    "slp_vectorization": False,
    "loop_interleaving": False,
    "loop_unrolling": False,
}
# code that does the work, the same without loops over arrays, code that only goes between
OPTIMISED, SCALAR, QUICK = 2, 1, 0
INLINING = ("always_inliner", "global_dead_code_eliminate")
QUICK_PASSES = (*INLINING, "sroa", "simplify_cfg")
EMISSION = {"reloc": "pic", "codemodel": "small", "jit": True}  # JITLink puts far addresses into a table

TELLING = {"vendor_id", "cpu family", "model", "stepping", "microcode", "flags"}  # lines of Linux about a CPU of x86

lock = threading.RLock()  # again in one thread: code may go while other code is made
_numbers = itertools.count()

if hasattr(os, "register_at_fork"):  # a child that is born while another thread is in LLVM would wait for it for ever
    os.register_at_fork(before=lock.acquire, after_in_parent=lock.release, after_in_child=lock.release)


class Library:
    """Code in memory that LLVM has linked, as long as this lives."""

    def __init__(self, library: Any, name: str) -> None:
        self._name = name
        self._libraries = [library]  # each address that was asked for holds the code, too
        self._addresses: dict[str, int] = {}

    def __del__(self, at_exit: Callable[[], bool] = sys.is_finalizing) -> None:
        with lock:
            for library in self._libraries:
                library.detach() if at_exit() else library.close()  # at exit threads may still run it

    def address(self, name: str) -> int:
        """Where the function of this name starts.

        Raises RuntimeError where there is none, or something that it needs is missing.
        """
        with lock:
            if name not in self._addresses:
                found = jit().lookup(self._name, name)
                self._libraries.append(found)
                self._addresses[name] = found[name]
            return self._addresses[name]


Code = Linked | Library


def compile(text: str, symbols: Mapping[str, int], *, level: int = OPTIMISED) -> Code:
    """The code of this text.

    symbols   addresses of what the text declares and does not define (functions of libm, BLAS, Python ...)
    level     SCALAR for code that has no loops to vectorise: LLVM simplifies functions, and leaves out the second half
              of its passes; QUICK for code that does little: it is made in a tenth of the time, and runs about half
              as fast

    Raises RuntimeError where LLVM refuses the text.
    """
    with lock:
        key = name_of(text, level)
        code = load(key)
        if code is None:
            code = emitted(text, level)
            store(key, code)
        return linked(code, symbols)


def name_of(text: str, level: int) -> str:
    """Of its code in the cache."""
    return key_of(text, str(level), *circumstances())


def linked(code: bytes, symbols: Mapping[str, int]) -> Code:
    """The code in memory; to be called under the lock."""
    return link(code, symbols) or linked_by_llvm(code, symbols)


def linked_by_llvm(code: bytes, symbols: Mapping[str, int]) -> Library:
    builder = llvm.JITLibraryBuilder().add_object_img(code)
    for name, address in symbols.items():
        builder.import_symbol(name, address)
    name = f"wengert-{next(_numbers)}"
    return Library(builder.link(jit(), name), name)


def emitted(text: str, level: int) -> bytes:
    """Object code."""
    module = llvm.parse_assembly(text)
    module.verify()  # what is not well formed would fail an assertion later, and end the process
    optimise(module, level)
    code: bytes = machine(level).emit_object(module)
    return code


def optimise(module: Any, level: int) -> None:
    tuning = llvm.create_pipeline_tuning_options(LEVEL)
    for name, value in TUNING.items():
        setattr(tuning, name, value)
    builder = llvm.create_pass_builder(machine(level), tuning)
    if level == OPTIMISED:
        builder.getModulePassManager().run(module, builder)
        return
    passes = llvm.create_new_module_pass_manager()
    for name in INLINING if level == SCALAR else QUICK_PASSES:
        getattr(passes, f"add_{name}_pass")()
    passes.run(module, builder)
    if level == SCALAR:
        functions = builder.getFunctionPassManager()
        for function in module.functions:
            if not function.is_declaration:
                functions.run(function, builder)


@cache
def jit() -> Any:
    # JITLink keeps all of a library within reach of small addresses; LLVM has no such linker for Windows' objects
    made = llvm.create_lljit_compiler(machine(OPTIMISED), use_jit_link=os.name != "nt")
    ctypes.pythonapi.Py_IncRef(ctypes.py_object(made))  # never disposed of: at exit threads may still run code of it
    return made


@cache
def machine(level: int) -> Any:
    llvm.initialize_native_target()
    llvm.initialize_native_asmprinter()
    cpu, features = processor()
    effort = 0 if level == QUICK else 2
    return llvm.Target.from_default_triple().create_target_machine(cpu=cpu, features=features, opt=effort, **EMISSION)


@cache
def processor() -> tuple[str, str]:
    """Name and features of the CPU."""
    try:
        return llvm.get_host_cpu_name(), llvm.get_host_cpu_features().flatten()
    except RuntimeError:  # LLVM cannot tell on this platform: code for any CPU of its kind
        return "", ""


@cache
def circumstances() -> tuple[str, ...]:
    """What the code depends on beside the text."""
    cpu = facts_of_processor() or processor()
    settings = [LEVEL, *TUNING.items(), *QUICK_PASSES, *EMISSION.items()]
    return (wengert.__version__, version_of_llvm(), sys.platform, platform.machine(), *cpu, *map(str, settings))


def version_of_llvm() -> str:
    """llvmlite's, which tells LLVM's: from the file that holds it, so that kept code runs without the import."""
    folder = folder_of("llvmlite")
    with suppress(OSError):
        if folder is not None:
            return (folder / "_version.py").read_text()
    return str(lazy("llvmlite").__version__)


def facts_of_processor() -> list[str]:
    """What decides the code that LLVM makes for this CPU, as the system tells it; [] where it does not."""
    facts: list[str] = []
    with suppress(OSError), open("/proc/cpuinfo") as file:
        first = itertools.takewhile(str.strip, file)  # of several, which are alike
        facts += [line for line in first if line.partition("\t")[0] in TELLING]
    return facts if len(facts) == len(TELLING) else []
