import { execFile } from "node:child_process";
import { existsSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";

/** A project that does what stratolab does, timed with the same work where it is installed. */
interface Peer {
  readonly name: string;
  /** The package, as pip and Python call it. */
  readonly package: string;
  /** What else pip is to install. */
  readonly besides?: string;
  /** The environment variable that says which Python has it; without it, `python3` is tried. */
  readonly variable: string;
  /** Benchmarks whose work its script does. */
  readonly benchmarks: readonly string[];
}

const PEERS: readonly Peer[] = [
  {
    name: "Ray",
    package: "ray",
    besides: "numpy",
    variable: "STRATOLAB_RAY_PYTHON",
    benchmarks: ["start-up", "local-noop", "local-latency", "chain-1k", "tree-1024", "cpu-map", "objects"],
  },
  {
    name: "Labtech's fork runner",
    package: "labtech",
    variable: "STRATOLAB_LABTECH_PYTHON",
    benchmarks: ["start-up", "local-noop", "local-latency", "cached-1000", "chain-1k", "tree-1024", "cpu-map"],
  },
  {
    name: "Lithops",
    package: "lithops",
    variable: "STRATOLAB_LITHOPS_PYTHON",
    benchmarks: ["start-up", "local-noop", "cpu-map"],
  },
];

/** A script that takes longer is ended, in milliseconds: a benchmark is to take two minutes. */
const PATIENCE_MS = 60_000;

/** What a peer takes for what a figure of the benchmark measures. */
export interface PeerFigure {
  readonly peer: string;
  readonly what: string;
  readonly value: number;
  readonly unit: string;
}

/** What is known of the peers for a benchmark. */
export interface PeerFigures {
  readonly figures: readonly PeerFigure[];
  /** Peers that were not timed, and why, in words. */
  readonly missing: readonly string[];
}

const run = promisify(execFile);

/** Times the peers that are installed with the work of a benchmark, one after another. */
export async function timePeers(benchmark: string): Promise<PeerFigures> {
  const figures: PeerFigure[] = [];
  const missing: string[] = [];
  for (const peer of PEERS) {
    if (!peer.benchmarks.includes(benchmark)) continue;
    const python = process.env[peer.variable] ?? "python3";
    if (await isInstalled(peer, python)) {
      try {
        figures.push(...(await timed(peer, python, benchmark)));
      } catch (error) {
        missing.push(`${peer.name} failed: ${lastLine(error)}`);
      }
    } else missing.push(`${peer.name} is not installed: ${howToInstall(peer)}`);
  }
  return { figures, missing };
}

async function isInstalled({ package: name }: Peer, python: string): Promise<boolean> {
  try {
    await run(python, ["-c", `import importlib.util, sys; sys.exit(importlib.util.find_spec("${name}") is None)`]);
    return true;
  } catch {
    return false;
  }
}

function howToInstall({ package: name, besides, variable }: Peer): string {
  const packages = besides === undefined ? name : `${name} ${besides}`;
  return `pip install ${packages} in a venv, and ${variable}=its python`;
}

async function timed({ name, package: module }: Peer, python: string, benchmark: string): Promise<PeerFigure[]> {
  const script = fileURLToPath(new URL(`${module}_peer.py`, import.meta.url));
  if (!existsSync(script)) throw new Error(`there is no ${script}`);
  const startedAt = performance.timeOrigin + performance.now();
  const env = { ...process.env, PYTHONDONTWRITEBYTECODE: "1" };
  const { stdout } = await run(python, [script, benchmark], { env, timeout: PATIENCE_MS, killSignal: "SIGINT" });
  const lines = stdout.split("\n").filter((line) => line.startsWith("{"));
  return lines.map((line) => {
    const { what, value, unit } = JSON.parse(line) as Omit<PeerFigure, "peer">;
    // A script knows when it has its first result, and not when it was started.
    return { peer: name, what, value: benchmark === "start-up" ? value - startedAt : value, unit };
  });
}

/** What Python says last is what went wrong. */
const lastLine = (error: unknown): string => {
  const { stderr, message, killed } = error as Error & { stderr?: string; killed?: boolean };
  if (killed) return `it was not done within ${PATIENCE_MS / 1_000} s`;
  return (stderr?.trim() || message).split("\n").at(-1) as string;
};
