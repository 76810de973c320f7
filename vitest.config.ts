import { defineConfig } from "vitest/config";
import { WORKERS } from "./test/support/deployed-stack.ts";

const shared = {
  testTimeout: 120_000,
  hookTimeout: 300_000,
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
};

const onAws = "test/**/*.aws.test.ts";
/** What leaves modules as they were: files of one process share what they import. */
const pure = "test/{core,infra,types}/**/*.test.ts";
/** What takes much memory: one file after another. */
const large = ["test/e2e/large.local.test.ts", "test/localstack/containers.test.ts"];
/** What takes long, beside its like that does not: `npm run test:long`, which CI runs, too. */
const long = "test/**/*.long.test.ts";
const longOnAws = "test/**/*.aws.long.test.ts";
/** A local AWS with the stack deployed on it for each worker. */
const deployed = {
  globalSetup: ["test/support/deployed-stack.ts"],
  setupFiles: ["test/support/use-deployed-stack.ts"],
};

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/stuck-files.ts"],
    projects: [
      {
        test: {
          ...shared,
          name: "pure",
          include: [pure],
          exclude: [long],
          isolate: false,
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: "small",
          include: ["test/**/*.test.ts"],
          exclude: [onAws, long, pure, ...large],
          maxWorkers: 3,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: "large",
          include: large,
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          ...deployed,
          name: "aws",
          include: [onAws],
          // Few and short: another stack would take longer to deploy than it saves.
          maxWorkers: WORKERS - 1,
          sequence: { groupOrder: 2 },
        },
      },
      {
        test: {
          ...shared,
          name: "long",
          include: [long],
          exclude: [longOnAws],
          maxWorkers: WORKERS,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          ...deployed,
          name: "long-aws",
          include: [longOnAws],
          maxWorkers: WORKERS,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
