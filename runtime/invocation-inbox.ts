import type { Assignment } from "../sdk/wire/attempt.ts";
import type { StoreAddress } from "../sdk/wire/store-address.ts";
import { endAlone } from "./alone.ts";
import type { AssignmentWork } from "./assignment-work.ts";
import type { Supervisor } from "./supervisor.ts";

interface InboxOptions {
  readonly assignment: Assignment;
  readonly stores: StoreAddress;
  readonly supervisor: Supervisor;
  readonly work: AssignmentWork;
}

/** How often it is checked whether the lab is still there, in milliseconds. */
const LAB_CHECK_EVERY_MS = 10_000;
/** How often an invocation looks whether it was cancelled, in milliseconds. */
const LOOK_EVERY_MS = 1_000;
/** How soon it looks for an answer of its driver, and how much later each time, in milliseconds. */
const FIRST_LOOK_MS = 150;
const SLOWDOWN = 1.4;

/**
 * Looks whether the driver has answered or cancelled what an invocation of Lambda works on. Nobody can reach it from
 * outside; so it asks, from its second second on, and short ones never do.
 */
export class InvocationInbox {
  readonly #options: InboxOptions;
  readonly #timer: NodeJS.Timeout | undefined;
  #soon: NodeJS.Timeout | undefined;
  #isClosed = false;
  #lastLetter = 0;
  #looking = false;
  #look: (() => Promise<void>) | undefined;

  constructor(options: InboxOptions) {
    this.#options = options;
    // Without a feed the assignment has no name that is unique in the stack.
    if (options.assignment.feed) this.#timer = setInterval(() => void this.#lookOnce(), LOOK_EVERY_MS);
  }

  async #lookOnce(): Promise<void> {
    if (this.#looking) return;
    this.#looking = true;
    try {
      this.#look ??= await this.#open();
      await this.#look();
    } catch (error) {
      console.error("stratolab: the inbox could not be read:", error);
    } finally {
      this.#looking = false;
    }
  }

  /** The SDK's client is loaded with the first look, so that short tasks do not pay for it. */
  async #open(): Promise<() => Promise<void>> {
    const { assignment, stores: address, supervisor, work } = this.#options;
    const [{ openStores }, { readLetters }, { labSign }, { invocationInbox }] = await Promise.all([
      import("../sdk/stores/stores.ts"),
      import("../sdk/stores/inbox.ts"),
      import("../sdk/stores/lab-life.ts"),
      import("../sdk/wire/keys.ts"),
    ]);
    const { table, objects } = await openStores(address);
    const inbox = invocationInbox(assignment.feed?.name ?? "", assignment.id);
    let lookedForLabAt = Date.now();
    return async () => {
      if (Date.now() - lookedForLabAt > LAB_CHECK_EVERY_MS) {
        lookedForLabAt = Date.now();
        if ((await labSign(table, assignment.feed?.name ?? "")) === "gone") await endAlone(supervisor, assignment);
      }
      for (const { number, letter } of await readLetters(table, objects, inbox, this.#lastLetter)) {
        this.#lastLetter = number;
        if (letter.type === "answer") work.answer(letter.answer);
        if (letter.type === "cancel") work.cancel(letter.tasks, letter.graceMs);
      }
    };
  }

  /** Something was asked of the driver: looks for the answer sooner. */
  expectAnswer(pauseMs = FIRST_LOOK_MS): void {
    clearTimeout(this.#soon);
    this.#soon = setTimeout(() => {
      void this.#lookOnce().then(() => {
        if (!this.#isClosed && pauseMs < LOOK_EVERY_MS) this.expectAnswer(pauseMs * SLOWDOWN);
      });
    }, pauseMs);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#soon);
    clearInterval(this.#timer);
  }
}
