"""What the peers' scripts share: how they time, check and report."""
import json
import statistics
import time

WORKERS = 2
MS = 1_000


def report(what, value, unit):
    print(json.dumps({"what": what, "value": value, "unit": unit}), flush=True)


def result(got, expected):
    """Not an assertion: those can be switched off."""
    if got != expected:
        raise ValueError("the results are wrong")
    return got


def seconds(work):
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def each(count, work):
    """Milliseconds of one thing at a time, warm: the median, and the 99th percentile."""
    for i in range(count):
        work(-1 - i)
    times = sorted(seconds(lambda: work(i)) * MS for i in range(count))
    return statistics.median(times), times[int(0.99 * count)]


def loop():
    """Work for a processor, of about 100 ms."""
    state = 1
    for _ in range(720_000):
        state = (state * 1103515245 + 12345) & 0x7FFFFFFF
    return state


def efficiency(work):
    """How near 64 loops come to what two processors could do, by a loop alone before and after."""
    alone = lambda: statistics.median(seconds(loop) for _ in range(5))
    before = alone()
    took = seconds(work)
    return 64 * (before + alone()) / 2 / WORKERS / took


def chained(links, step):
    """The last of some tasks each of which needs the one before."""
    last = 0
    for _ in range(links):
        last = step(last)
    return last


def summed(leaves, add):
    """The root of a tree of additions."""
    level = list(range(leaves))
    while len(level) > 1:
        level = [add(level[at], level[at + 1]) for at in range(0, len(level), 2)]
    return level[0]
