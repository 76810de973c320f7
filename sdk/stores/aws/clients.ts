import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { S3Client } from "@aws-sdk/client-s3";
import { NodeHttpHandler } from "@smithy/node-http-handler";

/** Sockets to one service at once; a driver with many invocations in flight stores in parallel, too. */
const MAX_SOCKETS = 256;
/** A connection that does not come, or an answer that stops, is given up after this long, in milliseconds. */
const CONNECTION_TIMEOUT_MS = 5_000;
const SILENCE_TIMEOUT_MS = 20_000;
/** Storage calls are safe to repeat, so the SDK may: writes are conditional, objects never change. */
const MAX_ATTEMPTS = 8;

// The SDK tells every user of Node 20 on standard error to upgrade; what stratolab supports is ours to say.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= "true";

const requestHandler = () =>
  new NodeHttpHandler({
    connectionTimeout: CONNECTION_TIMEOUT_MS,
    socketTimeout: SILENCE_TIMEOUT_MS,
    httpAgent: { maxSockets: MAX_SOCKETS },
    httpsAgent: { maxSockets: MAX_SOCKETS },
  });

const regionOf = (region: string | undefined) => (region === undefined ? {} : { region });

export function dynamoClient(region?: string): DynamoDBClient {
  return new DynamoDBClient({
    ...regionOf(region),
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: requestHandler(),
    // Nobody changes the way of a command after the first one: it need not be put together for each of them.
    cacheMiddleware: true,
  });
}

export function s3Client(region?: string): S3Client {
  const emulated = process.env.AWS_ENDPOINT_URL_S3 ?? process.env.AWS_ENDPOINT_URL;
  return new S3Client({
    ...regionOf(region),
    maxAttempts: MAX_ATTEMPTS,
    requestHandler: requestHandler(),
    // Every object is checked against its own SHA-256: a second checksum would only cost time.
    requestChecksumCalculation: "WHEN_REQUIRED",
    responseChecksumValidation: "WHEN_REQUIRED",
    // An emulator on one host has no names for buckets.
    forcePathStyle: emulated !== undefined,
  });
}
