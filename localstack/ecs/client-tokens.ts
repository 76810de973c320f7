import { EcsError } from "./ecs-error.ts";
import type { EcsTask, Failure, RunTaskInput } from "./wire.ts";

/** What RunTask answers. */
export interface RunTaskOutput {
  readonly tasks: readonly EcsTask[];
  readonly failures: readonly Failure[];
}

interface Use {
  /** The call's input, as text: another one under the same token is a conflict. */
  readonly input: string;
  readonly output: Promise<RunTaskOutput>;
}

/** More than any test or session makes within the time in which a call is repeated. */
const KEPT = 10_000;

/** Makes RunTask idempotent: a call repeated with the same client token starts nothing anew. */
export class ClientTokens {
  readonly #uses = new Map<string, Use>();

  /** The output of an earlier call with this input's token, else that of `start`. */
  async once(input: RunTaskInput, start: () => Promise<RunTaskOutput>): Promise<RunTaskOutput> {
    const { clientToken, ...rest } = input;
    if (clientToken === undefined) return start();
    const text = JSON.stringify(rest);
    const earlier = this.#uses.get(clientToken);
    if (earlier) {
      const output = await earlier.output;
      if (earlier.input === text) return output;
      throw new EcsError(
        "ConflictException",
        "The RunTask request could not be processed due to conflicts. " +
          "The provided clientToken is already in use with a different RunTask request.",
        { resourceIds: output.tasks.map(({ taskArn }) => taskArn) },
      );
    }
    const output = start();
    this.#uses.set(clientToken, { input: text, output });
    // Only a call that succeeded is remembered: after an error the same token may try again.
    output.catch(() => this.#uses.delete(clientToken));
    for (const oldest of this.#uses.keys()) {
      if (this.#uses.size <= KEPT) break;
      this.#uses.delete(oldest);
    }
    return output;
  }
}
