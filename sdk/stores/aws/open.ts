import type { StoreAddress } from "../../wire/store-address.ts";
import { PackingTable } from "../packing-table.ts";
import { PrefixedObjects } from "../prefixed-objects.ts";
import { RequestMeter } from "../request-meter.ts";
import type { Stores } from "../stores.ts";
import { sweepEnded } from "../sweep.ts";
import { dynamoClient, s3Client } from "./clients.ts";
import { DynamoControlTable } from "./control-table.ts";
import { metered, meteredObjects } from "./metered.ts";
import { S3ObjectStore } from "./object-store.ts";
import { S3ControlTable } from "./s3-control-table.ts";

/** Opens the stores of a stack. Nothing is asked of AWS before the first use. */
export function openAwsStores({ table, bucket, region }: StoreAddress & { kind: "aws" }): Stores {
  const requests = new RequestMeter();
  const items = new DynamoControlTable(metered(dynamoClient(region), requests), table);
  const controlTable = new PackingTable(items, (together) => items.putTogether(together));
  const client = meteredObjects(s3Client(region), requests);
  return {
    table: controlTable,
    objects: new S3ObjectStore(client, bucket, () => sweepEnded(controlTable)),
    requests,
  };
}

/** Opens stores that lie in one bucket, without a stack. */
export function openBucketStores({ bucket, prefix }: StoreAddress & { kind: "s3" }): Stores {
  const requests = new RequestMeter();
  const client = meteredObjects(s3Client(), requests);
  const table = new S3ControlTable(client, bucket, `${prefix}control/`);
  const objects = new S3ObjectStore(client, bucket, () => sweepEnded(table));
  return { table, objects: new PrefixedObjects(objects, `${prefix}objects/`), requests };
}
