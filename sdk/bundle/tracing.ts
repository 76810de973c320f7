import type { Plugin } from "esbuild";

const SHIM = "stratolab:tracing";

/** A module that makes spans: the executor is to be told of its copy of the package. */
const IMPORTS_TRACING = /\bfrom\s*["']@opentelemetry\/api["']/;

export const importsTracing = (source: string): boolean => IMPORTS_TRACING.test(source);

/** The same module, with its copy of the package handed to the executor. */
export const withTracing = (source: string): string => `import ${JSON.stringify(SHIM)};${source}`;

/** Hands a bundle's copy of `@opentelemetry/api` to its executor, which makes the attempt's span current by it. */
export function tracingShim(): Plugin {
  return {
    name: "stratolab-tracing",
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
          'import { context, createTraceState, ROOT_CONTEXT, trace } from "@opentelemetry/api";' +
          'import { registerTracing } from "stratolab";' +
          "registerTracing({ context, createTraceState, ROOT_CONTEXT, trace });",
        resolveDir: pluginData as string,
      }));
    },
  };
}
