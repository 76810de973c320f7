import { describe, expect, test } from "vitest";
import { judge, newToken } from "../../dashboard/server/access.ts";

const token = newToken();
const asked = (url: string, { method = "GET", host = "127.0.0.1:8080" } = {}) => judge({ method, url, host }, token);

describe("who may see the dashboard", () => {
  test("tokens are long, and none is like another", () => {
    expect(token).toMatch(/^[\w-]{24}$/);
    expect(newToken()).not.toBe(token);
  });

  test("whoever knows the token", () => {
    expect(asked(`/${token}/api/runs/x%2Fy?from=3`)).toMatchObject({ path: ["api", "runs", "x/y"] });
    expect(asked(`/${token}/`, { host: "localhost:1" })).toMatchObject({ path: [""] });
  });

  test.each<[what: string, status: number, url: string, more?: object]>([
    ["nothing", 403, "/"],
    ["another token", 403, `/${newToken()}/`],
    ["a part of the token", 403, `/${token.slice(1)}/`],
    ["more than the token", 403, `/${token}x/`],
    ["the token elsewhere", 403, `/?token=${token}`],
    ["another name for this machine", 403, `/${token}/`, { host: "evil.example:8080" }],
    ["no host", 403, `/${token}/`, { host: "" }],
    ["what is no path", 400, `/${token}/%zz`],
    ["a change", 405, `/${token}/`, { method: "POST" }],
  ])("not who has %s", (_, status, url, more) => {
    expect(asked(url, more)).toBe(status);
  });
});
