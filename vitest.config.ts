import { defineConfig } from "vitest/config";

const shared = {
  testTimeout: 60_000,
  hookTimeout: 180_000,
  env: { AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED: "true" },
};

export default defineConfig({
  test: {
    // Executors, emulators and browsers share the machine with the tests: files run one after another.
    fileParallelism: false,
    projects: [
      {
        test: {
          ...shared,
          name: "here",
          include: ["test/**/*.test.ts"],
          exclude: ["test/**/*.aws.test.ts"],
        },
      },
      {
        test: {
          ...shared,
          name: "aws",
          include: ["test/**/*.aws.test.ts"],
          // One local AWS with the stack deployed on it, for all of these files.
          globalSetup: ["test/support/deployed-stack.ts"],
          setupFiles: ["test/support/use-deployed-stack.ts"],
        },
      },
    ],
  },
});
