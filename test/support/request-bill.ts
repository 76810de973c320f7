import type { Counts } from "../../localstack/proxy/counts.ts";
import { PRICES } from "../../sdk/core/prices.ts";

const { dynamo, s3, lambda } = PRICES;

/** Dollars for a unit of each operation that is charged. */
const USD: Readonly<Record<string, number>> = {
  "lambda:Invoke": lambda.request,
  "dynamodb:PutItem": dynamo.writeUnit,
  "dynamodb:UpdateItem": dynamo.writeUnit,
  "dynamodb:DeleteItem": dynamo.writeUnit,
  "dynamodb:BatchWriteItem": dynamo.writeUnit,
  "dynamodb:TransactWriteItems": dynamo.writeUnit,
  "dynamodb:GetItem": dynamo.readUnit,
  "dynamodb:Query": dynamo.readUnit,
  "dynamodb:BatchGetItem": dynamo.readUnit,
  "s3:PutObject": s3.put,
  "s3:CopyObject": s3.put,
  "s3:GetObject": s3.get,
  "s3:HeadObject": s3.get,
};

/** What AWS would charge for requests, as the fault proxy counted them, in dollars. */
export const requestBill = ({ operations }: Pick<Counts, "operations">): number =>
  Object.entries(operations).reduce((sum, [name, { units }]) => sum + units * (USD[name] ?? 0), 0);
