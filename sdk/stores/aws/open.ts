import type { StoreAddress } from "../../wire/store-address.ts";
import { PrefixedObjects } from "../prefixed-objects.ts";
import type { Stores } from "../stores.ts";
import { sweepEnded } from "../sweep.ts";
import { dynamoClient, s3Client } from "./clients.ts";
import { DynamoControlTable } from "./control-table.ts";
import { S3ObjectStore } from "./object-store.ts";
import { S3ControlTable } from "./s3-control-table.ts";

/** Opens the stores of a stack. Nothing is asked of AWS before the first use. */
export function openAwsStores({ table, bucket, region }: StoreAddress & { kind: "aws" }): Stores {
  const controlTable = new DynamoControlTable(dynamoClient(region), table);
  return {
    table: controlTable,
    objects: new S3ObjectStore(s3Client(region), bucket, () => sweepEnded(controlTable)),
  };
}

/** Opens stores that lie in one bucket, without a stack. */
export function openBucketStores({ bucket, prefix }: StoreAddress & { kind: "s3" }): Stores {
  const client = s3Client();
  const table = new S3ControlTable(client, bucket, `${prefix}control/`);
  const objects = new S3ObjectStore(client, bucket, () => sweepEnded(table));
  return { table, objects: new PrefixedObjects(objects, `${prefix}objects/`) };
}
