"""What Labtech's fork runner takes for the work of a benchmark, on two workers: prints a JSON line for each figure."""
import shutil
import sys
import tempfile
import time
from typing import Any

import labtech
from timing import MS, WORKERS, chained, each, efficiency, loop, report, result, seconds, summed

QUIET = {"disable_progress": True, "disable_top": True}


@labtech.task
class Noop:
    i: int

    def run(self):
        return self.i


@labtech.task
class Step:
    before: Any

    def run(self):
        return (self.before if isinstance(self.before, int) else self.before.result) + 1


@labtech.task
class Add:
    a: Any
    b: Any

    def run(self):
        return sum(part if isinstance(part, int) else part.result for part in (self.a, self.b))


@labtech.task
class Burn:
    i: int

    def run(self):
        return loop()


def lab(storage):
    return labtech.Lab(storage=storage, notebook=False, runner_backend="fork", max_workers=WORKERS)


def all_of(lab, tasks):
    return list(lab.run_tasks(tasks, **QUIET).values())


def warm(lab):
    all_of(lab, [Noop(-1 - i) for i in range(50)])
    return lab


def start_up(folder):
    result(lab(folder).run_task(Noop(1), **QUIET), 1)
    report("to the first result", time.time() * MS, "ms")


def local_noop(folder):
    count = 1_000
    for what, storage in (("with every result durable", folder), ("without a storage", None)):
        there = warm(lab(storage))
        work = lambda: result(all_of(there, [Noop(i) for i in range(count)]), list(range(count)))
        report(what, count / seconds(work), "tasks/s")


def local_latency(folder):
    for what, storage in (("", folder), (" without a storage", None)):
        there = warm(lab(storage))
        p50, p99 = each(100, lambda i: there.run_task(Noop(1_000 + i), **QUIET))
        report("p50" + what, p50, "ms")
        report("p99" + what, p99, "ms")


def cached_1000(folder):
    tasks = lambda: [Noop(i) for i in range(1_000)]
    all_of(lab(folder), tasks())
    there = lab(folder)
    work = lambda: result(all_of(there, tasks()), list(range(1_000)))
    report("the second run", seconds(work) * MS, "ms")


def chain_1k(folder):
    """200 links: Python's recursion ends longer ones."""
    links = 200
    for what, storage in (("an edge", folder), ("the same without a storage", None)):
        there = warm(lab(storage))
        work = lambda: result(there.run_task(chained(links, Step), **QUIET), links)
        report(what, seconds(work) * 1e6 / (links - 1), "us")


def tree_1024(folder):
    for what, storage in (("all", folder), ("the same without a storage", None)):
        there = warm(lab(storage))
        work = lambda: result(there.run_task(summed(1_024, Add), **QUIET), 1_024 * 1_023 // 2)
        report(what, seconds(work) * MS, "ms")


def cpu_map(folder):
    there = warm(lab(folder))
    report("throughput", efficiency(lambda: all_of(there, [Burn(i) for i in range(64)])), "of its own ideal")


if __name__ == "__main__":
    folder = tempfile.mkdtemp(prefix="stratolab-bench-")
    try:
        globals()[sys.argv[1].replace("-", "_")](folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
