import { defineConfig } from "vitest/config";

const shared = {
  testTimeout: 60_000,
  hookTimeout: 180_000,
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
};

const onAws = "test/**/*.aws.test.ts";
/** What starts emulators, takes much memory or all processes: one file after another. */
const large = ["test/localstack/**/*.test.ts", "test/e2e/{large,killing,cancel,ladder}.local.test.ts"];

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "small",
          include: ["test/**/*.test.ts"],
          exclude: [onAws, ...large],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: "here",
          include: large,
          exclude: [onAws],
          fileParallelism: false,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          ...shared,
          name: "aws",
          include: [onAws],
          fileParallelism: false,
          sequence: { groupOrder: 2 },
          // One local AWS with the stack deployed on it, for all of these files.
          globalSetup: ["test/support/deployed-stack.ts"],
          setupFiles: ["test/support/use-deployed-stack.ts"],
        },
      },
    ],
  },
});
