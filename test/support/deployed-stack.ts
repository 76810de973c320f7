import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import type { TestProject } from "vitest/node";
import { bootstrapAndDeploy } from "../../localstack/deploy.ts";
import { type LocalAws, startLocalAws } from "../../localstack/local-aws.ts";
import { tasksOf } from "./tasks-of.ts";

/** A local AWS with the stack on it, as tests see it. */
export interface DeployedStack {
  /** Environment of a program that uses the stack. */
  readonly environment: Record<string, string>;
  readonly outputs: Record<string, string>;
  /** Text in the environment of everything that the local AWS runs. */
  readonly owner: string;
}

/** Files that run at a time, as `vitest.config.ts` says. */
export const WORKERS = 2;

declare module "vitest" {
  export interface ProvidedContext {
    /** One for each worker: what a file counts, breaks or fills is its own. */
    deployedStacks: readonly DeployedStack[];
    /** Folder in which workers say which one they have taken. */
    locks: string;
  }
}

/** Starts a local AWS for each worker and deploys the stack on it by a real `cdk deploy`; ends them after the tests. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const started: LocalAws[] = [];
  const locks = await mkdtemp(path.join(tmpdir(), "stratolab-locks-"));
  const stop = async () => {
    await Promise.all(started.map((localAws) => localAws.stop()));
    await rm(locks, { recursive: true, force: true });
  };
  const deploy = async (localAws: LocalAws): Promise<DeployedStack> => ({
    environment: { ...localAws.env },
    outputs: await bootstrapAndDeploy(localAws, { stackName: "Stratolab", context: { emulator: "true" } }),
    owner: localAws.owner.split("/")[0] ?? "",
  });
  try {
    // One after another: the first may have to install MiniStack.
    for (let worker = 0; worker < WORKERS; worker += 1) {
      started.push(await startLocalAws({ lambdaConcurrency: 10, tasksOf }));
    }
    project.provide("locks", locks);
    project.provide("deployedStacks", await Promise.all(started.map(deploy)));
    return stop;
  } catch (error) {
    await stop();
    throw error;
  }
}
