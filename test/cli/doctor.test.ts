import { tmpdir } from "node:os";
import { describe, expect, test } from "vitest";
import { cli } from "./run-cli.ts";

/** Nobody to be, anywhere. */
const NOBODY = {
  AWS_ACCESS_KEY_ID: "",
  AWS_SECRET_ACCESS_KEY: "",
  AWS_PROFILE: "",
  AWS_CONFIG_FILE: "/nowhere",
  AWS_SHARED_CREDENTIALS_FILE: "/nowhere",
  AWS_EC2_METADATA_DISABLED: "true",
  AWS_REGION: "us-east-1",
};

describe("stratolab doctor without AWS", () => {
  test("checks this machine, says what is missing for AWS, and finds nothing wrong", async () => {
    const { exitCode, stdout } = await cli(tmpdir(), ["doctor", "--json"], NOBODY);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).findings).toEqual([
      { check: "node", status: "ok", found: process.version },
      { check: "machine", status: "ok", found: expect.stringMatching(/^\d+ cores, [\d.]+ GB$/) },
      { check: "a task on local", status: "ok", found: expect.stringMatching(/^done after/) },
      { check: "region", status: "ok", found: "us-east-1" },
      {
        check: "credentials",
        status: "warning",
        found: expect.anything(),
        fix: expect.stringMatching(/aws configure/),
      },
    ]);
  });

  test("counts that as an error for who wants to run on AWS", async () => {
    const { exitCode, stdout } = await cli(tmpdir(), ["doctor", "--runner", "aws"], NOBODY);
    expect(exitCode).toBe(1);
    expect(stdout).toMatch(/^error +credentials +there are none .* run "aws configure"/m);
    expect(stdout).toMatch(/\n4 ok, 0 warnings, 1 errors\n$/);
  });
});
