import type { StoreAddress } from "../../wire/store-address.ts";
import type { Stores } from "../stores.ts";
import { sweepEnded } from "../sweep.ts";
import { dynamoClient, s3Client } from "./clients.ts";
import { DynamoControlTable } from "./control-table.ts";
import { S3ObjectStore } from "./object-store.ts";

/** Opens the stores of a stack. Nothing is asked of AWS before the first use. */
export function openAwsStores({ table, bucket, region }: StoreAddress & { kind: "aws" }): Stores {
  const controlTable = new DynamoControlTable(dynamoClient(region), table);
  return {
    table: controlTable,
    objects: new S3ObjectStore(s3Client(region), bucket, () => sweepEnded(controlTable)),
  };
}
