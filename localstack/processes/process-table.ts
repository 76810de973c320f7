import { readdirSync, readFileSync } from "node:fs";

/**
 * Environment variable that says whom a process belongs to, as a path: `<local AWS>/ministack` or
 * `<local AWS>/ecs/<ECS task>/<container>`. Children inherit it, so strays are found again even
 * after they changed their session and lost their parent.
 */
export const OWNER_VARIABLE = "STRATOLAB_LOCAL_AWS_OWNER";

/** A living process that belongs to a local AWS. */
export interface OwnedProcess {
  readonly pid: number;
  readonly owner: string;
}

interface Known {
  /** In clock ticks since boot: tells a process from a later one with the same number. */
  readonly startTime: string;
  readonly owner: string | undefined;
}

interface Stat {
  readonly pid: number;
  readonly parent: number;
  readonly startTime: string;
  readonly zombie: boolean;
}

/**
 * Who owns which process, from `/proc`. A process belongs to whom its environment names, else to
 * its parent's owner when it was first seen. Elsewhere than on Linux the table is empty.
 */
export class ProcessTable {
  #known = new Map<number, Known>();

  /** The living processes whose owner starts with `prefix`. */
  owned(prefix: string): OwnedProcess[] {
    const stats = readStats();
    const known = new Map<number, Known>();
    const fresh: Stat[] = [];
    for (const stat of stats) {
      const entry = this.#known.get(stat.pid);
      if (entry?.startTime === stat.startTime) known.set(stat.pid, entry);
      else fresh.push(stat);
    }
    // Parents start before their children, so in this order a parent's owner is settled first.
    fresh.sort((a, b) => Number(a.startTime) - Number(b.startTime) || a.pid - b.pid);
    for (const { pid, parent, startTime } of fresh) {
      known.set(pid, { startTime, owner: readOwner(pid) ?? known.get(parent)?.owner });
    }
    this.#known = known;
    return stats.flatMap(({ pid, zombie }) => {
      const owner = known.get(pid)?.owner;
      return owner?.startsWith(prefix) && !zombie ? [{ pid, owner }] : [];
    });
  }
}

function readStats(): Stat[] {
  return listProcessIds().flatMap((pid) => {
    const stat = read(`/proc/${pid}/stat`);
    // The command, in parentheses, may itself hold spaces and parentheses.
    const fields = stat?.slice(stat.lastIndexOf(")") + 2).split(" ");
    const [state, parent] = fields ?? [];
    const startTime = fields?.[19];
    if (!state || !parent || !startTime) return [];
    return [{ pid, parent: Number(parent), startTime, zombie: state === "Z" || state === "X" }];
  });
}

function listProcessIds(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    return [];
  }
}

function readOwner(pid: number): string | undefined {
  const assignment = `${OWNER_VARIABLE}=`;
  return read(`/proc/${pid}/environ`)
    ?.split("\0")
    .find((entry) => entry.startsWith(assignment))
    ?.slice(assignment.length);
}

/** A file under `/proc`; `undefined` when the process has gone or is another user's. */
export function read(file: string): string | undefined {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return undefined;
  }
}
