import { type ChildProcess, spawn } from "node:child_process";
import type { Readable, Writable } from "node:stream";
import { type FromExecutor, frameMessage, MessageReader, type ToExecutor } from "../sdk/wire/channel.ts";
import { builtFixture } from "./processes.ts";

/** Processes that answer messages and do nothing else: what no task through processes can beat. */
export class EchoProcesses {
  readonly #children: ChildProcess[];

  private constructor(children: ChildProcess[]) {
    this.#children = children;
  }

  static async start(count: number): Promise<EchoProcesses> {
    const script = await builtFixture("echo-process");
    const children = Array.from({ length: count }, () =>
      spawn(process.execPath, [script], {
        stdio: ["ignore", "inherit", "inherit", "pipe", "pipe"],
        cwd: process.cwd(),
      }),
    );
    return new EchoProcesses(children);
  }

  /**
   * Sends messages of a task's size and waits for their answers.
   *
   * @param inFlight Messages on their way to each process at once.
   * @returns Seconds that it took.
   */
  async exchange(messages: number, inFlight: number): Promise<number> {
    const start = performance.now();
    const share = Math.ceil(messages / this.#children.length);
    await Promise.all(this.#children.map((child) => exchangeWith(child, share, inFlight)));
    return (performance.now() - start) / 1000;
  }

  stop(): void {
    for (const child of this.#children) (child.stdio[3] as Writable).end();
  }
}

function exchangeWith(child: ChildProcess, messages: number, inFlight: number): Promise<void> {
  const input = child.stdio[3] as Writable;
  const output = child.stdio[4] as Readable;
  const reader = new MessageReader<FromExecutor>();
  return new Promise((resolve) => {
    let sent = 0;
    let answered = 0;
    const send = () => {
      sent += 1;
      const message: ToExecutor = { type: "cancel", task: sent, runId: "20260101-000000-abcde" };
      input.write(frameMessage(message));
    };
    const take = (piece: Buffer) => {
      for (const _ of reader.push(piece)) {
        answered += 1;
        if (sent < messages) send();
      }
      if (answered < messages) return;
      output.off("data", take);
      resolve();
    };
    output.on("data", take);
    for (let index = 0; index < Math.min(inFlight, messages); index++) send();
  });
}
