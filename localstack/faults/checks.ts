import { matches } from "./glob.ts";
import { operationsOf, SERVICES } from "./operations.ts";

/** What a field may hold: in words, and as a test. */
export interface Check {
  readonly expected: string;
  accepts(value: unknown): boolean;
  /** More to say of a value that is refused. */
  hint?(value: unknown): string | undefined;
}

const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

export const text: Check = {
  expected: "a non-empty text",
  accepts: (value) => typeof value === "string" && value !== "",
};

export const yesOrNo: Check = { expected: "true or false", accepts: (value) => typeof value === "boolean" };

export const milliseconds: Check = {
  expected: "milliseconds, 0 or more",
  accepts: (value) => isNumber(value) && value >= 0,
};

export const share: Check = {
  expected: "a number from 0 to 1",
  accepts: (value) => isNumber(value) && value >= 0 && value <= 1,
  hint: (value) => (isNumber(value) && value > 1 && value <= 100 ? `${value} % is ${value / 100}` : undefined),
};

export const wholeNumber = (least: number): Check => ({
  expected: `a whole number, at least ${least}`,
  accepts: (value) => isNumber(value) && Number.isInteger(value) && value >= least,
});

export const wholeNumbers: Check = {
  expected: "a whole number, at least 1, or a list of them",
  accepts: (value) => {
    const numbers = Array.isArray(value) ? value : [value];
    return numbers.length > 0 && numbers.every((each) => wholeNumber(1).accepts(each));
  },
};

export const oneOf = (allowed: readonly (string | number)[]): Check => ({
  expected: `one of ${allowed.join(", ")}`,
  accepts: (value) => allowed.some((each) => each === value),
});

export const operations: Check = {
  expected: `an operation such as "lambda:Invoke", "dynamodb:*" or "*", or a list of them`,
  accepts: (value) => {
    const patterns = Array.isArray(value) ? value : [value];
    return patterns.length > 0 && patterns.every((each) => operationProblem(each) === undefined);
  },
  hint: (value) => (Array.isArray(value) ? value : [value]).map(operationProblem).find((problem) => problem),
};

/** Why a pattern can never match. */
function operationProblem(pattern: unknown): string | undefined {
  if (typeof pattern !== "string" || pattern === "") return "it is a text";
  if (pattern === "*") return undefined;
  const [service = "", operation] = pattern.split(":");
  if (operation === undefined) return `write it with its service, such as "lambda:${pattern}"`;
  if (service === "*") return undefined;
  if (!SERVICES.includes(service)) return `the services are ${SERVICES.join(", ")}`;
  const known = operationsOf(service);
  if (!known || known.some((each) => matches(operation, each))) return undefined;
  return `the operations of ${service} are ${known.join(", ")}`;
}
