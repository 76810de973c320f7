/** Longest interval that Node takes, about 25 days. */
const LONG_MS = 2 ** 31 - 1;

/**
 * Keeps the process alive until the promise is settled. Executors themselves do not, so that a script
 * ends that forgot to close its lab.
 */
export async function keepingAlive<T>(promise: Promise<T>): Promise<T> {
  const timer = setInterval(() => {}, LONG_MS);
  try {
    return await promise;
  } finally {
    clearInterval(timer);
  }
}
