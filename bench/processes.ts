import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { build } from "esbuild";

const now = () => performance.timeOrigin + performance.now();

/**
 * Makes a script that Node runs as it is of one of the fixtures.
 *
 * @returns Its file. It lies in `dist`: module resolution starts there, and has to find this project's packages.
 */
export async function builtFixture(name: string): Promise<string> {
  const outfile = `dist/${name}.mjs`;
  const entry = fileURLToPath(new URL(`./fixtures/${name}.ts`, import.meta.url));
  await build({ entryPoints: [entry], outfile, bundle: true, platform: "node", format: "esm", packages: "external" });
  return outfile;
}

/** Runs Node to its end. @returns When it was started, what it took in milliseconds, and what it said. */
export async function runNode(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ readonly startedAt: number; readonly ms: number; readonly stdout: string }> {
  const startedAt = now();
  const { stdout } = await promisify(execFile)(process.execPath, [...args], { env: { ...process.env, ...env } });
  return { startedAt, ms: now() - startedAt, stdout };
}

/** What Node takes to start and end by itself, in milliseconds. */
export const bareNodeMs = async (): Promise<number> => (await runNode(["-e", "0"])).ms;
