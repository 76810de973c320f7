import { existsSync } from "node:fs";
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { LocalAwsError } from "./local-aws-error.ts";
import { lastLines, runCommand } from "./processes/run-command.ts";

const REQUIREMENTS = fileURLToPath(new URL("./requirements.txt", import.meta.url));

/** Names under which a Python that is new enough may be found, the usual one first. */
const PYTHONS = ["python3", "python3.13", "python3.12", "python3.11", "python3.10", "python"];

/**
 * The Python of a virtual environment with the pinned MiniStack in it, created on first use under
 * `stateDirectory` (some seconds, and the network for PyPI) and reused from then on.
 */
export async function ensureVenv(
  stateDirectory: string,
  onProgress: (message: string) => void = () => {},
): Promise<string> {
  const requirements = await readFile(REQUIREMENTS, "utf8");
  const venv = path.join(stateDirectory, "venv");
  if (await isUpToDate(venv, requirements)) return pythonOf(venv);

  const python = await findPython();
  onProgress("installing MiniStack into a Python environment (once)");
  await mkdir(stateDirectory, { recursive: true });
  // Built beside its place and moved there when it is complete: an interrupted installation, or
  // two at once, leave no half of an environment behind.
  const draft = await mkdtemp(path.join(stateDirectory, "venv-"));
  try {
    await createVenv(python, draft);
    await install(draft);
    await writeFile(path.join(draft, "requirements.txt"), requirements);
    if (!(await isUpToDate(venv, requirements))) {
      await rm(venv, { recursive: true, force: true });
      await rename(draft, venv).catch(async (error) => {
        if (!(await isUpToDate(venv, requirements))) throw error;
      });
    }
  } finally {
    await rm(draft, { recursive: true, force: true });
  }
  return pythonOf(venv);
}

const pythonOf = (venv: string): string => path.join(venv, "bin", "python");

async function isUpToDate(venv: string, requirements: string): Promise<boolean> {
  if (!existsSync(pythonOf(venv))) return false;
  const installed = await readFile(path.join(venv, "requirements.txt"), "utf8").catch(() => undefined);
  return installed === requirements;
}

async function findPython(): Promise<string> {
  let found: string | undefined;
  for (const python of PYTHONS) {
    const { exitCode, output } = await runCommand(python, ["-c", "import sys; print(*sys.version_info[:2])"]);
    if (exitCode !== 0) continue;
    const [major = 0, minor = 0] = output.trim().split(" ").map(Number);
    if (major === 3 && minor >= 10) return python;
    found ??= `${python} is ${major}.${minor}`;
  }
  throw new LocalAwsError(
    `the local AWS runs on MiniStack, which needs Python 3.10 or newer (${found ?? "no python3 was found"}): ` +
      "install it (Debian, Ubuntu: apt install python3 python3-venv; macOS: brew install python), " +
      "or use Docker and localstack/docker-compose.yml",
  );
}

async function createVenv(python: string, venv: string): Promise<void> {
  const { exitCode, output } = await runCommand(python, ["-m", "venv", venv]);
  if (exitCode === 0) return;
  throw new LocalAwsError(
    `${python} cannot create a virtual environment: install its venv and pip modules ` +
      `(Debian, Ubuntu: apt install python3-venv). It said:\n${lastLines(output, 5)}`,
  );
}

async function install(venv: string): Promise<void> {
  const args = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--requirement", REQUIREMENTS];
  const { exitCode, output } = await runCommand(pythonOf(venv), args);
  if (exitCode === 0) return;
  throw new LocalAwsError(
    `MiniStack could not be installed from PyPI; check the network and pip's configuration. ` +
      `pip said:\n${lastLines(output, 5)}`,
  );
}
