import { expect, test } from "vitest";
import { unitsOf } from "../../localstack/proxy/units.ts";

const of = (operation: string, body: unknown) => unitsOf({ operation, body: Buffer.from(JSON.stringify(body)) });
const text = (length: number) => ({ S: "x".repeat(length) });

test("a write takes a unit for each KB of its item, names included", () => {
  expect(of("dynamodb:PutItem", { Item: { pk: text(1_022) } })).toBe(1);
  expect(of("dynamodb:PutItem", { Item: { pk: text(1_023) } })).toBe(2);
  expect(of("dynamodb:PutItem", { Item: { b: { B: Buffer.alloc(2_047).toString("base64") } } })).toBe(2);
  const nested = { m: { M: { l: { L: [text(1_000), { N: "12345" }, { BOOL: true }] } } } };
  expect(of("dynamodb:PutItem", { Item: nested })).toBe(1);
  expect(of("dynamodb:UpdateItem", { Key: { pk: text(10) }, ExpressionAttributeValues: { ":a": text(2_000) } })).toBe(
    2,
  );
  const deleted = { DeleteRequest: { Key: { pk: text(10) } } };
  const put = { PutRequest: { Item: { pk: text(3_000) } } };
  expect(of("dynamodb:BatchWriteItem", { RequestItems: { t: [deleted, put] } })).toBe(4);
  const TransactItems = [{ Put: { Item: { pk: text(10) } } }, { Put: { Item: { pk: text(2_000) } } }];
  expect(of("dynamodb:TransactWriteItems", { TransactItems })).toBe(6);
});

test("a read takes one for each key, and half of it where it may be stale", () => {
  expect(of("dynamodb:GetItem", { ConsistentRead: true })).toBe(1);
  expect(of("dynamodb:Query", {})).toBe(0.5);
  const Keys = [{}, {}, {}];
  expect(of("dynamodb:BatchGetItem", { RequestItems: { t: { Keys, ConsistentRead: true } } })).toBe(3);
});

test("other services charge by request", () => {
  expect(unitsOf({ operation: "s3:PutObject", body: Buffer.alloc(10_000) })).toBe(1);
});
