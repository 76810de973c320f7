import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from "@aws-sdk/client-s3";
import { aws } from "stratolab";
import { describe } from "vitest";
import { thisStack } from "../support/this-stack.ts";
import { ladderSuite } from "./ladder-suite.ts";

async function loseResults(): Promise<void> {
  const s3 = new S3Client({});
  const Bucket = thisStack().outputs.BucketName;
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix: "results/" }));
  for (const { Key } of Contents) await s3.send(new DeleteObjectCommand({ Bucket, Key }));
}

describe("the failure ladder on a deployed stack", () => {
  ladderSuite({
    boundsHeap: true,
    executorsOutliveLabs: true,
    loseResults,
    lab: () => ({ tasks: "", runner: aws({ ecsIdleMs: 3_000 }) }),
  });
});
