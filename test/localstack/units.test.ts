import { expect, test } from "vitest";
import { isChargedByAnswer, moreUnitsOf, unitsOf } from "../../localstack/proxy/units.ts";

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

test("what is found takes a unit for each 4 KB of it together, and nothing more than one takes none", () => {
  const more = (asked: object, found: object) =>
    moreUnitsOf({ body: Buffer.from(JSON.stringify(asked)) }, Buffer.from(JSON.stringify(found)));
  const items = (count: number, bytes: number) => Array.from({ length: count }, () => ({ pk: text(bytes - 2) }));
  const consistent = { ConsistentRead: true };
  expect(more(consistent, { Items: [] })).toBe(0);
  expect(more(consistent, { Items: items(4, 1_024) })).toBe(0);
  expect(more(consistent, { Items: items(5, 1_024) })).toBe(1);
  expect(more({}, { Items: items(250, 4_096) })).toBe(249 / 2);
  expect(more(consistent, { Item: { pk: text(9_000) } })).toBe(2);
  expect(more(consistent, {})).toBe(0);
  expect(moreUnitsOf({ body: Buffer.from("{") }, Buffer.from("no JSON"))).toBe(0);
  const charged = ["dynamodb:Query", "dynamodb:BatchGetItem", "s3:GetObject"].filter(isChargedByAnswer);
  expect(charged).toEqual(["dynamodb:Query"]);
});

test("other services charge by request", () => {
  expect(unitsOf({ operation: "s3:PutObject", body: Buffer.alloc(10_000) })).toBe(1);
});
