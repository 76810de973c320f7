import {
  type AttributeValue,
  BatchGetItemCommand,
  BatchWriteItemCommand,
  ConditionalCheckFailedException,
  DeleteItemCommand,
  type DynamoDBClient,
  GetItemCommand,
  PutItemCommand,
  paginateQuery,
  paginateScan,
  TransactionCanceledException,
  TransactWriteItemsCommand,
  UpdateItemCommand,
} from "@aws-sdk/client-dynamodb";
import { marshall, unmarshall } from "@aws-sdk/util-dynamodb";
import type { ItemKey } from "../../wire/keys.ts";
import {
  type Attribute,
  type Condition,
  type ConditionalWrite,
  type ControlTable,
  type Item,
  type MergeResult,
  putOneByOne,
  type QueryOptions,
  type WriteResult,
} from "../control-table.ts";

/** DynamoDB's own bounds on batches. */
const GET_BATCH = 100;
const WRITE_BATCH = 25;
const TRANSACTION = 100;
/** Batches on their way at once. */
const PARALLEL_BATCHES = 8;
const MAX_UNPROCESSED_ROUNDS = 20;

const toKey = ({ pk, sk }: ItemKey) => ({ pk: { S: pk }, sk: { S: sk } });
const toItem = (item: Record<string, AttributeValue>) => unmarshall(item) as unknown as Item;

/** A condition as DynamoDB takes it. */
interface Expression {
  readonly ConditionExpression: string;
  readonly ExpressionAttributeNames?: Record<string, string>;
  readonly ExpressionAttributeValues?: Record<string, AttributeValue>;
}

function toExpression(condition: Condition): Expression {
  switch (condition.when) {
    case "absent":
      return { ConditionExpression: "attribute_not_exists(pk)" };
    case "absent-or-below":
      return {
        ConditionExpression: "attribute_not_exists(pk) OR attribute_not_exists(#a) OR #a < :v",
        ExpressionAttributeNames: { "#a": condition.attribute },
        ExpressionAttributeValues: marshall({ ":v": condition.value }),
      };
    case "equals":
      return {
        ConditionExpression: "#a = :v",
        ExpressionAttributeNames: { "#a": condition.attribute },
        ExpressionAttributeValues: marshall({ ":v": condition.value }),
      };
  }
}

/** The control table in DynamoDB. */
export class DynamoControlTable implements ControlTable {
  readonly #client: DynamoDBClient;
  readonly #table: string;

  constructor(client: DynamoDBClient, table: string) {
    this.#client = client;
    this.#table = table;
  }

  async get(key: ItemKey): Promise<Item | undefined> {
    const { Item: item } = await this.#client.send(
      new GetItemCommand({ TableName: this.#table, Key: toKey(key), ConsistentRead: true }),
    );
    return item && toItem(item);
  }

  async getMany(keys: readonly ItemKey[]): Promise<(Item | undefined)[]> {
    const found = new Map<string, Item>();
    await inBatches(distinct(keys), GET_BATCH, async (batch) => {
      let pending: Record<string, AttributeValue>[] = batch.map(toKey);
      for (let round = 0; pending.length > 0; round++) {
        await pauseBefore(round);
        const answer = await this.#client.send(
          new BatchGetItemCommand({ RequestItems: { [this.#table]: { Keys: pending, ConsistentRead: true } } }),
        );
        for (const item of answer.Responses?.[this.#table] ?? []) {
          const plain = toItem(item);
          found.set(nameOf(plain), plain);
        }
        pending = answer.UnprocessedKeys?.[this.#table]?.Keys ?? [];
      }
    });
    return keys.map((key) => found.get(nameOf(key)));
  }

  async put(item: Item): Promise<void> {
    await this.#client.send(new PutItemCommand({ TableName: this.#table, Item: marshall(item) }));
  }

  async putIf(item: Item, condition: Condition): Promise<WriteResult> {
    try {
      await this.#client.send(
        new PutItemCommand({
          TableName: this.#table,
          Item: marshall(item),
          ...toExpression(condition),
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      );
      return { written: true };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { written: false, existing: error.Item && toItem(error.Item) };
    }
  }

  /** A transaction is one request, whatever it holds; where it does not go through, what is in its way is found one by one. */
  async putInOrder(writes: readonly ConditionalWrite[]): Promise<WriteResult[]> {
    const results: WriteResult[] = [];
    for (let start = 0; start < writes.length; start += TRANSACTION) {
      const part = writes.slice(start, start + TRANSACTION);
      try {
        results.push(...(await this.#putTogether(part)));
      } catch (error) {
        if (start === 0) throw error;
        break;
      }
      if (results.length < start + part.length || !results.at(-1)?.written) break;
    }
    return results;
  }

  async #putTogether(writes: readonly ConditionalWrite[]): Promise<WriteResult[]> {
    if (writes.length === 1) return putOneByOne(this, writes);
    const puts = writes.map(({ item, condition }) => ({
      Put: { TableName: this.#table, Item: marshall(item), ...toExpression(condition) },
    }));
    try {
      await this.#client.send(new TransactWriteItemsCommand({ TransactItems: puts }));
      return writes.map(() => ({ written: true }));
    } catch (error) {
      if (!(error instanceof TransactionCanceledException)) throw error;
      return putOneByOne(this, writes);
    }
  }

  /** Writes items all or none, whatever was there. */
  async putTogether(items: readonly Item[]): Promise<void> {
    if (items.length === 1) return this.put(items[0]);
    const puts = items.map((item) => ({ Put: { TableName: this.#table, Item: marshall(item) } }));
    for (let round = 0; ; round++) {
      await pauseBefore(round);
      try {
        await this.#client.send(new TransactWriteItemsCommand({ TransactItems: puts }));
        return;
      } catch (error) {
        if (!(error instanceof TransactionCanceledException) || !isTransient(error)) throw error;
      }
    }
  }

  async merge(key: ItemKey, attributes: Readonly<Record<string, Attribute>>): Promise<Item | undefined> {
    // DynamoDB knows no update of nothing.
    if (Object.keys(attributes).length === 0) return this.get(key);
    const merged = await this.#update(key, attributes, { ConditionExpression: "attribute_exists(pk)" });
    return merged.written ? merged.item : undefined;
  }

  mergeIf(
    key: ItemKey,
    attributes: Readonly<Record<string, Attribute>>,
    condition: Condition & { readonly when: "equals" },
  ): Promise<MergeResult> {
    return this.#update(key, attributes, toExpression(condition));
  }

  addTo(key: ItemKey, attributes: Readonly<Record<string, Attribute>>, once: string): Promise<MergeResult> {
    const isNew = { ConditionExpression: "attribute_not_exists(#once)", ExpressionAttributeNames: { "#once": once } };
    return this.#update(key, attributes, isNew);
  }

  async #update(
    key: ItemKey,
    attributes: Readonly<Record<string, Attribute>>,
    condition: Expression,
  ): Promise<MergeResult> {
    const names = Object.keys(attributes);
    try {
      const { Attributes } = await this.#client.send(
        new UpdateItemCommand({
          TableName: this.#table,
          Key: toKey(key),
          UpdateExpression: `SET ${names.map((_, index) => `#a${index} = :v${index}`).join(", ")}`,
          ConditionExpression: condition.ConditionExpression,
          ExpressionAttributeNames: {
            ...condition.ExpressionAttributeNames,
            ...Object.fromEntries(names.map((name, index) => [`#a${index}`, name])),
          },
          ExpressionAttributeValues: {
            ...condition.ExpressionAttributeValues,
            ...marshall(Object.fromEntries(names.map((name, index) => [`:v${index}`, attributes[name]]))),
          },
          ReturnValues: "ALL_NEW",
          ReturnValuesOnConditionCheckFailure: "ALL_OLD",
        }),
      );
      return { written: true, item: toItem(Attributes ?? {}) };
    } catch (error) {
      if (!(error instanceof ConditionalCheckFailedException)) throw error;
      return { written: false, existing: error.Item && toItem(error.Item) };
    }
  }

  async deleteMany(keys: readonly ItemKey[]): Promise<void> {
    await inBatches(distinct(keys), WRITE_BATCH, async (batch) => {
      let pending = batch.map((key) => ({ DeleteRequest: { Key: toKey(key) } }));
      for (let round = 0; pending.length > 0; round++) {
        await pauseBefore(round);
        const answer = await this.#client.send(new BatchWriteItemCommand({ RequestItems: { [this.#table]: pending } }));
        pending = (answer.UnprocessedItems?.[this.#table] ?? []) as typeof pending;
      }
    });
  }

  async deleteIf(key: ItemKey, condition: Condition): Promise<boolean> {
    const { ConditionExpression, ...values } = toExpression(condition);
    try {
      await this.#client.send(
        new DeleteItemCommand({
          TableName: this.#table,
          Key: toKey(key),
          ...values,
          // Deleting what is not there would succeed.
          ConditionExpression: `attribute_exists(pk) AND (${ConditionExpression})`,
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) return false;
      throw error;
    }
  }

  async query(pk: string, { after, before, limit }: QueryOptions = {}): Promise<Item[]> {
    const bounds = Object.entries({ ":after": after, ":before": before }).filter(([, bound]) => bound !== undefined);
    const pages = paginateQuery(
      { client: this.#client },
      {
        TableName: this.#table,
        ConsistentRead: true,
        KeyConditionExpression: `pk = :pk${betweenSortKeys(after, before)}`,
        ExpressionAttributeValues: marshall({ ":pk": pk, ...Object.fromEntries(bounds) }),
        ...(limit === undefined ? {} : { Limit: limit }),
      },
    );
    const items: Item[] = [];
    for await (const page of pages) {
      items.push(...(page.Items ?? []).map(toItem).filter(({ sk }) => sk !== after && sk !== before));
      if (limit !== undefined && items.length >= limit) break;
    }
    return limit === undefined ? items : items.slice(0, limit);
  }

  async *scan(pkPrefix: string): AsyncIterable<Item> {
    const pages = paginateScan(
      { client: this.#client },
      {
        TableName: this.#table,
        FilterExpression: "begins_with(pk, :prefix)",
        ExpressionAttributeValues: { ":prefix": { S: pkPrefix } },
        ConsistentRead: true,
      },
    );
    for await (const page of pages) for (const item of page.Items ?? []) yield toItem(item);
  }

  async close(): Promise<void> {
    this.#client.destroy();
  }
}

/** DynamoDB takes one condition on sort keys, and that of two bounds has both of them in. */
function betweenSortKeys(after: string | undefined, before: string | undefined): string {
  if (after === undefined) return before === undefined ? "" : " AND sk < :before";
  return before === undefined ? " AND sk > :after" : " AND sk BETWEEN :after AND :before";
}

const nameOf = ({ pk, sk }: ItemKey) => JSON.stringify([pk, sk]);

/** Whether a transaction was cancelled for what passes: the table was busy. */
const isTransient = ({ CancellationReasons = [] }: TransactionCanceledException): boolean =>
  CancellationReasons.every(({ Code = "None" }) => /^(None|TransactionConflict|Throttling|Provisioned)/.test(Code));

/** DynamoDB refuses a batch that names a key twice. */
const distinct = (keys: readonly ItemKey[]): ItemKey[] => [...new Map(keys.map((key) => [nameOf(key), key])).values()];

async function inBatches<T>(all: readonly T[], size: number, each: (batch: T[]) => Promise<void>): Promise<void> {
  const batches: T[][] = [];
  for (let start = 0; start < all.length; start += size) batches.push(all.slice(start, start + size));
  const next = batches.values();
  const lanes = Array.from({ length: Math.min(PARALLEL_BATCHES, batches.length) }, async () => {
    for (const batch of next) await each(batch);
  });
  await Promise.all(lanes);
}

/** What DynamoDB left unprocessed is asked for again, after a pause that grows. */
async function pauseBefore(round: number): Promise<void> {
  if (round === 0) return;
  if (round > MAX_UNPROCESSED_ROUNDS) {
    throw new Error(`DynamoDB left items unprocessed ${MAX_UNPROCESSED_ROUNDS} times: the table is throttled`);
  }
  const longestMs = Math.min(5_000, 50 * 2 ** round);
  await new Promise((resolve) => setTimeout(resolve, Math.random() * longestMs));
}
