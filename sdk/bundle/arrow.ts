import type { Plugin } from "esbuild";
import { LabError } from "../errors.ts";
import { type ArrowLibrary, registerArrow } from "../wire/codec/arrow.ts";

const SHIM = "stratolab:arrow";

/** A module that imports apache-arrow, if only for its types: it is to have Tables in its hands. */
const IMPORTS_ARROW = /\bfrom\s*["']apache-arrow["']/;

export const importsArrow = (source: string): boolean => IMPORTS_ARROW.test(source);

/** The same module, with Tables made known to the codec of the bundle. */
export const withArrow = (source: string): string => `import ${JSON.stringify(SHIM)};${source}`;

/** Makes the user's own copy of apache-arrow known to the codec, where a bundle has one. */
export function arrowShim(): Plugin {
  return {
    name: "stratolab-arrow",
    setup(build) {
      // Code versions are told by the user's code alone.
      const external = build.initialOptions.external?.includes("stratolab") ?? false;
      build.onResolve({ filter: new RegExp(`^${SHIM}$`) }, ({ resolveDir }) =>
        external
          ? { path: SHIM, external }
          : { path: SHIM, namespace: SHIM, pluginData: resolveDir, sideEffects: true },
      );
      build.onLoad({ filter: /.*/, namespace: SHIM }, ({ pluginData }) => ({
        contents:
          'import { AsyncByteQueue, RecordBatchStreamWriter, Table, tableFromIPC } from "apache-arrow";' +
          'import { registerArrow } from "stratolab";' +
          "registerArrow({ AsyncByteQueue, RecordBatchStreamWriter, Table, tableFromIPC });",
        resolveDir: pluginData as string,
      }));
    },
  };
}

/** Whether a build holds the shim, by the names of its inputs. */
export const holdsArrow = (inputs: Readonly<Record<string, unknown>> = {}): boolean =>
  Object.keys(inputs).some((input) => input.startsWith(`${SHIM}:`));

/** Makes Tables known in this process, where tasks have them. */
export async function loadArrow(): Promise<void> {
  const library = await import("apache-arrow").catch((error) => {
    throw new LabError(
      "missing-package",
      "the task module imports apache-arrow, which stratolab does not find from where it is installed: install both in one project",
      { cause: error },
    );
  });
  registerArrow(library as ArrowLibrary);
}
