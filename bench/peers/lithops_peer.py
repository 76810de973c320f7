"""
What Lithops takes for the work of a benchmark on this machine, by the version of its local back end that begins a
process for each job, on two workers: prints a JSON line for each figure.
"""
import os
import shutil
import sys
import tempfile
import time

FOLDER = tempfile.mkdtemp(prefix="stratolab-bench-")
# It keeps what it writes there, and begins its tasks with the first `python` of the path.
os.environ.update(HOME=FOLDER, TMPDIR=FOLDER, PATH=os.path.dirname(sys.executable) + ":" + os.environ["PATH"])
tempfile.tempdir = FOLDER

import lithops  # noqa: E402
from timing import MS, WORKERS, efficiency, loop, report, result, seconds  # noqa: E402

QUIET = {"show_progressbar": False}


def noop(i):
    return i


def burn(i):
    return loop()


def executor():
    local = {"version": 1, "worker_processes": WORKERS}
    own = {"backend": "localhost", "storage": "localhost"}
    return lithops.FunctionExecutor(config={"lithops": own, "localhost": local}, log_level="ERROR")


def mapped(there, function, count):
    return there.get_result(there.map(function, range(count)), **QUIET)


def start_up():
    result(mapped(executor(), noop, 1), [0])
    report("to the first result", time.time() * MS, "ms")


def local_noop():
    count = 100
    there = executor()
    mapped(there, noop, 4)
    work = lambda: result(mapped(there, noop, count), list(range(count)))
    report("with every result durable", count / seconds(work), "tasks/s")


def cpu_map():
    there = executor()
    mapped(there, noop, 4)
    report("throughput", efficiency(lambda: mapped(there, burn, 64)), "of its own ideal")


try:
    globals()[sys.argv[1].replace("-", "_")]()
finally:
    shutil.rmtree(FOLDER, ignore_errors=True)
