import type { Writable } from "node:stream";

/** A frame's head: which stream it is of, three bytes of nothing, and its length. */
const HEAD_BYTES = 8;
const STDERR = 2;

/** Takes apart what an engine sends of a container's output, where both streams share a connection. */
export async function splitStreams(
  source: AsyncIterable<Buffer>,
  { stdout, stderr }: { readonly stdout: Writable; readonly stderr: Writable },
): Promise<void> {
  let waiting: Buffer = Buffer.alloc(0);
  for await (const chunk of source) {
    waiting = waiting.length === 0 ? chunk : Buffer.concat([waiting, chunk]);
    while (waiting.length >= HEAD_BYTES) {
      const end = HEAD_BYTES + waiting.readUInt32BE(4);
      if (waiting.length < end) break;
      (waiting[0] === STDERR ? stderr : stdout).write(waiting.subarray(HEAD_BYTES, end));
      waiting = waiting.subarray(end);
    }
  }
  stdout.end();
  stderr.end();
}
