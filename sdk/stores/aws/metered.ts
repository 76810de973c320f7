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
      options: Where & { readonly name: string },
    ): void;
  };
}

/** Around a command as a whole, or around each request that is made for it: what the SDK makes again passes there again. */
type Where = { readonly step: "initialize" } | { readonly step: "finalizeRequest"; readonly priority: "low" };
const COMMAND: Where = { step: "initialize" };
const REQUEST: Where = { step: "finalizeRequest", priority: "low" };

/** How much a command took of the table; of a batch, for each table. */
interface Consumed {
  readonly ConsumedCapacity?: { CapacityUnits?: number } | { CapacityUnits?: number }[];
}

const isRead = (command: string) => /^(Get|BatchGet|Query|Scan|TransactGet)/.test(command);
/** Of objects. */
const isFetch = (command: string) => /^(Get|Head)/.test(command);
/** Of objects: these are free. */
const isDelete = (command: string) => /^(Delete|Abort)/.test(command);

/** Counts the units that commands take, as DynamoDB says them; an answer without them counts as one. */
export function metered(client: DynamoDBClient, meter: RequestMeter): DynamoDBClient {
  countRefusals(client, isRefusal, (command) => meter.refused(isRead(command) ? "reads" : "writes"));
  around(client, COMMAND, async (command, input, send) => {
    const count = (units: number) => (isRead(command) ? meter.read(units) : meter.write(units));
    try {
      const result = await send({ ...input, ReturnConsumedCapacity: "TOTAL" });
      count(unitsOf(result.output));
      for (let left = unprocessedIn(result.output); left > 0; left--)
        meter.refused(isRead(command) ? "reads" : "writes");
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
  countRefusals(client, isObjectRefusal, (command) => meter.refused(isFetch(command) ? "gets" : "puts"));
  around(client, COMMAND, async (command, input, send) => {
    const count = () => {
      if (isFetch(command)) meter.get();
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

/** What a batch has left undone, since the table takes no more at this moment: our items are too small for another reason. */
interface Unprocessed {
  readonly UnprocessedKeys?: Readonly<Record<string, { readonly Keys?: readonly unknown[] }>>;
  readonly UnprocessedItems?: Readonly<Record<string, readonly unknown[]>>;
}

function unprocessedIn(output: object): number {
  const { UnprocessedKeys: keys = {}, UnprocessedItems: items = {} } = output as Unprocessed;
  const each = [...Object.values(keys).map(({ Keys = [] }) => Keys), ...Object.values(items)];
  return each.reduce((sum, { length }) => sum + length, 0);
}

function unitsOf(output: object): number {
  const { ConsumedCapacity: consumed } = output as Consumed;
  if (consumed === undefined) return 1;
  return [consumed].flat().reduce((sum, { CapacityUnits = 1 }) => sum + CapacityUnits, 0);
}

/** What services call a request that is one too many. */
const REFUSALS = /^(ProvisionedThroughputExceeded|Throttl|RequestLimitExceeded|SlowDown|TooManyRequests)/;

/** As AWS's errors tell it: a head request's answer has a status and no name, a transaction's a name and reasons. */
interface Refusal {
  readonly name?: string;
  readonly $metadata?: { readonly httpStatusCode?: number };
  readonly CancellationReasons?: readonly { readonly Code?: string }[];
}

const isRefusal = ({ name = "", CancellationReasons: reasons = [] }: Refusal): boolean =>
  REFUSALS.test(name) || reasons.some(({ Code = "" }) => REFUSALS.test(Code));

/** S3's only other 503 asks for the same, and its answers to HEAD have a status alone. */
const isObjectRefusal = (error: Refusal): boolean => isRefusal(error) || error.$metadata?.httpStatusCode === 503;

function countRefusals(client: object, isRefused: (error: Refusal) => boolean, count: (command: string) => void): void {
  around(client, REQUEST, async (command, input, send) => {
    try {
      return await send(input);
    } catch (error) {
      if (isRefused(error as Refusal)) count(command);
      throw error;
    }
  });
}

type Send = (input: object) => Promise<{ output: object }>;

function around(
  client: object,
  where: Where,
  act: (command: string, input: object, send: Send) => Promise<{ output: object }>,
): void {
  (client as Stack).middlewareStack.add(
    (next, { commandName = "" }) =>
      (args) =>
        act(commandName.replace(/Command$/, ""), args.input, (input) => next({ ...args, input })),
    { ...where, name: `stratolabMeter-${where.step}` },
  );
}
