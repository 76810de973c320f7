import { createHash } from "node:crypto";
import { DynamoDBClient, paginateScan } from "@aws-sdk/client-dynamodb";
import { GetObjectCommand, paginateListObjectsV2, S3Client } from "@aws-sdk/client-s3";
import { CreateSecretCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { PutParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { Lab, RunError } from "stratolab";

import { expect, test } from "vitest";
import { StackOutput } from "../../sdk/wire/stack-outputs.ts";
import { nativePackageFolder } from "../support/native-package.ts";
import { thisStack } from "../support/this-stack.ts";
import { fingerprint, reveal } from "./fixtures/env-tasks.ts";
import { loadNative } from "./fixtures/native-tasks.ts";

const tasks = new URL("./fixtures/env-tasks.ts", import.meta.url);
const salt = Date.now();
const VALUE = "only executors know";

/** All items of the control table and all objects of the bucket, as text. */
async function everythingStored(): Promise<string> {
  const { outputs } = thisStack();
  const parts: string[] = [];
  const TableName = outputs[StackOutput.table];
  for await (const { Items = [] } of paginateScan({ client: new DynamoDBClient({}) }, { TableName })) {
    for (const item of Items) {
      for (const { B, S = "" } of Object.values(item)) parts.push(B ? Buffer.from(B).toString("latin1") : S);
    }
  }
  const client = new S3Client({ forcePathStyle: true });
  const Bucket = outputs[StackOutput.bucket];
  for await (const { Contents = [] } of paginateListObjectsV2({ client }, { Bucket })) {
    for (const { Key } of Contents.filter(({ Key = "" }) => !/^(bundles|runtime)/.test(Key))) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key }));
      parts.push(Buffer.from((await Body?.transformToByteArray()) ?? []).toString("latin1"));
    }
  }
  return parts.join("\n");
}

test("executors fetch secrets, which no log, item or object has", async () => {
  await new SecretsManagerClient({}).send(
    new CreateSecretCommand({ Name: `lab/${salt}`, SecretString: JSON.stringify({ token: VALUE }) }),
  );
  await new SSMClient({}).send(new PutParameterCommand({ Name: `/lab/${salt}`, Value: "plain", Type: "SecureString" }));
  const env = { TOKEN: { secret: `lab/${salt}`, key: "token" }, URL: { parameter: `/lab/${salt}` } };
  await using lab = new Lab({ tasks, runner: "aws", progress: false, runtimeEnv: { env } });
  const expected = createHash("sha256").update(`${VALUE}\nplain`).digest("hex");
  expect(await lab.runTask(fingerprint({ names: ["TOKEN", "URL"], salt }))).toBe(expected);
  await lab.close();
  const stored = await everythingStored();
  expect(stored).toContain(`lab/${salt}`);
  expect(stored).not.toContain(VALUE);

  await using other = new Lab({
    tasks,
    runner: "aws",
    progress: false,
    runtimeEnv: { env: { TOKEN: { secret: "none" } } },
  });
  const error = (await other.runTask(reveal({ names: [], salt })).catch((reason: unknown) => reason)) as RunError;
  expect(error).toBeInstanceOf(RunError);
  expect(error.kind).toBe("setup-failed");
  expect(error.message).toMatch(/the secret none could not be read: ResourceNotFoundException/);
});

test("packages with compiled code are refused without an environment, and installed for the executor with one", async () => {
  const tasks = new URL("./fixtures/native-tasks.ts", import.meta.url);
  await using bare = new Lab({ tasks, runner: "aws", progress: false });
  await expect(bare.runTask(loadNative({ salt }))).rejects.toThrow(
    /reaches msgpackr-extract, a package with compiled code.*packages: \{ "msgpackr-extract": "3.0.4" \}/,
  );
  const runtimeEnv = { packages: nativePackageFolder() };
  await using lab = new Lab({ tasks, runner: "aws", progress: false, runtimeEnv });
  const { isFunction, loaded } = await lab.runTask(loadNative({ salt }));
  expect(isFunction).toBe(true);
  expect(loaded.join()).toMatch(/runtime-envs\/lambda-.*node_modules/);
});
