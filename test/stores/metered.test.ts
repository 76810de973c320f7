import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { DynamoControlTable } from "../../sdk/stores/aws/control-table.ts";
import { metered } from "../../sdk/stores/aws/metered.ts";
import { RequestMeter } from "../../sdk/stores/request-meter.ts";

/**
 * A table that leaves the second half of each batch undone the first time, as DynamoDB does when it is asked for too much.
 * It stands in for the real one: the local AWS takes all that this machine can ask for.
 */
async function reluctantTable() {
  const sizes: number[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.on("data", (piece) => {
      body += piece;
    });
    request.on("end", () => {
      const { RequestItems } = JSON.parse(body);
      const isRead = String(request.headers["x-amz-target"]).endsWith("BatchGetItem");
      const asked = isRead ? RequestItems.results.Keys : RequestItems.results;
      sizes.push(asked.length);
      const left = sizes.length === 1 ? asked.slice(asked.length / 2) : [];
      const undone = left.length > 0 ? { results: isRead ? { Keys: left } : left } : {};
      response.setHeader("content-type", "application/x-amz-json-1.0");
      response.end(
        JSON.stringify({
          ConsumedCapacity: [{ TableName: "results", CapacityUnits: asked.length - left.length }],
          ...(isRead ? { Responses: { results: [] }, UnprocessedKeys: undone } : { UnprocessedItems: undone }),
        }),
      );
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const meter = new RequestMeter();
  const client = new DynamoDBClient({
    region: "eu-central-1",
    endpoint: `http://127.0.0.1:${port}`,
    credentials: { accessKeyId: "test", secretAccessKey: "test" },
  });
  return {
    table: new DynamoControlTable(metered(client, meter), "results"),
    meter,
    sizes,
    [Symbol.asyncDispose]: async () => {
      client.destroy();
      server.close();
    },
  };
}

const keys = Array.from({ length: 10 }, (_, n) => ({ pk: `R#${n}`, sk: "R" }));

test("what a batch leaves undone was refused, and is asked for again", async () => {
  await using reading = await reluctantTable();
  await reading.table.getMany(keys);
  expect(reading.sizes).toEqual([10, 5]);
  expect(reading.meter.take()).toMatchObject({ reads: 10, refused: { reads: 5, writes: 0 } });

  await using deleting = await reluctantTable();
  await deleting.table.deleteMany(keys);
  expect(deleting.sizes).toEqual([10, 5]);
  expect(deleting.meter.take()).toMatchObject({ writes: 10, refused: { reads: 0, writes: 5 } });
});
