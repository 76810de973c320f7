import { chmodSync, mkdirSync, mkdtempSync, readFileSync, symlinkSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { Lab, task } from "stratolab";
import { describe, expect, test } from "vitest";
import { mergeRuntimeEnvs, problemOfRuntimeEnv } from "../../sdk/runtime-env.ts";
import { workingFiles } from "../../sdk/runtime-envs/files.ts";
import { lockPackages } from "../../sdk/runtime-envs/packages.ts";
import { Project } from "../support/project.ts";

function folderOf(files: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "env-files-"));
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, path)), { recursive: true });
    writeFileSync(join(folder, path), text);
  }
  return folder;
}

describe("a runtime environment is refused by name:", () => {
  test.each<[unknown, RegExp]>([
    [7, /runtimeEnv must be an object of env, workingDir/],
    [{ pip: [] }, /unknown option runtimeEnv\.pip; known are env/],
    [{ env: { "A B": "1" } }, /runtimeEnv\.env\.A B is no name/],
    [{ env: { A: 1 } }, /runtimeEnv\.env\.A must be a text, \{ secret.*got number/],
    [{ env: { A: { secret: "s", kye: "x" } } }, /runtimeEnv\.env\.A .*got an object of secret, kye/],
    [{ env: { AWS_REGION: "x" } }, /AWS_REGION cannot be set/],
    [{ env: { A: "x".repeat(40_000) } }, /runtimeEnv\.env has 40\d+ characters/],
    [{ workingDir: new URL("https://example.org") }, /workingDir must be the path or file URL/],
    [{ excludes: "x" }, /excludes must be a list of patterns/],
    [{ packages: { sharp: 1 } }, /packages\["sharp"\] must be a version/],
    [{ packages: { "../x": "1" } }, /is no name of an npm package/],
    [{ setup: () => 1 }, /setup must be the name of a function/],
    [{ setupTimeoutMs: 0 }, /setupTimeoutMs must be a number of milliseconds above 0/],
  ])("%j", (runtimeEnv, problem) => {
    expect(problemOfRuntimeEnv(runtimeEnv)).toMatch(problem);
    expect(() => new Lab({ runtimeEnv: runtimeEnv as never })).toThrow(problem);
    expect(() => task({ name: "t", runtimeEnv: runtimeEnv as never, run: () => 1 })).toThrow(problem);
  });

  test("and a value that may be secret is not shown", () => {
    expect(problemOfRuntimeEnv({ env: { A: ["hidden"] } })).not.toContain("hidden");
  });
});

test("a task's own is merged over the lab's as Ray does it", () => {
  const lab = { env: { A: "1", B: "1" }, workingDir: "/lab", excludes: ["x"], setup: "ready" };
  expect(mergeRuntimeEnvs(lab, { env: { B: "2" }, workingDir: "/own", setup: undefined } as never)).toEqual({
    env: { A: "1", B: "2" },
    workingDir: "/own",
    excludes: ["x"],
    setup: "ready",
  });
  expect(mergeRuntimeEnvs(undefined, undefined)).toBeUndefined();
});

describe("the files of a working folder", () => {
  const paths = async (folder: string, excludes?: string[]) =>
    (await workingFiles(folder, excludes)).files.map(({ path }) => path);

  test("are those that .gitignore files and excludes leave, the deeper over the outer", async () => {
    const folder = folderOf({
      ".gitignore": "*.log\nbuild/\n",
      "a.log": "",
      "b.txt": "",
      "build/c.txt": "",
      "deep/.gitignore": "!keep.log\n*.tmp\n",
      "deep/keep.log": "",
      "deep/d.tmp": "",
      "node_modules/x/index.js": "",
      ".git/HEAD": "",
    });
    symlinkSync(folder, join(folder, "deep", "round"));
    expect(await paths(folder)).toEqual([".gitignore", "b.txt", "deep/.gitignore", "deep/keep.log"]);
    expect(await paths(folder, ["deep/*.log", "!a.log"])).toEqual([".gitignore", "a.log", "b.txt", "deep/.gitignore"]);
  });

  test("have a hash of paths, contents and whether they can be executed", async () => {
    const folder = folderOf({ "a.txt": "1", "b.txt": "2" });
    const { hash } = await workingFiles(folder);
    expect((await workingFiles(folderOf({ "a.txt": "1", "b.txt": "2" }))).hash).toBe(hash);
    expect((await workingFiles(folderOf({ "a.txt": "1", "c.txt": "2" }))).hash).not.toBe(hash);
    chmodSync(join(folder, "a.txt"), 0o755);
    expect((await workingFiles(folder)).hash).not.toBe(hash);
  });

  test("are refused where they are too large, with the largest", async () => {
    const folder = folderOf({ "small.txt": "x", "data/large.bin": "", "data/larger.bin": "" });
    truncateSync(join(folder, "data/large.bin"), 120 * 2 ** 20);
    truncateSync(join(folder, "data/larger.bin"), 150 * 2 ** 20);
    await expect(workingFiles(folder)).rejects.toThrow(
      /has 270\.0 MB in 3 files, and may have 256\.0 MB\. The largest are data\/larger\.bin \(150\.0 MB\), data\/large\.bin \(120\.0 MB\)/,
    );
    expect(await paths(folder, ["data/larger.bin"])).toEqual(["data/large.bin", "small.txt"]);
  });
});

test("packages of a lock file are known by version and content, wherever they come from", async () => {
  const lock = (resolved: string, version = "1.0.0") => ({
    "package.json": "{}",
    "package-lock.json": JSON.stringify({
      packages: {
        "": {},
        "node_modules/a": { version, integrity: "sha512-x", resolved },
        "node_modules/@s/b": { version: "2.0.0" },
        "node_modules/a/node_modules/c": { version: "3.0.0" },
        "node_modules/d": { version: "4.0.0", dev: true },
      },
    }),
  });
  const locked = (files: Record<string, string>) => lockPackages(folderOf(files), undefined as never);
  const first = await locked(lock("https://one.example/a.tgz"));
  expect([...first.names]).toEqual(["a", "@s/b"]);
  expect((await locked(lock("https://two.example/a.tgz"))).hash).toBe(first.hash);
  expect((await locked(lock("https://one.example/a.tgz", "1.0.1"))).hash).not.toBe(first.hash);
  await expect(locked({ "package.json": "{}" })).rejects.toThrow(/there is no package-lock\.json in/);
});

test("files and the code of setup are part of the cache key, variables are not, and a version stands in for all", async () => {
  using project = new Project({
    "tasks.ts": `
      import { task } from "stratolab";
      export const size = task({ name: "size", run: () => 1 });
      export const pinned = task({ name: "pinned", version: "1", run: () => 1 });
      export function ready() { return "made"; }
    `,
    "data/a.txt": "1",
  });
  const size = task({ name: "size", run: () => 1 });
  const pinned = task({ name: "pinned", version: "1", run: () => 1 });
  const cachedWith = async (runtimeEnv: object | undefined, run = false) => {
    await using lab = new Lab({
      tasks: project.path("tasks.ts"),
      runner: "inline",
      storage: project.path("store"),
      progress: false,
      ...(runtimeEnv ? { runtimeEnv } : {}),
    });
    if (run) await lab.runTasks([size(), pinned()]);
    return [await lab.isCached(size()), await lab.isCached(pinned())];
  };
  const workingDir = project.path("data");
  await cachedWith({ workingDir, setup: "ready", env: { A: "1" } }, true);
  expect(await cachedWith({ workingDir, setup: "ready", env: { A: "2" } })).toEqual([true, true]);
  expect(await cachedWith(undefined)).toEqual([false, true]);
  expect(await cachedWith({ workingDir })).toEqual([false, true]);
  project.write("data/a.txt", "2");
  expect(await cachedWith({ workingDir, setup: "ready" })).toEqual([false, true]);
  project.write("data/a.txt", "1");
  expect(await cachedWith({ workingDir, setup: "ready" })).toEqual([true, true]);
  project.write("tasks.ts", readFileSync(project.path("tasks.ts"), "utf8").replace('"made"', '"made otherwise"'));
  expect(await cachedWith({ workingDir, setup: "ready" })).toEqual([false, true]);
});
