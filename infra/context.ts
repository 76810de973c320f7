import { RemovalPolicy } from "aws-cdk-lib/core";
import { DEFAULT_STACK_NAME } from "../sdk/wire/protocol.ts";
import { oneOf } from "./checks.ts";
import type { Architecture } from "./props.ts";
import type { StratolabStackProps } from "./stack.ts";

/** What `cdk deploy -c key=value` says, or `context` in a `cdk.json`. */
interface Settings {
  readonly stackName: string;
  readonly props: StratolabStackProps;
}

type Reader<T> = (name: string, value: unknown) => T;

/** Keys are the names of the props, so that the documentation of one is that of the other. */
const READERS = {
  stackName: text,
  architecture: text as Reader<Architecture>,
  lambdaSizes: list(number),
  functionCopies: number,
  lambdaEphemeralStorageMb: number,
  reservedConcurrency: number,
  image: text,
  gpu: flag,
  gpuInstanceTypes: list(text),
  gpuMaxInstances: number,
  gpuSpotShare: number,
  gpuImage: text,
  vpcId: text,
  executorPolicyArns: list(text),
  readableSecrets: list(text),
  readableParameters: list(text),
  removalPolicy: (name, value) => oneOf(name, text(name, value), [RemovalPolicy.RETAIN, RemovalPolicy.DESTROY]),
  deletionProtection: flag,
  resultExpirationDays: number,
  contentExpirationDays: number,
  logRetentionDays: number,
  emulator: flag,
} as const satisfies { [Key in keyof StratolabStackProps]?: Reader<StratolabStackProps[Key]> };

/** Reads the context. An unknown key is an error: a misspelt one would deploy something else. */
export function readContext(context: Readonly<Record<string, unknown>>): Settings {
  const unknown = Object.keys(context).filter((key) => isOurs(key) && !(key in READERS));
  if (unknown.length > 0) {
    throw new Error(
      `Context needs keys out of ${Object.keys(READERS).join(", ")}. Got ${unknown.join(", ")}. Check the spelling.`,
    );
  }
  const given = Object.entries(READERS).filter(([key]) => context[key] !== undefined);
  const { stackName, ...props } = Object.fromEntries(given.map(([key, read]) => [key, read(key, context[key])]));
  return { stackName: (stackName as string | undefined) ?? DEFAULT_STACK_NAME, props };
}

/** The CDK's own keys have a colon, a slash or a hyphen in them. */
const isOurs = (key: string): boolean => /^\w+$/.test(key);

function text(name: string, value: unknown): string {
  if (typeof value === "string" && value !== "") return value;
  throw new Error(`${name} needs a text. Got ${JSON.stringify(value)}. Write -c ${name}=...`);
}

function number(name: string, value: unknown): number {
  const parsed = typeof value === "string" && value.trim() !== "" ? Number(value) : value;
  if (typeof parsed === "number" && Number.isFinite(parsed)) return parsed;
  throw new Error(`${name} needs a number. Got ${JSON.stringify(value)}. Write it in digits.`);
}

function flag(name: string, value: unknown): boolean {
  return typeof value === "boolean" ? value : oneOf(name, String(value), ["true", "false"]) === "true";
}

function list<T>(read: Reader<T>): Reader<T[]> {
  return (name, value) => {
    const items = typeof value === "string" ? value.split(",").map((item) => item.trim()) : value;
    if (Array.isArray(items)) return items.map((item) => read(name, item));
    throw new Error(`${name} needs a list. Got ${JSON.stringify(value)}. Write its items with commas between.`);
  };
}
