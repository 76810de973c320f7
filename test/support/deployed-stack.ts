import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
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

/** Files that run at a time at most, as `vitest.config.ts` says: each has a local AWS of its own. */
export const WORKERS = 3;

/** The folder has `<number>.json` for each stack that is deployed, and this one where that failed. */
export const FAILURE = "failure";

declare module "vitest" {
  export interface ProvidedContext {
    /** Folder of the deployed stacks, in which workers also say which one they have taken. */
    deployedStacks: string;
  }
}

/**
 * Starts a local AWS for each worker and deploys the stack on it by a real `cdk deploy`, while other tests
 * already run; ends them after the tests.
 */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const folder = await mkdtemp(path.join(tmpdir(), "stratolab-stacks-"));
  project.provide("deployedStacks", folder);
  const started: LocalAws[] = [];
  let isOver = false;
  const deploy = async (localAws: LocalAws, index: number): Promise<void> => {
    const stack: DeployedStack = {
      environment: { ...localAws.env },
      outputs: await bootstrapAndDeploy(localAws, { stackName: "Stratolab", context: { emulator: "true" } }),
      owner: localAws.owner.split("/")[0] ?? "",
    };
    await publish(path.join(folder, `${index}.json`), JSON.stringify(stack));
  };
  const deployed = (async () => {
    // One after another: the first may have to install MiniStack, and each would slow the tests that run.
    for (let worker = 0; worker < (project.config.maxWorkers ?? WORKERS) && !isOver; worker += 1) {
      const localAws = await startLocalAws({ lambdaConcurrency: 10, tasksOf });
      started.push(localAws);
      await deploy(localAws, worker);
    }
  })().catch((error) => publish(path.join(folder, FAILURE), String(error)));
  return async () => {
    isOver = true;
    await Promise.all(started.map((localAws) => localAws.stop()));
    await deployed;
    await Promise.all(started.map((localAws) => localAws.stop()));
    await rm(folder, { recursive: true, force: true });
  };
}

/** Whole or not at all. */
async function publish(file: string, text: string): Promise<void> {
  await writeFile(`${file}.new`, text);
  await rename(`${file}.new`, file);
}
