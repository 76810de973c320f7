import { execFileSync } from "node:child_process";
import { tmpdir } from "node:os";
import { beforeAll, describe, expect, test } from "vitest";
import { cli } from "./run-cli.ts";

let script: string;
beforeAll(async () => {
  script = (await cli(tmpdir(), ["completion", "bash"])).stdout;
});

/** What bash would offer after these words. */
const offered = (...words: string[]) =>
  execFileSync(
    "bash",
    ["-c", `${script}\nCOMP_WORDS=("$@"); COMP_CWORD=$(($# - 1)); _stratolab; echo "\${COMPREPLY[*]}"`, "-", ...words],
    {
      encoding: "utf8",
    },
  )
    .trim()
    .split(" ");

describe("completion", () => {
  test("offers commands, those below them, and options, in bash", () => {
    expect(offered("stratolab", "")).toEqual(expect.arrayContaining(["plan", "runs", "doctor", "--help"]));
    expect(offered("stratolab", "do")).toEqual(["doctor"]);
    expect(offered("stratolab", "runs", "--json", "s")).toEqual(["show"]);
    expect(offered("stratolab", "runs", "show", "--n")).toEqual(["--namespace"]);
    expect(offered("stratolab", "plan", "tasks", "--j")).toEqual(["--json"]);
  });

  test("knows the same in zsh and fish, and no other shell", async () => {
    const zsh = await cli(tmpdir(), ["completion", "zsh"]);
    expect(zsh.stdout).toMatch(/^#compdef stratolab\n[\s\S]*\("runs"\) compadd -- show results attach cancel delete /);
    const fish = await cli(tmpdir(), ["completion", "fish"]);
    expect(fish.stdout).toContain(
      `complete -c stratolab -n '__stratolab_at "runs"' -a 'show results attach cancel delete `,
    );
    expect(await cli(tmpdir(), ["completion", "cmd"])).toMatchObject({ exitCode: 2, stdout: "" });
  });
});
