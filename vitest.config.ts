import { defineConfig } from "vitest/config";
import { WORKERS } from "./test/support/deployed-stack.ts";

const shared = {
  testTimeout: 60_000,
  hookTimeout: 180_000,
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
};

const onAws = "test/**/*.aws.test.ts";
/** What takes much memory: one file after another. */
const large = ["test/e2e/large.local.test.ts", "test/localstack/containers.test.ts"];
/** What takes minutes and seldom breaks: `npm run test:long`, which CI runs, too. */
const long = [
  "test/simulation/mutations.test.ts",
  "test/infra/synth.test.ts",
  "test/localstack/{local-aws,faults-command,proxy,ecs,ecs-rules}.test.ts",
  "test/examples/word-count.test.ts",
  "test/e2e/cancel-fifty.test.ts",
  "test/cli/{gc,namespaces,plan,tasks}.test.ts",
  "test/dashboard/page.test.ts",
  "test/stores/streams.test.ts",
];
const longOnAws = [
  "test/e2e/{faults,deadline,cancel,ladder,large,moved-log,nested,nested-durable}.aws.test.ts",
  "test/examples/digits-sweep.aws.test.ts",
  "test/storm/storm.aws.test.ts",
  "test/stores/stores.aws.test.ts",
  "test/sdk/storage.aws.test.ts",
  "test/cli/{doctor,jobs}.aws.test.ts",
];
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
          name: "small",
          include: ["test/**/*.test.ts"],
          exclude: [onAws, ...large, ...long],
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
          exclude: longOnAws,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 2 },
        },
      },
      { test: { ...shared, name: "long", include: long, maxWorkers: WORKERS, sequence: { groupOrder: 0 } } },
      {
        test: {
          ...shared,
          ...deployed,
          name: "long-aws",
          include: longOnAws,
          maxWorkers: WORKERS,
          sequence: { groupOrder: 2 },
        },
      },
    ],
  },
});
