"""What Ray takes for the work of a benchmark, warm, on two workers: prints a JSON line for each figure."""
import sys
import time

import ray
from timing import MS, WORKERS, chained, each, efficiency, loop, report, result, seconds, summed

ray.init(num_cpus=WORKERS, include_dashboard=False, log_to_driver=False, configure_logging=False)


@ray.remote
def noop(i):
    return i


@ray.remote
def step(before):
    return before + 1


@ray.remote
def add(a, b):
    return a + b


@ray.remote
def burn():
    return loop()


@ray.remote
def make(length):
    import numpy

    return numpy.arange(length, dtype="float64")


@ray.remote
def total(values):
    return float(values.sum())


def start_up():
    result(ray.get(noop.remote(1)), 1)
    report("to the first result", time.time() * MS, "ms")


def local_noop():
    count = 10_000
    tasks = lambda: ray.get([noop.remote(i) for i in range(count)])
    result(tasks(), list(range(count)))
    report("without a storage", count / seconds(tasks), "tasks/s")


def local_latency():
    p50, p99 = each(500, lambda i: ray.get(noop.remote(i)))
    report("p50 without a storage", p50, "ms")
    report("p99 without a storage", p99, "ms")


def chain_1k():
    work = lambda links: result(ray.get(chained(links, step.remote)), links)
    work(100)
    report("the same without a storage", seconds(lambda: work(1_000)) * 1e6 / 999, "us")


def tree_1024():
    work = lambda leaves: result(ray.get(summed(leaves, add.remote)), leaves * (leaves - 1) // 2)
    work(128)
    report("the same without a storage", seconds(lambda: work(1_024)) * MS, "ms")


def cpu_map():
    ray.get([burn.remote() for _ in range(4)])
    report("throughput", efficiency(lambda: ray.get([burn.remote() for _ in range(64)])), "of its own ideal")


def objects():
    """One array that eight tasks add up; three times, after a small one."""
    length, dependents = 12_500_000, 8

    def work(length):
        made = make.remote(length)
        sums = ray.get([total.remote(made) for _ in range(dependents)])
        result(sums, [length * (length - 1) / 2] * dependents)

    work(1_000)
    times = sorted(seconds(lambda: work(length)) for _ in range(3))
    report("one array for 8 tasks", times[1], "s")


globals()[sys.argv[1].replace("-", "_")]()
ray.shutdown()
