import { request } from "node:http";
import { Lab, task } from "stratolab";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { ToldRun } from "../../dashboard/model/told-run.ts";
import { DashboardServer } from "../../dashboard/server/server.ts";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { Project } from "../support/project.ts";

const work = task({ name: "work", run: (_params: { what: string }) => 1 });
const project = new Project({
  "tasks.ts": `
    import { task } from "stratolab";
    export const work = task({
      name: "work",
      run: ({ what }, ctx) => {
        ctx.log.info("about to " + what);
        if (what === "fail") throw new Error("it failed", { cause: new TypeError("for this reason") });
        return new Promise((resolve) => globalThis.stratolabTestGate?.then(resolve) ?? resolve(1));
      },
    });
  `,
});
const gated = globalThis as { stratolabTestGate?: Promise<unknown> };
let lab: Lab;
let stores: Stores;
let server: DashboardServer;

beforeAll(async () => {
  const storage = project.path(".stratolab");
  lab = new Lab({ tasks: project.path("tasks.ts"), runner: "inline", progress: false, storage });
  await lab.start([work({ what: "a" }), work({ what: "fail" })], { name: "over" }).settled();
  stores = await openLocalStores(storage);
  server = await DashboardServer.start({ stores, namespace: "default" });
});

afterAll(async () => {
  await server.close();
  await lab.close();
  await stores.table.close();
  project[Symbol.dispose]();
});

const get = (path: string, options: RequestInit = {}) => fetch(new URL(path, server.url), options);
const idOf = async (name: string) => (await lab.runs({ name }))[0].id;

/** Server-sent events, one after another. */
async function* eventsOf(response: Response): AsyncGenerator<{ event: string; id: string | undefined; data: never }> {
  let text = "";
  for await (const piece of response.body?.pipeThrough(new TextDecoderStream()) ?? []) {
    text += piece;
    for (let end = text.indexOf("\n\n"); end >= 0; end = text.indexOf("\n\n")) {
      const fields = new Map(
        text
          .slice(0, end)
          .split("\n")
          .map((line) => line.split(/: (.*)/s) as [string, string]),
      );
      text = text.slice(end + 2);
      const event = fields.get("event");
      if (event !== undefined)
        yield { event, id: fields.get("id"), data: JSON.parse(fields.get("data") ?? "") as never };
    }
  }
}

describe("the dashboard's server", () => {
  test("is on this machine only, gives the page, and lets it do nothing but what it is for", async () => {
    expect(server.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/[\w-]{24}\/$/);
    const response = await get("");
    expect([response.status, response.headers.get("content-type")]).toEqual([200, "text/html; charset=utf-8"]);
    const csp = response.headers.get("content-security-policy");
    expect(csp).toContain("default-src 'none'");
    expect(csp).not.toContain("unsafe");
    expect(response.headers.get("referrer-policy")).toBe("no-referrer");
    expect(await response.text()).toContain("page.js");
    expect((await get("page.js")).headers.get("content-type")).toMatch(/^text\/javascript/);
    expect((await fetch(server.url.slice(0, -1))).url).toBe(server.url);
  });

  test.each([
    ["/", 403],
    ["/wrong/api/runs", 403],
    ["nothing", 404],
    ["../page.js", 403],
    ["..%2f..%2fpackage.json", 404],
    ["api", 404],
    ["api/runs/no-id", 404],
    ["api/runs/20261121-000000000-aaaaaa", 404],
    ["api/runs/20261121-000000000-aaaaaa/events", 404],
  ])("answers %s with %i", async (path, status) => {
    const response = await get(path);
    expect(response.status).toBe(status);
    await response.body?.cancel();
  });

  test("refuses other places in the stream, other methods and other hosts", async () => {
    const id = await idOf("over");
    expect((await get(`api/runs/${id}/events?from=-1`)).status).toBe(400);
    expect((await get(`api/runs/${id}/else`)).status).toBe(404);
    expect((await get("", { method: "DELETE" })).status).toBe(405);
    const status = await new Promise((resolve) => {
      request(server.url, { headers: { host: "evil.example" } }, (answer) => resolve(answer.statusCode)).end();
    });
    expect(status).toBe(403);
  });

  test("tells a run that is over, with params and errors as text", async () => {
    const told = (await (await get(`api/runs/${await idOf("over")}`)).json()) as ToldRun;
    expect(told.run).toMatchObject({ name: "over", status: "failed" });
    expect(told.tasks?.params).toEqual(["{ what: 'a' }", "{ what: 'fail' }"]);
    expect(told.events.map(({ type }) => type)).toEqual(expect.arrayContaining(["driven", "log", "done", "failed"]));
    const failure = told.events.find((event) => event.type === "failed");
    expect(failure).toMatchObject({ task: 1, kind: "user-error" });
    expect(failure && "stack" in failure && failure.stack).toMatch(/Error: it failed[\s\S]*TypeError: for this reason/);
  });

  test("lists runs, and tells of a new one", async () => {
    const leave = new AbortController();
    for await (const { event, data } of eventsOf(await get("api/runs", { signal: leave.signal }))) {
      const names = (data as { name?: string }[]).map(({ name }) => name);
      expect(event).toBe("runs");
      if (names.includes("newer")) break;
      if (names.length === 1) await lab.runTask(work({ what: "b" }), { name: "newer" });
    }
    leave.abort();
  });

  test("tells what happens in a run as it happens, and goes on where one was", async () => {
    let open = (_: unknown) => {};
    gated.stratolabTestGate = new Promise((resolve) => {
      open = resolve;
    });
    const run = lab.start([work({ what: "wait" })], { name: "live" });
    while ((await lab.runs({ name: "live" })).length === 0) await new Promise((resolve) => setTimeout(resolve, 20));
    const seen: string[] = [];
    let last: string | undefined;
    for await (const { id, data } of eventsOf(await get(`api/runs/${run.id}/events`))) {
      const { events, run: info } = data as { events: { type: string }[]; run: { status: string } };
      seen.push(...events.map(({ type }) => type));
      last = id;
      if (seen.includes("log")) open(1);
      if (info.status === "ok") break;
    }
    await run.results();
    expect(seen).toEqual(expect.arrayContaining(["driven", "dispatched", "log", "done", "ended"]));
    expect(last).toBe(String(seen.length));
    const headers = { "last-event-id": String(seen.length - 1) };
    for await (const { data } of eventsOf(await get(`api/runs/${run.id}/events`, { headers }))) {
      expect((data as ToldRun).events.map(({ type }) => type)).toEqual(["ended"]);
      break;
    }
  });

  test("says that a port is taken", async () => {
    const port = Number(new URL(server.url).port);
    await expect(DashboardServer.start({ stores, namespace: "default", port })).rejects.toThrow(
      `port ${port} is taken: give --port another one, or none for any that is free`,
    );
  });
});
