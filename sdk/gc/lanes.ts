/** Requests to a store at once. */
const LANES = 32;

/** Does something for each, several at once. */
export async function inLanes<T>(all: readonly T[], each: (one: T) => Promise<void>): Promise<void> {
  const next = all.values();
  const lanes = Array.from({ length: Math.min(LANES, all.length) }, async () => {
    for (const one of next) await each(one);
  });
  await Promise.all(lanes);
}
