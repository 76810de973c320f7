import { describe, expect, test } from "vitest";
import { classifyProcessEnd, type ProcessEnd } from "../../sdk/core/classify.ts";

const V8_HEAP_LIMIT = "FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory";

const ended = (end: Partial<ProcessEnd>): ProcessEnd => ({ exitCode: null, signal: null, errorTail: [], ...end });

describe("the end of an executor process", () => {
  test.each<[string, Partial<ProcessEnd>, { kind: string; seen: string }]>([
    [
      "at its watchdog's hand for memory is out of memory",
      { signal: "SIGKILL", note: { kind: "out-of-memory", seen: "700 MB in use, 512 MB allowed" } },
      { kind: "out-of-memory", seen: "700 MB in use, 512 MB allowed" },
    ],
    [
      "at its watchdog's hand for time is a timeout",
      { signal: "SIGKILL", note: { kind: "timeout", seen: "still running after its timeoutMs" } },
      { kind: "timeout", seen: "still running after its timeoutMs" },
    ],
    [
      "with the lab's process gone is nobody's failure",
      { signal: "SIGKILL", note: { kind: "orphaned", seen: "the lab's process is gone" } },
      { kind: "cancelled", seen: "the lab's process is gone" },
    ],
    [
      "at V8's heap limit is out of memory, in V8's words",
      {
        signal: "SIGABRT",
        errorTail: ["<--- Last few GCs --->", "", `${V8_HEAP_LIMIT} `, "----- Native stack trace -----"],
      },
      { kind: "out-of-memory", seen: V8_HEAP_LIMIT },
    ],
    [
      "at V8's heap limit in older words is out of memory",
      {
        exitCode: 134,
        errorTail: ["FATAL ERROR: CALL_AND_RETRY_LAST Allocation failed - JavaScript heap out of memory"],
      },
      {
        kind: "out-of-memory",
        seen: "FATAL ERROR: CALL_AND_RETRY_LAST Allocation failed - JavaScript heap out of memory",
      },
    ],
    [
      "by a signal without a word is a lost executor",
      { signal: "SIGKILL" },
      { kind: "executor-lost", seen: "killed by SIGKILL" },
    ],
    [
      "by a native crash is a lost executor, with its last words",
      { signal: "SIGSEGV", errorTail: ["Segmentation fault (core dumped)", "  "] },
      { kind: "executor-lost", seen: "killed by SIGSEGV: Segmentation fault (core dumped)" },
    ],
    [
      "by process.exit is a lost executor, with the exit code",
      { exitCode: 3 },
      { kind: "executor-lost", seen: "exit code 3" },
    ],
    [
      "by process.exit(0) is a lost executor all the same",
      { exitCode: 0 },
      { kind: "executor-lost", seen: "exit code 0" },
    ],
    [
      "that could not be started tells why",
      { exitCode: -2, errorTail: ["spawn /no/such/node ENOENT"] },
      { kind: "executor-lost", seen: "exit code -2: spawn /no/such/node ENOENT" },
    ],
    [
      "after a note is judged by the note, not by what else it wrote",
      { signal: "SIGKILL", note: { kind: "timeout", seen: "late" }, errorTail: [V8_HEAP_LIMIT] },
      { kind: "timeout", seen: "late" },
    ],
  ])("%s", (_, end, expected) => {
    expect(classifyProcessEnd(ended(end))).toEqual(expected);
  });
});
