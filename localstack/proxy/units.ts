import type { AwsRequest } from "./aws-request.ts";

/** A value as DynamoDB's JSON has it: its type, and what it is. */
type Attribute = Readonly<Record<string, unknown>>;
type Attributes = Readonly<Record<string, Attribute>>;

interface Body {
  readonly Item?: Attributes;
  readonly Key?: Attributes;
  readonly ConsistentRead?: boolean;
  readonly ExpressionAttributeValues?: Attributes;
  readonly TransactItems?: readonly TransactItem[];
  readonly RequestItems?: Readonly<Record<string, { Keys?: unknown[]; ConsistentRead?: boolean } | Write[]>>;
}
interface TransactItem {
  readonly Put?: { readonly Item: Attributes };
}
interface Write {
  readonly PutRequest?: { readonly Item: Attributes };
}

/** Items that were found, as DynamoDB's JSON has them. */
interface Found {
  readonly Item?: Attributes;
  readonly Items?: readonly Attributes[];
}

const WRITE_UNIT_BYTES = 1_024;
const READ_UNIT_BYTES = 4_096;

/** Whether what a request takes depends on what it finds. */
export const isChargedByAnswer = (operation: string): boolean => /^dynamodb:(GetItem|Query|Scan)$/.test(operation);

/**
 * What DynamoDB charges for what a request has found, beyond what {@link unitsOf} has told from the request: a read
 * unit for each 4 KB of all items together, half of one where they may be stale. What a filter has left out is not known.
 */
export function moreUnitsOf({ body }: Pick<AwsRequest, "body">, answer: Buffer): number {
  const { Item, Items = Item ? [Item] : [] } = parse<Found>(answer);
  const units = Math.max(1, Math.ceil(sum(Items, itemBytes) / READ_UNIT_BYTES));
  return (units - 1) * readFactor(parse<Body>(body).ConsistentRead);
}

/**
 * What DynamoDB charges a request with, as far as that can be told from the request: write units by the size of what
 * is written, twice that in a transaction, a read unit a key or query, half of one where it may be stale. 1 for all
 * other services.
 */
export function unitsOf({ operation, body }: Pick<AwsRequest, "operation" | "body">): number {
  if (!operation.startsWith("dynamodb:")) return 1;
  const asked = parse<Body>(body);
  switch (operation) {
    case "dynamodb:PutItem":
      return writeUnits(asked.Item);
    case "dynamodb:UpdateItem":
      return writeUnits({ ...asked.Key, ...asked.ExpressionAttributeValues });
    case "dynamodb:BatchWriteItem":
      return sum(Object.values(asked.RequestItems ?? {}).flat(), (write) =>
        writeUnits((write as Write).PutRequest?.Item),
      );
    case "dynamodb:TransactWriteItems":
      return sum(asked.TransactItems ?? [], ({ Put }) => 2 * writeUnits(Put?.Item));
    case "dynamodb:BatchGetItem":
      return sum(Object.values(asked.RequestItems ?? {}), (of) =>
        "Keys" in of ? (of.Keys?.length ?? 0) * readFactor(of.ConsistentRead) : 0,
      );
    case "dynamodb:GetItem":
    case "dynamodb:Query":
    case "dynamodb:Scan":
      return readFactor(asked.ConsistentRead);
    default:
      return 1;
  }
}

function parse<T extends Body | Found>(body: Buffer): Partial<T> {
  try {
    return JSON.parse(body.toString("utf8")) as T;
  } catch {
    return {};
  }
}

const readFactor = (isConsistent: boolean | undefined) => (isConsistent ? 1 : 0.5);

const writeUnits = (item: Attributes = {}) => Math.max(1, Math.ceil(itemBytes(item) / WRITE_UNIT_BYTES));

const itemBytes = (item: Attributes): number =>
  sum(Object.entries(item), ([name, value]) => Buffer.byteLength(name) + valueBytes(value));

/** By the rules in DynamoDB's developer guide, "item sizes and formats". */
function valueBytes(value: Attribute): number {
  const [[type, content] = ["NULL", true]] = Object.entries(value);
  switch (type) {
    case "S":
      return Buffer.byteLength(content as string);
    case "N":
      return Math.ceil((content as string).length / 2) + 1;
    case "B":
      return Buffer.byteLength(content as string, "base64");
    case "L":
      return 3 + sum(content as Attribute[], (each) => 1 + valueBytes(each));
    case "M":
      return 3 + Object.keys(content as Attributes).length + itemBytes(content as Attributes);
    default:
      return 1;
  }
}

const sum = <T>(values: readonly T[], of: (value: T) => number) => values.reduce((total, each) => total + of(each), 0);
