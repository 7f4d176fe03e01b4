"""What py-spy writes as stacks, its words as ours, and what may be asked of a profiler."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from ddd_tasks.errors import ConfigError
from ddd_tasks.language import PathMapping
from ddd_tasks.profiling import dumping, wanted
from ddd_tasks.profiling.samplers import pyspy
from ddd_tasks.profiling.stacks import Frame

MAIN = {"name": "main", "file": "/app/main.py", "line": 3, "col": None}
WORK = {"name": "work", "file": "/app/main.py", "line": 9, "col": None}
ONE = {"name": 'process 1:"python -c \nx=1;y\n --password=hunter2"', "file": "", "line": 0, "col": None}
TWO = {"name": 'process 7:"python"', "file": "", "line": 0, "col": None}


def written(*threads: list[list[int]]) -> bytes:
    """A file of py-spy: samples of each thread, as indices of the frames above."""
    profiles = [{"type": "sampled", "samples": samples, "weights": [0.01] * len(samples)} for samples in threads]
    return json.dumps({"shared": {"frames": [MAIN, WORK, ONE, TWO]}, "profiles": profiles}).encode()


def seen(*threads: list[list[int]]) -> dict[tuple[Frame, ...], int]:
    return pyspy.stacks(pyspy.without_commands(written(*threads)))


def test_equal_stacks_of_all_threads_count_together() -> None:
    main, work = Frame("main", "/app/main.py", 3), Frame("work", "/app/main.py", 9)
    assert seen([[2, 0, 1], [2, 0]], [[2, 0, 1]]) == {(main, work): 2, (main,): 1}


def test_processes_are_told_apart_where_there_is_more_than_one() -> None:
    roots = {stack[0].function for stack in seen([[2, 0]], [[3, 0]])}
    assert roots == {"process 1", "process 7"}


def test_a_child_of_the_only_root_stays_a_process() -> None:
    nested = seen([[2, 0]], [[2, 3, 0]])
    assert Frame("process 7") in {stack[0] for stack in nested}


def test_a_library_without_symbols_is_one_frame() -> None:
    library = "/usr/lib/libz.so.1"
    names = [("native", "/app/main.py", 9), ("0x7f01", library, 0), ("0x7f02", library, 0), ("deflate", library, 0)]
    frames = [{"name": name, "file": file, "line": line} for name, file, line in names]
    document = {"shared": {"frames": frames}, "profiles": [{"samples": [[0, 1, 2], [0, 2, 1, 2, 3], [0, 0]]}]}
    native, inside = Frame("native", "/app/main.py", 9), Frame("[libz.so.1]", library)
    assert pyspy.stacks(document) == {
        (native, inside): 1,
        (native, inside, Frame("deflate", library)): 1,
        (native, native): 1,
    }


def test_command_lines_are_taken_out() -> None:
    assert b"hunter2" not in json.dumps(pyspy.without_commands(written([[2, 0]]))).encode()


def test_a_run_without_samples_has_no_stacks() -> None:
    assert seen() == {}


@pytest.mark.parametrize("content", [b"", b"{}", b"[]", b"no JSON"])
def test_what_is_no_file_of_py_spy_raises(content: bytes) -> None:
    with pytest.raises((ValueError, KeyError, TypeError)):
        pyspy.stacks(pyspy.without_commands(content))


def test_its_words_are_read() -> None:
    said = "py-spy> Stopped sampling because Control-C pressed\npy-spy> Wrote '/tmp/x'. Samples: 27 Errors: 4\n"
    assert pyspy.lost(said) == 4
    assert [remark.partition(":")[0] for remark in pyspy.remarks(said)] == ["ended early"]
    assert pyspy.remarks("py-spy> Samples: 27 Errors: 0") == []
    assert "1.25s behind" in pyspy.remarks("py-spy> 1.25s behind in sampling, results may be inaccurate")[0]


def test_a_refusal_of_the_kernel_is_known() -> None:
    assert pyspy.is_denied("Permission Denied: Try running again with elevated permissions")
    assert not pyspy.is_denied("Error: Failed to find python version from target process")
    assert pyspy.is_vague("Error: No python processes found in process 1 or any of its subprocesses")


@pytest.mark.parametrize(
    ("seconds", "rate", "named"), [(0, 100, "--seconds"), (-1, 100, "--seconds"), (1, 0, "--rate")]
)
def test_what_no_profiler_can_do_is_refused(seconds: int, rate: int, named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        wanted.checked(seconds, rate, native=False)
    assert caught.value.hint.startswith("ddd profile.cpu --")


@pytest.mark.parametrize("rate", [1, 1000])
def test_rates_at_the_ends_will_do(rate: int) -> None:
    assert wanted.checked(1, rate, native=True) == (1, rate, True)


def test_a_rate_above_the_end_is_refused() -> None:
    with pytest.raises(ConfigError, match="--rate was given 1001"):
        wanted.checked(1, 1001, native=False)


def test_a_thread_is_shown_with_paths_of_this_machine(tmp_path: Path) -> None:
    (tmp_path / "main.py").touch()
    frame = {"name": "work", "filename": "/app/main.py", "line": 9, "locals": [{"name": "n", "repr": "3"}]}
    said: list[Any] = [
        {"pid": 7, "thread_id": 1, "thread_name": None, "os_thread_id": 8, "active": True, "frames": [frame]},
        {"pid": 7, "thread_id": 2, "thread_name": "io", "os_thread_id": 9, "active": False, "frames": []},
    ]
    first, second = (dumping.placed(one, [PathMapping(tmp_path, "/app")]) for one in pyspy.threads(said))
    assert list(first.lines()) == ["process 7, thread 8: at work", f"  work ({tmp_path}/main.py:9)", "      n = 3"]
    assert list(second.lines()) == ["process 7, thread io: waits"]
    assert first.as_dict()["calls"][0]["path"] == str(tmp_path / "main.py")
