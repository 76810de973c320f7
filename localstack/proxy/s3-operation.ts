import type { IncomingHttpHeaders } from "node:http";

/** Which operation of S3's REST API a request means: it says so in its method, path, query and headers. */
export function s3Operation(
  method: string,
  url: URL,
  headers: IncomingHttpHeaders,
): { operation: string | undefined; bucket: string | undefined } {
  const { bucket, key } = address(url, headers.host ?? "");
  if (bucket === undefined) return { operation: method === "GET" ? "ListBuckets" : undefined, bucket };
  const operation = key
    ? objectOperation(method, url.searchParams, headers["x-amz-copy-source"] !== undefined)
    : bucketOperation(method, url.searchParams);
  return { operation, bucket };
}

/** The bucket is the first label of the host, `bucket.s3.…`, or the first part of the path. */
function address({ pathname }: URL, host: string): { bucket: string | undefined; key: string } {
  const byHost = /^(.+)\.s3[.-]/.exec(host)?.[1];
  const path = pathname.slice(1);
  if (byHost) return { bucket: byHost, key: path };
  const slash = path.indexOf("/");
  const bucket = slash < 0 ? path : path.slice(0, slash);
  return { bucket: bucket || undefined, key: slash < 0 ? "" : path.slice(slash + 1) };
}

const VERBS: Readonly<Record<string, string>> = { GET: "Get", PUT: "Put", DELETE: "Delete", HEAD: "Head" };

function objectOperation(method: string, query: URLSearchParams, isCopy: boolean): string | undefined {
  if (query.has("uploadId")) return PART_OPERATIONS[isCopy ? `${method} copy` : method];
  if (method === "POST") return query.has("uploads") ? "CreateMultipartUpload" : undefined;
  if (method === "PUT" && isCopy) return "CopyObject";
  return VERBS[method] && `${VERBS[method]}Object${subresource(query)}`;
}

const PART_OPERATIONS: Readonly<Record<string, string>> = {
  PUT: "UploadPart",
  "PUT copy": "UploadPartCopy",
  POST: "CompleteMultipartUpload",
  DELETE: "AbortMultipartUpload",
  GET: "ListParts",
};

function bucketOperation(method: string, query: URLSearchParams): string | undefined {
  if (method === "POST") return query.has("delete") ? "DeleteObjects" : undefined;
  const part = subresource(query);
  if (part !== "") return VERBS[method] && `${VERBS[method]}Bucket${part}`;
  if (method === "PUT") return "CreateBucket";
  if (method !== "GET") return VERBS[method] && `${VERBS[method]}Bucket`;
  if (query.has("uploads")) return "ListMultipartUploads";
  return query.get("list-type") === "2" ? "ListObjectsV2" : "ListObjects";
}

const SUBRESOURCES: Readonly<Record<string, string>> = {
  acl: "Acl",
  cors: "Cors",
  encryption: "Encryption",
  lifecycle: "LifecycleConfiguration",
  location: "Location",
  notification: "NotificationConfiguration",
  policy: "Policy",
  tagging: "Tagging",
  versioning: "Versioning",
};

/** `?tagging` and the like, which ask for a part of a bucket or object. */
const subresource = (query: URLSearchParams): string =>
  Object.entries(SUBRESOURCES).find(([name]) => query.has(name))?.[1] ?? "";
