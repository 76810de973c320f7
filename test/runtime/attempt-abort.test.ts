import { describe, expect, test } from "vitest";
import { AttemptAbort } from "../../runtime/attempt-abort.ts";

describe("telling an attempt to stop", () => {
  const first = new Error("cancelled");

  test("is heard by who listens already, and by who listens later", () => {
    const abort = new AttemptAbort();
    const { signal } = abort;
    expect(signal.aborted).toBe(false);
    abort.abort(first);
    expect(signal.reason).toBe(first);

    const later = new AttemptAbort();
    later.abort(first);
    expect(later.signal.aborted).toBe(true);
    expect(later.signal.reason).toBe(first);
  });

  test("is for the first reason that there was", () => {
    const abort = new AttemptAbort();
    expect(abort.reason).toBeUndefined();
    abort.abort(first);
    abort.abort(new Error("out of time"));
    expect(abort.reason).toBe(first);
    expect(abort.signal.reason).toBe(first);
    expect(abort.signal).toBe(abort.signal);
  });
});
