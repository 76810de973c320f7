import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { Lab, type LabOptions, type RunError, RuntimeEnvSetupError } from "stratolab";
import { expect, test } from "vitest";
import { nativePackageFolder } from "../support/native-package.ts";
import { Project } from "../support/project.ts";
import { cannotBegin, neverBegins, surroundings } from "./fixtures/ecs-env-tasks.ts";
import { loadNativeOnEcs } from "./fixtures/native-tasks.ts";

const salt = Date.now();
const onEcs = (options: Partial<LabOptions>) =>
  new Lab({
    tasks: new URL("./fixtures/ecs-env-tasks.ts", import.meta.url),
    runner: "aws",
    concurrency: 2,
    progress: false,
    ...options,
  });

test("a container has variables, secrets, files and what setup does, once for all of its tasks", async () => {
  await new SecretsManagerClient({}).send(
    new CreateSecretCommand({ Name: `lab/ecs-${salt}`, SecretString: JSON.stringify({ token: "kept apart" }) }),
  );
  await new SSMClient({}).send(
    new PutParameterCommand({ Name: `/lab/ecs-${salt}`, Value: "a place", Type: "SecureString" }),
  );
  using project = new Project({
    "data/words.txt": "one two",
    "data/left-out.log": "",
    "data/raw.psd": "",
    ".gitignore": "*.log\n",
  });
  const env = {
    PLAIN: "as it is",
    TOKEN: { secret: `lab/ecs-${salt}`, key: "token" },
    URL: { parameter: `/lab/ecs-${salt}` },
  };
  const workingDir = project.folder;
  await using lab = onEcs({ runtimeEnv: { env, workingDir, excludes: ["*.psd"], setup: "countSetup" } });
  const names = ["PLAIN", "TOKEN", "URL"];
  const found = await lab.runTasks(Array.from({ length: 8 }, (_, n) => surroundings({ names, salt: salt + n })));
  for (const each of found) {
    expect(each).toMatchObject({
      service: "ecs",
      timesSetUp: 1,
      env: ["as it is", "kept apart", "a place"],
      files: [".gitignore", "data", "data/words.txt", "package.json"],
      read: "one two",
    });
  }
  expect(new Set(found.map(({ process }) => process)).size).toBeLessThanOrEqual(2);
});

test("packages with compiled code are there in a container", async () => {
  const tasks = new URL("./fixtures/native-tasks.ts", import.meta.url);
  await using lab = onEcs({ tasks, runtimeEnv: { packages: nativePackageFolder() } });
  const { isFunction, loaded } = await lab.runTask(loadNativeOnEcs({ salt }));
  expect(isFunction).toBe(true);
  expect(loaded.join()).toMatch(/packages-[0-9a-f]+.*node_modules.*msgpackr-extract/);
});

test("a setup that fails, or never ends, is an error of its own with its log, and others go on", async () => {
  await using lab = onEcs({});
  const failed = (await lab
    .runTasks([cannotBegin({ salt }), neverBegins({ salt })])
    .catch((reason: unknown) => reason)) as RunError;
  const [thrown, hanging] = failed.failures;
  expect([thrown, hanging]).toEqual([expect.any(RuntimeEnvSetupError), expect.any(RuntimeEnvSetupError)]);
  expect(thrown.message).toMatch(/failingSetup failed.*the model server did not answer/);
  expect(thrown.logTail).toContain("no licence was found");
  expect(hanging.message).toMatch(/longer than its setupTimeoutMs of 1500/);
  expect(hanging.logTail).toContain("waiting for the model server");
});
