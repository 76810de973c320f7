import { expect, test } from "vitest";
import type { StoreAddress } from "../../sdk/wire/store-address.ts";
import { runScript } from "../support/scripts.ts";

const MEGABYTES = 256;

/** A stream goes out and comes back in less memory than it has. */
export function testStreamMemory(name: string, address: () => StoreAddress): void {
  test(`a stream of ${MEGABYTES} MB passes through ${name} without being in memory as a whole`, async () => {
    const script = runScript("stores/fixtures/stream-script.ts", [JSON.stringify(address()), String(MEGABYTES)]);
    const { stdout, stderr } = await script.ended;
    expect(stderr).toBe("");
    const told = JSON.parse(stdout) as { grownMb: number; isSame: boolean; bytes: number };
    expect(told).toMatchObject({ isSame: true, bytes: MEGABYTES * 2 ** 20 });
    expect(told.grownMb).toBeLessThan((MEGABYTES * 3) / 4);
  });
}
