import { spawn } from "node:child_process";
import { createRequire } from "node:module";
import type { Socket } from "node:net";
import { fileURLToPath, pathToFileURL } from "node:url";

/** A process that outlives ours to clear up after it. */
export interface Warden {
  /** Lets the warden do its work and waits until it has. */
  end(): Promise<void>;
}

/**
 * Starts a warden: when this process ends, be it by SIGKILL, the warden kills every process whose
 * owner starts with `prefix`, removes the containers of its ECS tasks and `directories`. It holds the end of a pipe from us, which
 * the kernel closes whatever way we die.
 */
export function startWarden(prefix: string, directories: readonly string[]): Warden {
  const tsx = pathToFileURL(createRequire(import.meta.url).resolve("tsx")).href;
  const entry = fileURLToPath(new URL("./warden-main.ts", import.meta.url));
  const child = spawn(process.execPath, ["--import", tsx, entry, prefix, ...directories], {
    // Its own session, so that Ctrl-C in the terminal and a kill of our group pass it by.
    detached: true,
    stdio: ["pipe", "ignore", "ignore"],
    env: { PATH: process.env.PATH, ...(process.env.DOCKER_HOST && { DOCKER_HOST: process.env.DOCKER_HOST }) },
  });
  const exited = new Promise<void>((resolve) => {
    child.once("exit", () => resolve());
    child.once("error", () => resolve());
  });
  child.unref();
  const pipe = child.stdin as Socket;
  pipe.on("error", () => {});
  pipe.unref();
  return {
    async end() {
      child.ref();
      pipe.end();
      await exited;
    },
  };
}
