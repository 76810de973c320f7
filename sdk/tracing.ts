import type { Tracer } from "./driver/tracer.ts";
import { LabError } from "./errors.ts";
import { packageVersion } from "./package-files.ts";

/**
 * A tracer on the user's own tracer provider. Nothing of it is loaded where no lab asks for it.
 *
 * @throws LabError when the package is not there, or nobody has said where spans are to go.
 */
export async function openTracer(): Promise<Tracer> {
  const [api, { Tracer }] = await Promise.all([loadApi(), import("./driver/tracer.ts")]);
  const tracer = new Tracer(api, packageVersion());
  tracer.check();
  return tracer;
}

function loadApi(): Promise<typeof import("@opentelemetry/api")> {
  return import("@opentelemetry/api").catch((error) => {
    throw new LabError(
      "missing-package",
      "new Lab: tracing needs the package @opentelemetry/api, which stratolab does not find from where it is installed: " +
        'run "npm install @opentelemetry/api", or leave tracing out',
      { cause: error },
    );
  });
}
