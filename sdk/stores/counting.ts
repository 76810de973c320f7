/** What decides which of several stored results of one task counts. */
export interface Candidate {
  readonly generation: number;
  /** When its attempt ended, in milliseconds since the epoch. */
  readonly endedAt: number;
  /** Names it among those of its task. */
  readonly id: string;
  /** Stands for its value: equal values have equal ones. */
  readonly value: string;
  /** Stands for the values that it was computed from; undefined where it needed none. */
  readonly inputs: string | undefined;
}

/** A task, and those that it was computed from. */
export interface CountingNode<C> {
  readonly candidates: readonly C[];
  /** Positions of its dependencies, all before its own. */
  readonly dependencies: readonly number[];
}

/**
 * Finds the results that count, where nobody was asked before they were written: of each task the one of the highest
 * generation, among those the one that ended first. What was computed from a result that does not count does not
 * either: where a dependency has results with different values, only those count that were computed from the one which
 * does. Where it has but one value nothing is held against it, so a dependency may be deleted and made again.
 *
 * The answer depends on what is stored alone, not on the order in which it came.
 *
 * @param inputsOf What stands for the values of these results together, in the order of the dependencies.
 * @returns For each node the result that counts; undefined where none does.
 */
export function countingResults<C extends Candidate>(
  nodes: readonly CountingNode<C>[],
  inputsOf: (position: number, inputs: readonly C[]) => string,
): (C | undefined)[] {
  const counting: (C | undefined)[] = [];
  const isContested: boolean[] = [];
  for (const [position, { candidates, dependencies }] of nodes.entries()) {
    const latest = ofHighestGeneration(candidates);
    let sound = latest;
    if (latest.length > 0 && dependencies.some((dependency) => isContested[dependency])) {
      const inputs = dependencies.flatMap((dependency) => counting[dependency] ?? []);
      // With an input that nobody can name, none can be told to be sound.
      const expected = inputs.length < dependencies.length ? undefined : inputsOf(position, inputs);
      sound = latest.filter((each) => expected !== undefined && each.inputs === expected);
    }
    const [first] = [...sound].sort(before);
    counting.push(first);
    const differ = latest.length > 1 && latest.some(({ value }) => value !== latest[0].value);
    isContested.push(latest.length > 0 && (!first || differ));
  }
  return counting;
}

/** The one that counts of results of one task, whatever they were computed from. */
export const firstOf = <C extends Candidate>(candidates: readonly C[]): C | undefined =>
  ofHighestGeneration(candidates).sort(before)[0];

function ofHighestGeneration<C extends Candidate>(candidates: readonly C[]): C[] {
  const highest = candidates.reduce((most, { generation }) => Math.max(most, generation), Number.NEGATIVE_INFINITY);
  return candidates.filter(({ generation }) => generation === highest);
}

const before = (one: Candidate, other: Candidate): number =>
  one.endedAt - other.endedAt || (one.id < other.id ? -1 : one.id > other.id ? 1 : 0);
