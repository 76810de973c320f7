import { createServer } from "node:net";
import { LocalAwsError } from "../local-aws-error.ts";

/** Only this machine may reach a local AWS: it checks no signatures and runs what it is given. */
export const LOOPBACK = "127.0.0.1";

/** A port that is free now. */
export const findFreePort = (): Promise<number> => probe(0);

/** Fails when something listens on `port`; `option` is what sets another one. */
export async function requireFreePort(port: number, option: string): Promise<void> {
  try {
    await probe(port);
  } catch (error) {
    throw portError(error, port, option);
  }
}

/** What to tell the user of an error of `listen`. */
export function portError(error: unknown, port: number, option: string): Error {
  const code = (error as NodeJS.ErrnoException).code;
  if (code === "EADDRINUSE") {
    return new LocalAwsError(
      `port ${port} is already in use: stop what listens there, or choose another with ${option}`,
    );
  }
  if (code === "EACCES") {
    return new LocalAwsError(`port ${port} needs more rights than you have: choose one from 1024 on with ${option}`);
  }
  return error instanceof Error ? error : new Error(String(error));
}

function probe(port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(port, LOOPBACK, () => {
      const address = server.address();
      server.close(() => resolve(typeof address === "object" && address ? address.port : port));
    });
  });
}
