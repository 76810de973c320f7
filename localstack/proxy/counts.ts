import type { FaultName } from "../faults/rules.ts";
import type { AwsRequest } from "./aws-request.ts";
import { unitsOf } from "./units.ts";

/** What came of the requests of one operation. */
export interface OperationCount {
  requests: number;
  /** Of {@link requests}, those of executors in Lambda and ECS. */
  fromExecutors: number;
  /** How often a request reached the service: duplicates twice, those that a fault kept from it never. */
  delivered: number;
  /** Answers of 400 and above, and answers that never came. */
  failed: number;
  requestBytes: number;
  /** Of what came back, without headers. */
  answerBytes: number;
  /** What DynamoDB charges them with; of other services a unit each. */
  units: number;
  faults: Partial<Record<FaultName | "payload-limit" | "concurrency-limit", number>>;
}

/** Requests so far. */
export interface Counts {
  readonly requests: number;
  /** By operation: `lambda:Invoke`. */
  readonly operations: Readonly<Record<string, Readonly<OperationCount>>>;
  /** By task, where requests name some: how many requests of which operation. */
  readonly tasks: Readonly<Record<string, Readonly<Record<string, number>>>>;
}

/** Which tasks a request is about. */
export type TasksOf = (request: AwsRequest) => readonly string[];

/** Counts requests, for tests and benchmarks. */
export class Counter {
  readonly #tasksOf: TasksOf;
  #operations = new Map<string, OperationCount>();
  #tasks = new Map<string, Map<string, number>>();

  constructor(tasksOf: TasksOf) {
    this.#tasksOf = tasksOf;
  }

  /** Counts a request; what it gives is to be told what becomes of it. */
  arrived(request: AwsRequest): OperationCount {
    let count = this.#operations.get(request.operation);
    if (!count) {
      const none = {
        requests: 0,
        fromExecutors: 0,
        delivered: 0,
        failed: 0,
        requestBytes: 0,
        answerBytes: 0,
        units: 0,
      };
      count = { ...none, faults: {} };
      this.#operations.set(request.operation, count);
    }
    count.requests += 1;
    count.requestBytes += request.body.length;
    count.units += unitsOf(request);
    if (request.from === "executors") count.fromExecutors += 1;
    for (const task of this.#tasksOf(request)) this.#countTask(task, request.operation);
    return count;
  }

  #countTask(task: string, operation: string): void {
    const operations = this.#tasks.get(task) ?? new Map<string, number>();
    this.#tasks.set(task, operations.set(operation, (operations.get(operation) ?? 0) + 1));
  }

  get counts(): Counts {
    const sorted = [...this.#operations].sort(([a], [b]) => (a < b ? -1 : 1));
    return {
      requests: sorted.reduce((total, [, { requests }]) => total + requests, 0),
      operations: Object.fromEntries(sorted),
      tasks: Object.fromEntries([...this.#tasks].map(([task, operations]) => [task, Object.fromEntries(operations)])),
    };
  }

  reset(): void {
    this.#operations = new Map();
    this.#tasks = new Map();
  }
}

/**
 * The tasks that an invocation's client context names: `{"custom": {"tasks": ["a", "b"]}}`, where
 * AWS lets a caller say about itself what it likes.
 */
export const tasksOfClientContext: TasksOf = ({ headers }) => {
  const context = headers["x-amz-client-context"];
  if (typeof context !== "string") return [];
  try {
    const tasks: unknown = JSON.parse(Buffer.from(context, "base64").toString("utf8"))?.custom?.tasks;
    return Array.isArray(tasks) ? tasks.map(String) : [];
  } catch {
    return [];
  }
};
