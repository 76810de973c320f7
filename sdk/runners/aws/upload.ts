import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { GetObjectCommand } from "@aws-sdk/client-s3";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import type { Bundle } from "../../bundle/bundle.ts";
import { packageFile } from "../../package-files.ts";
import { s3Client } from "../../stores/aws/clients.ts";
import type { ObjectStore } from "../../stores/object-store.ts";
import { bundleMapObject, bundleObject, runtimeObject } from "../../wire/keys.ts";

/** How long a container may take to fetch the runtime, in seconds; it does so as soon as it starts. */
const URL_LIFE_SECONDS = 3_600;

const whole = (bytes: Uint8Array) => ({ chunks: [bytes], byteLength: bytes.byteLength });

/** Puts the user's code where executors find it, unless it is there. */
export async function uploadBundle(objects: ObjectStore, bundle: Bundle): Promise<void> {
  const [code, map] = [bundleObject(bundle.hash), bundleMapObject(bundle.hash)];
  if ((await objects.touch(code)) && (await objects.touch(map))) return;
  const encoder = new TextEncoder();
  await Promise.all([
    objects.put(map, whole(encoder.encode(bundle.sourceMap))),
    objects.put(code, whole(encoder.encode(bundle.code))),
  ]);
}

/** The container runtime of this package, in the bucket, and how a container gets at it. */
export interface UploadedRuntime {
  readonly hash: string;
  /** A URL that anybody may fetch it from, for an hour. */
  url(): Promise<string>;
}

/** Puts the container runtime where containers find it, unless it is there. */
export async function uploadRuntime(objects: ObjectStore, bucket: string, region: string): Promise<UploadedRuntime> {
  const code = await readFile(packageFile("dist/runtime/container.mjs"));
  const hash = createHash("sha256").update(code).digest("hex");
  const key = runtimeObject(hash);
  if (!(await objects.touch(key))) await objects.put(key, whole(code));
  const client = s3Client(region);
  return {
    hash,
    url: () =>
      getSignedUrl(client, new GetObjectCommand({ Bucket: bucket, Key: key }), { expiresIn: URL_LIFE_SECONDS }),
  };
}
