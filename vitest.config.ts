import { defineConfig } from "vitest/config";

const shared = {
  testTimeout: 60_000,
  hookTimeout: 180_000,
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
};

/** What needs no machine of its own: several files at once. */
const SMALL = ["core", "wire", "simulation", "types", "infra", "stores", "sdk", "runtime", "cli"];
const small = SMALL.map((folder) => `test/${folder}/**/*.test.ts`);
const onAws = "test/**/*.aws.test.ts";

export default defineConfig({
  test: {
    projects: [
      {
        test: {
          ...shared,
          name: "small",
          include: small,
          exclude: [onAws],
          maxWorkers: 2,
          sequence: { groupOrder: 0 },
        },
      },
      {
        test: {
          ...shared,
          name: "here",
          include: ["test/**/*.test.ts"],
          exclude: [onAws, ...small],
          // Executors and emulators share the machine with the tests: files run one after another.
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
