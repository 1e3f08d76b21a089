"""LLVM text becomes code in memory; object code is kept on disk."""

import ctypes
import os
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import llvmlite
import pytest

import wengert
from wengert.backends.llvm import cache, engine
from wengert.backends.llvm.linker import Image, Linked, Object, Unknown, is_at_home, link


@pytest.fixture(params=["our linker", "LLVM's"], autouse=True)
def linker(request, monkeypatch):
    if request.param == "LLVM's":
        monkeypatch.setattr(engine, "link", lambda code, symbols: None)
    elif not is_at_home():
        pytest.skip("our linker knows Linux on x86-64")
    return request.param


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, str(tmp_path))
    return tmp_path


def adding(number, name="run"):
    return f"""
define i64 @{name}(i64 %x) {{
  %y = add i64 %x, {number}
  ret i64 %y
}}
"""


def function(code, name="run"):
    return ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.address(name))


CALLING = """
declare double @wengert_test_f(double)
@wengert_test_x = external global double

define double @run(double %x) {
  %y = call double @wengert_test_f(double %x)
  %a = load double, ptr @wengert_test_x
  %z = fadd double %y, %a
  ret double %z
}
"""


def files(folder):
    return sorted(p.name for p in folder.iterdir())


def in_new_process(text, **environment):
    out = subprocess.run(
        [sys.executable, "-c", text], env={**os.environ, **environment}, capture_output=True, text=True, timeout=120
    )
    assert out.returncode == 0, out.stderr
    return out.stdout.strip()


# ---------------------------------------------------------------- engine


def test_importing_wengert_and_the_backend_does_not_import_llvmlite():
    modules = in_new_process(
        "import wengert, sys, wengert.backends.llvm.entry\n"
        "print([m for m in sys.modules if m.startswith(('llvmlite', 'scipy.linalg'))])"
    )
    assert modules == "[]"


def test_the_text_is_run():
    code = engine.compile(adding(5) + adding(7, "other"), {})
    assert function(code)(1) == 6 and function(code, "other")(1) == 8


@pytest.mark.parametrize("level", [engine.OPTIMISED, engine.QUICK])
def test_symbols_of_one_text_are_not_those_of_another(level):
    double = ctypes.CFUNCTYPE(ctypes.c_double, ctypes.c_double)
    functions = [double(lambda x: x + 1), double(lambda x: x * 10)]
    numbers = [ctypes.c_double(0.25), ctypes.c_double(0.5)]
    codes = [
        engine.compile(
            CALLING,
            {
                "wengert_test_f": ctypes.cast(f, ctypes.c_void_p).value,
                "wengert_test_x": ctypes.addressof(x),
            },
            level=level,
        )
        for f, x in zip(functions, numbers)
    ]
    assert [double(code.address("run"))(3.0) for code in codes] == [4.25, 30.5]


def test_what_is_missing_or_malformed_is_an_exception_and_not_the_end_of_the_process(capfd):
    code = engine.compile(CALLING, {})
    with pytest.raises(RuntimeError, match="run"):
        code.address("run")
    with pytest.raises(RuntimeError, match="nothing"):
        engine.compile(adding(1), {}).address("nothing")
    with pytest.raises(RuntimeError, match="parsing error"):
        engine.compile("define i32 @run() { ret i64 0 }", {})
    with pytest.raises(RuntimeError, match="dominate"):
        engine.compile(
            "define i32 @run(i1 %c) {\n br i1 %c, label %a, label %b\na:\n %x = add i32 1, 2\n br label %b\n"
            "b:\n ret i32 %x\n}",
            {},
        )
    assert "wengert_test_f" in capfd.readouterr().err


def test_code_leaves_memory_with_its_last_reference():
    """10 KB stay for each library; 300 programs of 100 KB would be 30 MB."""
    code = engine.emitted(adding(1) + '@large = global [100000 x i8] c"' + "x" * 100_000 + '"\n', engine.QUICK)

    def memory():
        return int(Path("/proc/self/statm").read_text().split()[1]) * 4096

    for _ in range(20):
        engine.linked(code, {}).address("run")
    before = memory()
    for _ in range(300):
        engine.linked(code, {}).address("run")
    assert memory() - before < 15e6


TABLES = """
@counter = internal global i64 0
@names = internal constant [4 x double] [double 1.0, double 20.0, double 300.0, double 4000.0]
@start = global i64 40, align 64
@large = internal global [100000 x i64] zeroinitializer, align 4096

define i64 @count(i64 %by) {
  %old = load i64, ptr @counter
  %new = add i64 %old, %by
  store i64 %new, ptr @counter
  store i64 %new, ptr getelementptr ([100000 x i64], ptr @large, i64 0, i64 99999)
  %start = load i64, ptr @start
  %all = add i64 %new, %start
  ret i64 %all
}

define i64 @chosen(i64 %i) {
  switch i64 %i, label %none [ i64 0, label %a i64 1, label %b i64 2, label %c i64 3, label %d i64 4, label %e ]
none:
  ret i64 -1
a:
  %a1 = call i64 @count(i64 1000)
  ret i64 %a1
b:
  %p = getelementptr [4 x double], ptr @names, i64 0, i64 %i
  %x = load double, ptr %p
  %y = call double @exp2(double %x)
  %z = fptosi double %y to i64
  ret i64 %z
c:
  %f = load i64, ptr @start
  ret i64 %f
d:
  %size = call i64 @labs(i64 -77)
  ret i64 %size
e:
  %address = ptrtoint ptr @chosen to i64
  ret i64 %address
}

declare double @exp2(double)
declare i64 @labs(i64)
"""


@pytest.mark.parametrize("level", [engine.OPTIMISED, engine.SCALAR, engine.QUICK])
def test_data_tables_and_functions_far_away(level):
    codes = [engine.compile(TABLES, {}, level=level) for _ in range(2)]
    for code in codes:  # each has data of its own
        assert [function(code, "count")(k) for k in (1, 2)] == [41, 43]
        chosen = function(code, "chosen")
        assert [chosen(i) for i in (-1, 0, 1, 2, 3, 9)] == [-1, 1043, 2**20, 40, 77, -1]
        assert chosen(4) == code.address("chosen")


def test_who_links(linker):
    is_ours = isinstance(engine.compile(adding(1), {}), Linked)
    assert is_ours == (linker == "our linker")


def test_what_the_linker_does_not_know_is_left_to_llvm():
    """Variables of each thread: relocations and sections of other kinds."""
    text = """
@mine = thread_local global i64 5
define i64 @run(i64 %x) {
  %y = load i64, ptr @mine
  ret i64 %y
}
"""
    code = engine.emitted(text, engine.QUICK)
    with pytest.raises(Unknown):
        Object(code)
    assert link(code, {}) is None
    code = engine.emitted(adding(1), engine.QUICK)
    assert link(code, {}).address("run")
    with pytest.raises(Unknown):
        Object(b"\xcf\xfa\xed\xfe" + code[4:])
    with pytest.raises(Unknown, match="wengert_test_f"):
        Image(Object(engine.emitted(CALLING, engine.QUICK)), {})


USER = """
import sys, numpy as np, wengert as wg
f = wg.jit(wg.value_and_grad(lambda x: np.sum(np.sin(x) * np.exp(x))))
print(*f(np.arange(3.0)), "llvmlite" in sys.modules)
"""


def test_kept_code_runs_without_llvm(tmp_path_factory):
    """In a new process: neither the program nor the entry needs it."""
    path = tmp_path_factory.mktemp("user") / "user.py"
    path.write_text(USER)
    first, second = (
        in_new_process(f"import runpy; runpy.run_path({str(path)!r})").rsplit(maxsplit=1) for _ in range(2)
    )
    assert first[0] == second[0] and (first[1], second[1]) == ("True", str(not is_at_home()))


def test_threads_compile_and_call():
    def work(k):
        code = engine.compile(adding(k % 5), {})
        return function(code)(1)

    with ThreadPoolExecutor(8) as pool:
        assert list(pool.map(work, range(40))) == [1 + k % 5 for k in range(40)]


@pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork")
@pytest.mark.filterwarnings("ignore:This process.*fork:DeprecationWarning")
def test_a_child_can_compile_while_threads_of_its_parent_do():
    stop = threading.Event()

    def compile_on():
        k = 0
        while not stop.is_set():
            engine.compile(adding(k := k + 1), {})

    threads = [threading.Thread(target=compile_on) for _ in range(3)]
    for thread in threads:
        thread.start()
    before = engine.compile(adding(1000), {})
    try:
        for k in range(5):
            child = os.fork()
            if child == 0:
                after = engine.compile(adding(2000 + k), {})
                os._exit(0 if (function(before)(1), function(after)(1)) == (1001, 2001 + k) else 1)
            assert os.waitpid(child, 0)[1] == 0
    finally:
        stop.set()
        for thread in threads:
            thread.join()


# ---------------------------------------------------------------- cache


def forbid(*args):
    raise AssertionError("compiled")


def test_what_was_compiled_once_is_neither_parsed_nor_optimised_again(own_cache, monkeypatch):
    engine.compile(adding(3), {})
    assert [name.endswith(cache.SUFFIX) for name in files(own_cache)] == [True]
    monkeypatch.setattr(engine, "emitted", forbid)
    assert function(engine.compile(adding(3), {}))(1) == 4
    with pytest.raises(AssertionError):
        engine.compile(adding(4), {})
    with pytest.raises(AssertionError):
        engine.compile(adding(3), {}, level=engine.QUICK)


def test_another_process_finds_it(own_cache):
    text = (
        "import sys\nfrom wengert.backends.llvm import engine\nimport ctypes\n"
        "if len(sys.argv) > 1: engine.emitted = None\n"
        f"code = engine.compile({adding(3)!r}, {{}})\n"
        "print(ctypes.CFUNCTYPE(ctypes.c_int64, ctypes.c_int64)(code.address('run'))(1))"
    )
    assert in_new_process(text) == "4"
    assert in_new_process(text.replace("len(sys.argv) > 1", "True")) == "4"


def test_code_of_another_cpu_or_version_is_not_taken(own_cache, monkeypatch):
    found = engine.circumstances()
    assert {*(engine.facts_of_processor() or engine.processor()), wengert.__version__} <= set(found)
    assert any(llvmlite.__version__ in fact for fact in found)
    engine.compile(adding(3), {})
    monkeypatch.setattr(engine, "circumstances", lambda: (*found[:-1], found[-1] + "x"))
    engine.compile(adding(3), {})
    assert len(files(own_cache)) == 2


def test_facts_that_the_system_does_not_tell(monkeypatch):
    monkeypatch.setattr(engine, "facts_of_processor", list)
    monkeypatch.setattr(engine, "folder_of", lambda name: None)
    engine.circumstances.cache_clear()
    assert {*engine.processor(), llvmlite.__version__} <= set(engine.circumstances())
    monkeypatch.undo()
    engine.circumstances.cache_clear()


def test_parts_of_a_key_are_apart():
    assert cache.key_of("ab", "c") != cache.key_of("a", "bc") != cache.key_of("abc")


DAMAGES = {
    "empty": lambda content: b"",
    "cut": lambda content: content[: len(content) // 2],
    "one bit": lambda content: content[:100] + bytes([content[100] ^ 1]) + content[101:],
    "longer": lambda content: content + b"\0",
    "other": lambda content: b"not an object" * 100,
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_file_is_a_miss(damage, own_cache):
    engine.compile(adding(3), {})
    [path] = own_cache.iterdir()
    whole = path.read_bytes()
    path.write_bytes(DAMAGES[damage](whole))
    assert function(engine.compile(adding(3), {}))(1) == 4
    assert path.read_bytes()[:32] == whole[:32]  # written again


def test_folders_that_cannot_be_used_are_no_error(own_cache, monkeypatch):
    (own_cache / "file").write_text("in the way")
    writable = own_cache / "writable"
    writable.mkdir()
    writable.chmod(0o777)
    for place in (own_cache / "file", own_cache / "file" / "below", writable):
        monkeypatch.setenv(cache.VARIABLE, str(place))
        assert function(engine.compile(adding(3), {}))(1) == 4
    assert files(writable) == []


def test_a_full_or_read_only_disk_is_no_error(own_cache, monkeypatch):
    def full(*args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(cache.os, "replace", full)
        assert function(engine.compile(adding(3), {}))(1) == 4
        assert files(own_cache) == []  # no unfinished file stays
        patch.setattr(cache.tempfile, "mkstemp", full)
        assert function(engine.compile(adding(3), {}))(1) == 4
    engine.compile(adding(3), {})
    with monkeypatch.context() as patch:
        patch.setattr(cache.os, "utime", full)
        patch.setattr(engine, "emitted", forbid)
        assert function(engine.compile(adding(3), {}))(1) == 4


def test_off_writes_nothing(own_cache, monkeypatch):
    monkeypatch.setenv(cache.VARIABLE, "off")
    monkeypatch.setenv("XDG_CACHE_HOME", str(own_cache))
    assert function(engine.compile(adding(3), {}))(1) == 4
    assert files(own_cache) == []


@pytest.mark.skipif(sys.platform != "linux", reason="folders of other platforms")
def test_the_folder_of_the_user_is_the_default(own_cache, monkeypatch):
    monkeypatch.delenv(cache.VARIABLE)
    monkeypatch.setenv("XDG_CACHE_HOME", str(own_cache))
    engine.compile(adding(3), {})
    assert len(files(own_cache / "wengert")) == 1
    assert (own_cache / "wengert").stat().st_mode & 0o077 == 0


def test_what_was_used_longest_ago_leaves_first(own_cache, monkeypatch):
    monkeypatch.setattr(cache, "LIMIT", 10_000)
    monkeypatch.setattr(cache, "KEPT", 8_000)
    monkeypatch.setattr(cache, "LEAST", 0)
    monkeypatch.setattr(cache, "SELDOM", 1)
    stranger = own_cache / "thesis.txt"
    stranger.write_bytes(b"x" * 20_000)
    keys = [cache.key_of(str(k)) for k in range(9)]
    for age, key in enumerate(keys):
        cache.store(key, b"x" * 968)  # 1,000 bytes in each file
        os.utime(own_cache / (key + cache.SUFFIX), (age, age))
    unfinished = own_cache / f"{keys[0]}.abc.unfinished"  # of a process that was killed
    unfinished.write_bytes(b"x" * 500)
    os.utime(unfinished, (0.5, 0.5))
    assert cache.load(keys[0]) is not None  # now the youngest
    cache.store(cache.key_of("new"), b"x" * 968)  # 10,500 bytes
    left = [key for key in keys if cache.load(key) is not None]
    assert left == [keys[0], *keys[3:]]
    assert cache.load(cache.key_of("new")) is not None
    assert not unfinished.exists() and stranger.exists()


def test_one_of_many_new_files_looks_at_all(own_cache, monkeypatch):
    """In time; and small files count, too."""
    looks = []
    monkeypatch.setattr(cache, "shrink", looks.append)
    for k in range(20 * cache.SELDOM):
        cache.store(cache.key_of(str(k)), b"x")
    assert 5 < len(looks) < 60
    monkeypatch.undo()
    monkeypatch.setattr(cache, "LIMIT", 100 * cache.LEAST)
    monkeypatch.setattr(cache, "KEPT", 50 * cache.LEAST)
    cache.shrink(own_cache)
    assert len(files(own_cache)) == 50


def test_many_processes_may_write_and_read_at_once(own_cache):
    text = (
        "from wengert.backends.llvm import cache\nimport hashlib\ncache.LIMIT, cache.KEPT = 60_000, 40_000\n"
        "cache.LEAST, cache.SELDOM = 0, 1\n"
        "for k in range(300):\n"
        "    key = cache.key_of(str(k % 20))\n"
        "    found = cache.load(key)\n"
        "    assert found in (None, key.encode() * 100), k\n"
        "    if found is None or k % 3 == 0: cache.store(key, key.encode() * 100)\n"
    )
    running = [subprocess.Popen([sys.executable, "-c", text], stderr=subprocess.PIPE) for _ in range(4)]
    for process in running:
        assert process.communicate(timeout=120)[1] == b"" and process.returncode == 0
    assert all(name.endswith(cache.SUFFIX) for name in files(own_cache))
    assert sum(p.stat().st_size for p in own_cache.iterdir()) <= 60_000
