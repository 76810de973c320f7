import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import type { RequestMeter } from "../request-meter.ts";

/** The part of the SDK's clients that commands pass through. */
interface Stack {
  readonly middlewareStack: {
    add(
      middleware: (
        next: (args: { input: object }) => Promise<{ output: object }>,
        context: { commandName?: string },
      ) => (args: { input: object }) => Promise<{ output: object }>,
      options: { readonly step: "initialize"; readonly name: string },
    ): void;
  };
}

/** How much a command took of the table; of a batch, for each table. */
interface Consumed {
  readonly ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
}

const isRead = (command: string) => /^(Get|BatchGet|Query|Scan|TransactGet)/.test(command);
/** Of objects: these are free. */
const isDelete = (command: string) => /^(Delete|Abort)/.test(command);

/** Counts the units that commands take, as DynamoDB says them; an answer without them counts as one. */
export function metered(client: DynamoDBClient, meter: RequestMeter): DynamoDBClient {
  around(client, async (command, input, send) => {
    const count = (units: number) => (isRead(command) ? meter.read(units) : meter.write(units));
    try {
      const result = await send({ ...input, ReturnConsumedCapacity: "TOTAL" });
      count(unitsOf(result.output));
      return result;
    } catch (error) {
      // A write whose condition does not hold is charged like one that does.
      if ((error as Error).name === "ConditionalCheckFailedException") count(1);
      throw error;
    }
  });
  return client;
}

/** Counts requests to S3 that it charges: those too that find nothing, or meet a condition that does not hold. */
export function meteredObjects(client: S3Client, meter: RequestMeter): S3Client {
  around(client, async (command, input, send) => {
    const count = () => {
      if (/^(Get|Head)/.test(command)) meter.get();
      else if (!isDelete(command)) meter.put();
    };
    try {
      const result = await send(input);
      count();
      return result;
    } catch (error) {
      const status = (error as { $metadata?: { httpStatusCode?: number } }).$metadata?.httpStatusCode ?? 0;
      if (status === 404 || status === 412 || status === 416) count();
      throw error;
    }
  });
  return client;
}

function unitsOf(output: object): number {
  const { ConsumedCapacity: consumed } = output as Consumed;
  if (consumed === undefined) return 1;
  return [consumed].flat().reduce((sum, { CapacityUnits = 1 }) => sum + CapacityUnits, 0);
}

type Send = (input: object) => Promise<{ output: object }>;

function around(
  client: object,
  act: (command: string, input: object, send: Send) => Promise<{ output: object }>,
): void {
  (client as Stack).middlewareStack.add(
    (next, { commandName = "" }) =>
      (args) =>
        act(commandName.replace(/Command$/, ""), args.input, (input) => next({ ...args, input })),
    { step: "initialize", name: "stratolabMeter" },
  );
}
