import { execFile } from "node:child_process";
import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { installCfnLint, lint } from "./cfn-lint.ts";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));

let output: string;
beforeAll(async () => {
  output = await mkdtemp(join(tmpdir(), "stratolab-synth-"));
  await installCfnLint();
});
afterAll(() => rm(output, { recursive: true }));

/** Neither credentials nor a region are there. */
const environment = () => ({ PATH: process.env.PATH, HOME: output, CI: "true", CDK_DISABLE_CLI_TELEMETRY: "true" });

/** `npx cdk synth` as a user runs it, with the app that `npm run build` made. */
async function cdkSynth(...context: string[]) {
  const folder = join(output, "cdk");
  const { stdout, stderr } = await run(
    join(ROOT, "node_modules", ".bin", "cdk"),
    ["synth", "--quiet", "--no-notices", "--output", folder, ...context.flatMap((each) => ["--context", each])],
    { cwd: ROOT, env: environment() },
  );
  return { said: stdout + stderr, template: join(folder, "Stratolab.template.json") };
}

/** The app by itself, as the CDK starts it. */
async function app(context: Record<string, unknown>) {
  const folder = join(output, "app");
  const { stderr } = await run(process.execPath, [join(ROOT, "dist", "infra", "app.js")], {
    env: { ...environment(), CDK_OUTDIR: folder, CDK_CONTEXT_JSON: JSON.stringify(context) },
  });
  return { said: stderr, template: join(folder, "Stratolab.template.json") };
}

describe("the app of cdk.json", () => {
  test("makes a default template and a full one, GPU included, in which cfn-lint finds nothing", async () => {
    const types = "g4dn.xlarge,g5.12xlarge,g6.48xlarge,g6e.xlarge,p4d.24xlarge,p5.48xlarge";
    const full = await cdkSynth("gpu=true", "gpuSpotShare=0.5", `gpuInstanceTypes=${types}`);
    expect(full.said).not.toMatch(/warning|error/i);
    const usual = await app({});
    expect(usual.said).toBe("");
    expect(await lint(full.template, usual.template)).toEqual([]);

    const { Resources } = JSON.parse(await readFile(full.template, "utf8"));
    expect(Object.keys(Resources).length).toBeLessThan(500);
    expect((await readFile(full.template)).length).toBeLessThan(1_000_000);
  });

  test("says what is left out for the emulator", async () => {
    const { said } = await app({ emulator: "true", gpu: "true" });
    expect(said).toMatch(
      /^Left out, for the emulator lacks it: the capacity provider Stratolab-g4dn-xlarge, with .+\.\n$/,
    );
  });

  test("says a mistake in one line", async () => {
    await expect(app({ lambdaSizes: "64" })).rejects.toMatchObject({
      code: 1,
      stderr: "Error: Each of lambdaSizes needs a whole number from 128 to 10240. Got 64. Choose one in that range.\n",
    });
  });
});
