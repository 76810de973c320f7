import { LocalAwsError } from "../local-aws-error.ts";
import type { ContainerDriver } from "./container-driver.ts";
import { ContainerEngine } from "./container-engine.ts";
import { EngineDriver } from "./engine-driver.ts";
import { ProcessDriver, type ProcessDriverOptions } from "./process-driver.ts";

/** What runs ECS tasks: child processes, a container engine, or that one where it answers. */
export type DriverName = (typeof DRIVERS)[number];
export const DRIVERS = ["process", "container", "auto"] as const;

/** A driver, and what to tell of it. */
export interface ChosenDriver {
  readonly driver: ContainerDriver;
  readonly message: string;
}

/** The driver of this name. @throws LocalAwsError where a container engine is asked for and none answers. */
export async function chooseDriver(name: DriverName, options: ProcessDriverOptions): Promise<ChosenDriver> {
  const processes = () => new ProcessDriver(options);
  if (name === "process") return { driver: processes(), message: "ECS tasks run as child processes" };
  const engine = new ContainerEngine();
  if (await engine.answers()) {
    return {
      driver: new EngineDriver(engine, options.owner),
      message: `ECS tasks run as containers of the engine at ${engine.address}`,
    };
  }
  await engine.close();
  const why = `no container engine answers at ${engine.address}`;
  if (name === "auto") return { driver: processes(), message: `ECS tasks run as child processes: ${why}` };
  throw new LocalAwsError(
    `${why}: start Docker (or set DOCKER_HOST to where it listens), or use --driver process, which needs none`,
  );
}
