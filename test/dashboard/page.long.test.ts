import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { Browser, Page } from "playwright-core";
import { Lab, task } from "stratolab";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { DashboardServer } from "../../dashboard/server/server.ts";
import { openLocalStores } from "../../sdk/stores/local/open.ts";
import type { Stores } from "../../sdk/stores/stores.ts";
import { cli } from "../cli/run-cli.ts";
import { launchChromium } from "../support/chromium.ts";
import { Project } from "../support/project.ts";

const EVIL = `</script><script>window.evil = 1</script><img src=x onerror="window.evil = 1">`;
const AXE = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");

/** A real run on local processes: a retry, a failure, and a task that the failure blocks. */
const project = new Project({
  "tasks.ts": `
    import { task } from "stratolab";
    export const load = task({ name: "load", run: ({ part }) => part });
    export const work = task({
      name: "work",
      run: ({ input, how }, ctx) => {
        ctx.log.info("working " + how);
        if (how === "twice" && ctx.attempt === 1) throw new Error("only the second time");
        if (how.startsWith("never")) throw new TypeError(how);
        return input;
      },
    });
    export const sum = task({ name: "sum", run: ({ parts }) => parts.length });
  `,
});
const load = task({ name: "load", run: ({ part }: { part: number }) => part });
const work = task({
  name: "work",
  runnerOptions: { retryOn: true, maxRetries: 1 },
  run: ({ input }: { input: number; how: string }) => input,
});
const sum = task({ name: "sum", run: ({ parts }: { parts: number[] }) => parts.length });

let lab: Lab;
let stores: Stores;
let server: DashboardServer;
let browser: Browser;
const complaints: string[] = [];

beforeAll(async () => {
  const storage = project.path(".stratolab");
  lab = new Lab({ tasks: project.path("tasks.ts"), concurrency: 2, progress: false, storage });
  const hows = ["once", "twice", `never ${EVIL}`];
  const parts = hows.map((how, part) => work({ input: load({ part }), how }));
  const [run, launched] = await Promise.all([
    lab.start([sum({ parts }), ...parts], { name: "shown", tags: ["a"] }).settled(),
    launchChromium(),
  ]);
  expect(run.map(({ status }) => status)).toContain("rejected");
  browser = launched;
  stores = await openLocalStores(storage);
  server = await DashboardServer.start({ stores, namespace: "default" });
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
  await lab.close();
  await stores?.table.close();
  project[Symbol.dispose]();
});

/** A page that remembers what went wrong in it. */
async function open(url: string, colorScheme: "light" | "dark" = "light"): Promise<Page> {
  const page = await browser.newPage({ colorScheme, viewport: { width: 1400, height: 900 } });
  page.setDefaultTimeout(10_000);
  page.on("console", (message) => {
    if (message.type() === "error") complaints.push(message.text());
  });
  page.on("pageerror", (error) => complaints.push(String(error)));
  await page.goto(url);
  return page;
}

const rows = (page: Page) => page.getByRole("row").filter({ has: page.getByRole("gridcell") });

/** What axe finds wrong, in a line each. */
async function wrongs(page: Page): Promise<string[]> {
  // The page's own policy would refuse a script that is not its own: this one comes from outside.
  await page.evaluate(AXE);
  const { violations } = (await page.evaluate("axe.run()")) as {
    violations: { id: string; nodes: { html: string }[] }[];
  };
  return violations.map(({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 120)).join(" | ")}`);
}

describe("the dashboard in a browser", () => {
  test("shows runs, a run, and a task with its attempts and its failure", async () => {
    const page = await open(server.url);
    await page.getByRole("link", { name: "shown" }).click();
    await page.getByRole("heading", { name: "shown" }).waitFor();
    expect(await rows(page).count()).toBe(7);

    await page.getByLabel("Filter").fill("user-error never");
    await rows(page).nth(1).waitFor({ state: "detached" });
    await rows(page).first().click();
    const detail = page.getByRole("complementary", { name: "Task" });
    await detail.getByText("Failure: user-error").waitFor();
    // Two attempts, their evidence, what they wrote, and texts that stayed texts.
    expect(await detail.getByRole("heading", { name: /Attempt \d: user-error/ }).count()).toBe(2);
    expect(await detail.getByText("working never").count()).toBeGreaterThan(0);
    expect(await detail.getByText(`TypeError: never ${EVIL}`).count()).toBeGreaterThan(0);
    expect(await detail.getByRole("img", { name: /Peak memory of the attempts of work/ }).count()).toBe(1);
    expect(await page.evaluate("window.evil")).toBeUndefined();

    await page.getByRole("tab", { name: "Types" }).click();
    await page.getByRole("button", { name: "work", exact: true }).click();
    expect(await page.getByRole("combobox", { name: "Type" }).inputValue()).toBe("work");
    await page.close();
  });

  test("is used by keyboard", async () => {
    const page = await open(`${server.url}#/runs/${(await lab.runs())[0].id}`);
    const grid = page.getByRole("grid");
    await grid.focus();
    for (const key of ["End", "Home", "ArrowDown", "Enter"]) await page.keyboard.press(key);
    const detail = page.getByRole("complementary", { name: "Task" });
    await detail.waitFor();
    await page.keyboard.press("Escape");
    await detail.waitFor({ state: "detached" });
    await expect.poll(() => grid.evaluate("document.activeElement.getAttribute('role')")).toBe("grid");
    await page.getByRole("tab", { name: "Tasks" }).focus();
    await page.keyboard.press("ArrowRight");
    await page.getByRole("table").waitFor();
    await page
      .getByRole("button", { name: /^load \{.*: done$/ })
      .first()
      .focus();
    await page.keyboard.press("Enter");
    await detail.waitFor();
    await page.close();
  });

  test("follows a run while it goes on", async () => {
    const page = await open(server.url);
    await page.getByRole("link", { name: "shown" }).waitFor();
    const run = lab.start([load({ part: 7 }), load({ part: 8 })], { name: "later" });
    await page.getByRole("link", { name: "later" }).click();
    await run.results();
    await page.locator(".run-header").getByText("ok", { exact: true }).waitFor();
    await page.getByRole("gridcell", { name: "done" }).nth(1).waitFor();
    await page.close();
  });

  test.each(["light", "dark"] as const)("is accessible, %s", async (scheme) => {
    const page = await open(server.url, scheme);
    await page.getByRole("link", { name: "shown" }).waitFor();
    // Dark has other colours, and nothing else: once is enough for the list.
    if (scheme === "light") expect(await wrongs(page)).toEqual([]);
    await page.getByRole("link", { name: "shown" }).click();
    await rows(page).nth(2).click();
    await page.getByRole("complementary").waitFor();
    expect(await wrongs(page)).toEqual([]);
    await page.close();
  });

  test("a report is the same page in one file, and nothing in it runs that is not its own", async () => {
    const file = project.path("report.html");
    const { exitCode, stdout } = await cli(project.folder, ["report", "shown", "--out", file, "--json"]);
    expect([exitCode, JSON.parse(stdout)]).toMatchObject([0, { file }]);
    const page = await open(pathToFileURL(file).href);
    await page.getByRole("heading", { name: "shown" }).waitFor();
    await page.getByRole("checkbox", { name: "failed" }).check();
    await rows(page).nth(1).waitFor({ state: "detached" });
    await rows(page).first().click();
    await page.getByText("Failure: user-error").waitFor();
    expect(await page.evaluate("window.evil")).toBeUndefined();
    await page.close();
  });

  test("nothing went wrong in any of these pages", () => {
    expect(complaints).toEqual([]);
  });
});
