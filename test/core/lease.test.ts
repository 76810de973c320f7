import { describe, expect, test } from "vitest";
import { claim, isInDoubt, LEASE_MS, RENEW_EVERY_MS, remainingMs } from "../../sdk/core/lease.ts";

const NOW = 1_000_000;
const lease = (until: number, holder = "other", epoch = 3) => ({ holder, epoch, until });

describe("a lease", () => {
  test.each<[string, Parameters<typeof claim>[0], ReturnType<typeof claim>]>([
    ["none", undefined, { kind: "granted", epoch: 1 }],
    ["one of a run that has ended", lease(0), { kind: "granted", epoch: 4 }],
    ["one that lapsed long ago", lease(NOW - 60_000), { kind: "granted", epoch: 4 }],
    ["one's own", lease(NOW + 9_000, "me"), { kind: "granted", epoch: 4 }],
    ["one that is good yet", lease(NOW + 9_000), { kind: "refused", waitMs: 11_000 }],
    ["one that has just lapsed, by a clock that may differ", lease(NOW - 1_500), { kind: "refused", waitMs: 500 }],
    ["one that lapsed by any clock", lease(NOW - 2_000), { kind: "granted", epoch: 4 }],
  ])("where there is %s", (_, existing, expected) => {
    expect(claim(existing, "me", NOW)).toEqual(expected);
  });

  test("is doubted by its holder before anybody else may take it", () => {
    for (let now = NOW; now < NOW + 2 * LEASE_MS; now += 100) {
      if (!isInDoubt(NOW + LEASE_MS, now)) expect(remainingMs(lease(NOW + LEASE_MS), now)).toBeGreaterThan(2_000);
    }
    expect(isInDoubt(NOW, NOW)).toBe(true);
  });

  test("may miss a renewal, and another", () => {
    expect(2 * RENEW_EVERY_MS).toBeLessThan(LEASE_MS);
  });
});
