import { describe, expect, test } from "vitest";
import { tried } from "../../sdk/runners/aws/diagnosis.ts";

/** An error as the AWS SDK throws it. */
const refusal = (name: string, httpStatusCode?: number) => () =>
  Promise.reject(Object.assign(new Error(`${name}!`), { name, $metadata: { httpStatusCode } }));

describe("a permission", () => {
  test("is there when the request comes through, or fails for what it asked for", async () => {
    const allowed = { check: "permission s3:GetObject", status: "ok", found: "allowed" };
    for (const attempt of [() => Promise.resolve(), refusal("NoSuchKey", 404), refusal("NoSuchUpload", 404)]) {
      expect(await tried("s3:GetObject", attempt)).toEqual(allowed);
    }
    expect(await tried("dynamodb:PutItem", refusal("ConditionalCheckFailedException", 400))).toMatchObject({
      status: "ok",
    });
  });

  test("is missing when AWS says so, and what gives it is named", async () => {
    for (const attempt of [
      refusal("AccessDeniedException", 400),
      refusal("AccessDenied", 403),
      refusal("Forbidden", 403),
    ]) {
      const found = await tried("ecs:StopTask", attempt);
      expect(found).toMatchObject({ status: "error", fix: expect.stringMatching(/DriverPolicyArn/) });
    }
  });

  test("is not known where nobody answered", async () => {
    for (const attempt of [refusal("ECONNREFUSED"), refusal("InternalServerError", 500)]) {
      expect(await tried("ecs:StopTask", attempt)).toMatchObject({ status: "warning", fix: "try again" });
    }
  });
});
