import type { Classified } from "./classify.ts";

/** What Lambda answered to an invocation that failed inside the function. */
export interface LambdaFunctionError {
  /** `errorType` of the payload; older answers have none. */
  readonly errorType?: string | undefined;
  readonly errorMessage?: string | undefined;
  /** The last 4 KB of the log, which end with the `REPORT` line. */
  readonly logTail?: string | undefined;
}

/** Whether Lambda itself cut the attempt at the function's timeout. */
export interface ClassifiedLambda extends Classified {
  readonly atServiceLimit?: true;
}

/** Share of the function's memory from which a kill counts as out of memory. */
const MEMORY_FULL = 0.95;

/** `Memory Size: 512 MB Max Memory Used: 511 MB`; the last one, since a task may print anything before it. */
function memoryOf(logTail = ""): { sizeMb: number; usedMb: number } | undefined {
  const found = [...logTail.matchAll(/Memory Size: (\d+) MB\s+Max Memory Used: (\d+) MB/g)].at(-1);
  return found ? { sizeMb: Number(found[1]), usedMb: Number(found[2]) } : undefined;
}

/** The same fact is told differently by runtimes, versions of Lambda and emulators. */
export function classifyLambdaError({
  errorType = "",
  errorMessage = "",
  logTail,
}: LambdaFunctionError): ClassifiedLambda {
  const memory = memoryOf(logTail);
  const isFull = memory !== undefined && memory.usedMb >= memory.sizeMb * MEMORY_FULL;
  const measured = memory ? ` (${memory.usedMb} of ${memory.sizeMb} MB used)` : "";
  const words = [errorType, errorMessage].filter(Boolean).join(": ");
  const seen = `${words || "the function failed without a word"}${measured}`;

  if (errorType === "Runtime.OutOfMemory") return { kind: "out-of-memory", seen };
  // What the task gave back cannot be told: it would be so again.
  if (errorType === "Runtime.MarshalError") return { kind: "user-error", seen };
  if (errorType === "Sandbox.Timedout" || /Task timed out after [\d.]+ seconds/.test(errorMessage)) {
    // Short of memory, a function may thrash until its time is up instead of dying.
    if (isFull) return { kind: "out-of-memory", seen };
    return { kind: "timeout", seen, atServiceLimit: true };
  }
  if (/signal: killed|exit status 137/.test(errorMessage)) {
    // Without a report the kill is taken for what it is in nearly every case; a report decides.
    const unknown = memory === undefined && /signal: killed/.test(errorMessage);
    return { kind: isFull || unknown ? "out-of-memory" : "executor-lost", seen };
  }
  return { kind: "executor-lost", seen };
}

/** An error of the Invoke call itself: the function may or may not have run. */
export interface InvokeError {
  readonly name: string;
  readonly message: string;
  readonly status?: number | undefined;
  /** `Reason` of a TooManyRequestsException. */
  readonly reason?: string | undefined;
}

export interface ClassifiedInvoke extends Classified {
  /** The function may have run all the same. */
  readonly mayHaveRun: boolean;
}

const THROTTLES = new Set([
  "TooManyRequestsException",
  "ThrottlingException",
  "Throttling",
  "RequestLimitExceeded",
  "SlowDown",
  "EC2ThrottledException",
  "ENILimitReachedException",
  "SubnetIPAddressLimitReachedException",
  "ProvisionedThroughputExceededException",
]);
const THROTTLE_WORDS =
  /\brate exceeded\b|\bthrottl(ed|ing(Exception)?)\b|too many requests|slow ?down|capacity is unavailable/i;
/** Not ready yet, or not reachable: nothing has run, and it is worth another try at no charge. */
const NOT_YET = new Set([
  "ResourceNotReadyException",
  "ResourceConflictException",
  "ServiceException",
  "KMSThrottlingException",
]);
/** The connection was never made, so nothing was sent. */
const NEVER_SENT =
  /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|EHOSTUNREACH|ENETUNREACH|socket hang up before connect|connect ETIMEDOUT/;

/** Whether an AWS error says that it came too fast or found no capacity, in its name or only in its text. */
export function isThrottle({ name, message, status }: InvokeError): boolean {
  return THROTTLES.has(name) || status === 429 || THROTTLE_WORDS.test(message);
}

/** What a failed Invoke call means. */
export function classifyInvokeError(error: InvokeError): ClassifiedInvoke {
  const { name, message, status, reason } = error;
  const seen = `${name}${reason ? ` (${reason})` : ""}: ${message}`;
  if (isThrottle(error) || NOT_YET.has(name)) return { kind: "throttled", seen, mayHaveRun: false };
  if (NEVER_SENT.test(`${name} ${message}`)) return { kind: "throttled", seen, mayHaveRun: false };
  // Refused for what it is: the same call would be refused again.
  if (status !== undefined && status >= 400 && status < 500) return { kind: "start-failed", seen, mayHaveRun: false };
  return { kind: "executor-lost", seen, mayHaveRun: true };
}
