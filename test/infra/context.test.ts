import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, onTestFinished, test } from "vitest";
import { readContext } from "../../infra/context.ts";
import { packageFiles } from "../../infra/package-files.ts";

describe("context", () => {
  test("of nothing is the default stack", () => {
    expect(readContext({})).toEqual({ stackName: "Stratolab", props: {} });
  });

  test("has every prop that a command line can say", () => {
    const { stackName, props } = readContext({
      stackName: "Mine",
      architecture: "x86_64",
      lambdaSizes: "512, 3008",
      functionCopies: "2",
      gpu: "true",
      gpuInstanceTypes: "g5.xlarge,g6.xlarge",
      gpuSpotShare: "0.5",
      removalPolicy: "destroy",
      deletionProtection: "false",
      emulator: "true",
    });
    expect(stackName).toBe("Mine");
    expect(props).toEqual({
      architecture: "x86_64",
      lambdaSizes: [512, 3008],
      functionCopies: 2,
      gpu: true,
      gpuInstanceTypes: ["g5.xlarge", "g6.xlarge"],
      gpuSpotShare: 0.5,
      removalPolicy: "destroy",
      deletionProtection: false,
      emulator: true,
    });
  });

  test("takes JSON values of a cdk.json as they are", () => {
    const { props } = readContext({ lambdaSizes: [512, 1024], gpu: true, gpuMaxInstances: 2 });
    expect(props).toEqual({ lambdaSizes: [512, 1024], gpu: true, gpuMaxInstances: 2 });
  });

  test("leaves the CDK's own keys alone", () => {
    const own = {
      "@aws-cdk/core:something": true,
      "aws:cdk:bundling-stacks": ["**"],
      "vpc-provider:account=1": {},
      "cli-telemetry": false,
    };
    expect(readContext(own).props).toEqual({});
  });

  test.each([
    [{ gpus: "true" }, "Got gpus. Check the spelling."],
    [{ gpu: "yes" }, 'gpu needs one of true, false. Got "yes".'],
    [{ lambdaSizes: "512,big" }, 'lambdaSizes needs a number. Got "big".'],
    [{ lambdaSizes: 512 }, "lambdaSizes needs a list. Got 512."],
    [{ gpuSpotShare: "" }, 'gpuSpotShare needs a number. Got "".'],
    [{ removalPolicy: "snapshot" }, 'removalPolicy needs one of retain, destroy. Got "snapshot".'],
    [{ stackName: "" }, 'stackName needs a text. Got "". Write -c stackName=...'],
  ])("refuses %j", (context, message) => {
    expect(() => readContext(context)).toThrow(message);
  });
});

describe("the package's files", () => {
  const packageIn = (files: Record<string, string>) => {
    const root = mkdtempSync(join(tmpdir(), "stratolab-test-"));
    onTestFinished(() => rmSync(root, { recursive: true }));
    for (const [name, text] of Object.entries(files)) {
      mkdirSync(join(root, name, ".."), { recursive: true });
      writeFileSync(join(root, name), text);
    }
    return root;
  };
  const PACKAGE = JSON.stringify({ name: "stratolab", version: "1.2.3" });

  test("are found from source, from dist/infra and from dist/chunks", () => {
    const root = packageIn({
      "package.json": PACKAGE,
      "dist/runtime/lambda/index.mjs": "",
      "dist/runtime/driver/index.mjs": "",
    });
    for (const from of ["infra", "dist/infra", "dist/chunks"]) {
      expect(packageFiles(join(root, from))).toEqual({
        version: "1.2.3",
        lambdaCode: join(root, "dist/runtime/lambda"),
        driverCode: join(root, "dist/runtime/driver"),
      });
    }
  });

  test("say how to build what is not built", () => {
    const root = packageIn({ "package.json": PACKAGE });
    expect(() => packageFiles(root)).toThrow("has no index.mjs. Run `npm run build`.");
  });

  test("say why they are not found", () => {
    const root = packageIn({ "package.json": JSON.stringify({ name: "someone-else" }) });
    expect(() => packageFiles(root)).toThrow('The package "stratolab" is not above');
  });
});
