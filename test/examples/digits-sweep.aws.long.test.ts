import { expect, test } from "vitest";
import { runExample, tally, temporaryFolder } from "./run-example.ts";

const folder = temporaryFolder();

test("the digits sweep runs unchanged on a deployed stack, on Lambda and on ECS", async () => {
  const sweep = (env: NodeJS.ProcessEnv) =>
    runExample("digits-sweep", ["--quick", "--digits", "200", "--out", "out"], folder.path, env);
  const onAws = await sweep({ STRATOLAB_RUNNER: "aws" });
  expect(onAws).toMatchObject({ exitCode: 0 });
  expect(onAws.stdout).toMatch(/^Tasks: 43 on lambda 1769 MB, 1 on fargate/m);
  const here = await sweep({});
  const honest = /^ +.* test digits right .*$/m;
  expect(honest.exec(onAws.stdout)?.[0]).toBe(honest.exec(here.stdout)?.[0]);
  const again = await sweep({ STRATOLAB_RUNNER: "aws" });
  expect(tally(again.stdout)).toBe("44 tasks, 44 cached");
});
