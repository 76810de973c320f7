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
/** Whether the simulation notices what is broken on purpose: `npm run test:mutations`. */
const mutations = ["test/simulation/mutations.test.ts"];

export default defineConfig({
  test: {
    reporters: ["default", "./test/support/stuck-files.ts"],
    projects: [
      {
        test: {
          ...shared,
          name: "small",
          include: ["test/**/*.test.ts"],
          exclude: [onAws, ...large, ...mutations],
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
      { test: { ...shared, name: "mutations", include: mutations } },
      {
        test: {
          ...shared,
          name: "aws",
          include: [onAws],
          maxWorkers: WORKERS,
          sequence: { groupOrder: 2 },
          // A local AWS with the stack deployed on it for each worker.
          globalSetup: ["test/support/deployed-stack.ts"],
          setupFiles: ["test/support/use-deployed-stack.ts"],
        },
      },
    ],
  },
});
