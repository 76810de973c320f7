import { spawn } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, test } from "vitest";
import { containerBootstrap } from "../../infra/container-bootstrap.ts";
import { BootstrapExit } from "../../sdk/wire/protocol.ts";

const cleanUps: (() => void)[] = [];
afterEach(() => {
  for (const cleanUp of cleanUps.splice(0)) cleanUp();
});

/** An address that answers every request so. */
async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, "127.0.0.1");
  cleanUps.push(() => server.close());
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/runtime.mjs?X-Amz-Signature=secret`;
}

const sha256 = (code: string) => createHash("sha256").update(code).digest("hex");

/** Runs the command of a container as ECS would. */
async function start(environment: Record<string, string>) {
  const { command } = containerBootstrap({ attempts: 4, firstDelayMs: 10 });
  const child = spawn(process.execPath, command, {
    env: { TMPDIR: process.env.TMPDIR, ...environment },
    stdio: ["ignore", "pipe", "pipe"],
  });
  cleanUps.push(() => child.kill("SIGKILL"));
  const [stdout, stderr, [exitCode]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  return { stdout, stderr, exitCode };
}

const startFrom = (url: string, hash: string) => start({ STRATOLAB_RUNTIME_URL: url, STRATOLAB_RUNTIME_HASH: hash });

describe("container bootstrap", () => {
  test("fetches the runtime and becomes it, environment included", async () => {
    const code = `console.log("running", process.env.STRATOLAB_TABLE, import.meta.url.endsWith("/runtime.mjs")); process.exitCode = 7;`;
    const url = await serve((_, response) => response.end(code));
    const result = await start({
      STRATOLAB_RUNTIME_URL: url,
      STRATOLAB_RUNTIME_HASH: sha256(code),
      STRATOLAB_TABLE: "the-table",
    });
    expect(result).toEqual({ stdout: "running the-table true\n", stderr: "", exitCode: 7 });
  });

  test("tries again when the network or S3 fails for a while", async () => {
    const code = `console.log("running");`;
    let requests = 0;
    const url = await serve((request, response) => {
      requests += 1;
      if (requests === 1) request.socket.destroy();
      else if (requests === 2) response.writeHead(503).end("<Error><Code>SlowDown</Code></Error>");
      else if (requests === 3)
        response.writeHead(200, { "content-length": "1000" }).write("cut", () => request.socket.destroy());
      else response.end(code);
    });
    expect(await startFrom(url, sha256(code))).toMatchObject({ stdout: "running\n", exitCode: 0 });
    expect(requests).toBe(4);
  });

  test("never loads what has another hash", async () => {
    const url = await serve((_, response) => response.end(`console.log("evil");`));
    const { stdout, stderr, exitCode } = await startFrom(url, sha256("good"));
    expect(exitCode).toBe(BootstrapExit.mismatch);
    expect(stdout).toBe("");
    expect(stderr).toBe(
      `stratolab: the runtime's SHA-256 is ${sha256(`console.log("evil");`)}, expected ${sha256("good")}: not loaded\n`,
    );
  });

  test("says why S3 refuses, at once, and never the signature", async () => {
    let requests = 0;
    const url = await serve((_, response) => {
      requests += 1;
      response.writeHead(403).end("<Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>");
    });
    const { stderr, exitCode } = await startFrom(url, sha256(""));
    expect(exitCode).toBe(BootstrapExit.unreachable);
    expect(stderr).toMatch(
      /^stratolab: cannot fetch the runtime from 127\.0\.0\.1:\d+ \(try 1\): status 403 AccessDenied Request has expired\n$/,
    );
    expect(stderr).not.toContain("secret");
    expect(requests).toBe(1);
  });

  test("gives up on a network that stays away", async () => {
    const url = await serve(() => {});
    for (const closeServer of cleanUps.splice(0)) closeServer();
    const { stderr, exitCode } = await startFrom(url, sha256(""));
    expect(exitCode).toBe(BootstrapExit.unreachable);
    expect(stderr).toMatch(/^stratolab: cannot fetch the runtime from 127\.0\.0\.1:\d+ \(try 4\): ECONNREFUSED\n$/);
  });

  test("says who should have named the runtime", async () => {
    const { stderr, exitCode } = await start({ STRATOLAB_RUNTIME_HASH: sha256("") });
    expect(exitCode).toBe(BootstrapExit.misconfigured);
    expect(stderr).toMatch(/^stratolab: STRATOLAB_RUNTIME_URL and STRATOLAB_RUNTIME_HASH have to be set: .+\n$/);
  });

  test("says that a runtime does not load", async () => {
    const url = await serve((_, response) => response.end("this is no JavaScript"));
    const { stderr, exitCode } = await startFrom(url, sha256("this is no JavaScript"));
    expect(exitCode).toBe(BootstrapExit.broken);
    expect(stderr).toMatch(/^stratolab: the runtime does not load: SyntaxError: .+\n$/);
  });
});
