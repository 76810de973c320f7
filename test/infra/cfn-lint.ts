import { execFile } from "node:child_process";
import { mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const REQUIREMENTS = join(ROOT, "infra", "requirements-lint.txt");
const VENV = join(ROOT, ".localstack", "cfn-lint");

/** What cfn-lint finds in templates, as lines of "rule message". */
export async function lint(...templateFiles: string[]): Promise<string[]> {
  // The CDK names dependencies that references already imply.
  const args = ["--format", "json", "--ignore-checks", "W3005", "--regions", "us-east-1", "--", ...templateFiles];
  // It exits with the kinds of what it found, which is on its standard output all the same.
  const { stdout } = await run(join(VENV, "bin", "cfn-lint"), args).catch((error) => {
    if (error.stdout) return error;
    throw error;
  });
  const findings: { Rule: { Id: string }; Message: string }[] = JSON.parse(stdout);
  return findings.map(({ Rule, Message }) => `${Rule.Id} ${Message}`);
}

/** Installs cfn-lint from PyPI at its pinned version, into a Python environment of its own, once. */
export async function installCfnLint(): Promise<void> {
  const requirements = await readFile(REQUIREMENTS, "utf8");
  const installed = await readFile(join(VENV, "requirements.txt"), "utf8").catch(() => "");
  if (installed === requirements) return;

  await rm(VENV, { recursive: true, force: true });
  await mkdir(join(VENV, ".."), { recursive: true });
  await run("python3", ["-m", "venv", VENV]).catch((error) => {
    throw new Error(`cfn-lint needs Python 3.10 or newer with its venv module. Got: ${error.message}`);
  });
  await run(join(VENV, "bin", "python"), ["-m", "pip", "install", "--quiet", "--requirement", REQUIREMENTS]);
  // Last, so that an interrupted installation is not taken for a complete one.
  await writeFile(join(VENV, "requirements.txt"), requirements);
}
