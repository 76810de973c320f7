import { inspect } from "node:util";
import { registeredClasses, shownClasses } from "./classes.ts";
import type { CodecExtension } from "./extensions.ts";

const named = shownClasses((name) => ({ [inspect.custom]: () => `${name} {…}` }));

/**
 * Instances of the classes that have a codec here, and of others what shows the name of their class: for params that
 * are looked at where the task module may not have been imported.
 */
export const namedClasses: CodecExtension = {
  ...named,
  raise: (stored) => {
    try {
      return (registeredClasses as CodecExtension).raise(stored);
    } catch {
      return named.raise(stored);
    }
  },
};
