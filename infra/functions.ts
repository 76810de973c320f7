import type { IRole } from "aws-cdk-lib/aws-iam";
import { Code, Architecture as LambdaArchitecture, Function as LambdaFunction, Runtime } from "aws-cdk-lib/aws-lambda";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import { Duration, Size, Validations } from "aws-cdk-lib/core";
import { Construct } from "constructs";
import { ExecutorEnv } from "../sdk/wire/protocol.ts";
import type { FunctionOutput } from "../sdk/wire/stack-outputs.ts";
import { wholeNumber } from "./checks.ts";
import type { Stores } from "./data-access.ts";
import type { Architecture } from "./props.ts";

interface FunctionsProps extends Stores {
  readonly code: string;
  readonly role: IRole;
  readonly logGroup: ILogGroup;
  readonly architecture: Architecture;
  readonly lambdaSizes?: readonly number[] | undefined;
  readonly functionCopies?: number | undefined;
  readonly lambdaEphemeralStorageMb?: number | undefined;
  readonly reservedConcurrency?: number | undefined;
}

const DEFAULT_SIZES = [512, 1024, 1769, 3538, 7076, 10_240];
/** Lambda's longest. A task's own `timeoutMs` is enforced inside. */
const TIMEOUT_SECONDS = 900;
/** Each function's ARN is named in the driver's policy, which AWS limits to 6,144 characters. */
const MOST_FUNCTIONS = 23;

/** The Lambda functions: the same code in several sizes. */
export class Functions extends Construct {
  readonly functions: readonly LambdaFunction[];
  readonly output: readonly FunctionOutput[];

  constructor(scope: Construct, id: string, props: FunctionsProps) {
    super(scope, id);
    const sizes = checkedSizes(props.lambdaSizes ?? DEFAULT_SIZES);
    const copies = checkedCopies(props.functionCopies ?? 1, sizes.length);
    const ephemeralStorageMb = wholeNumber("lambdaEphemeralStorageMb", props.lambdaEphemeralStorageMb ?? 512, {
      from: 512,
      to: 10_240,
    });
    const { reservedConcurrency } = props;

    const create = (memoryMb: number, copy: number) => ({
      memoryMb,
      lambda: new LambdaFunction(this, copy === 1 ? `${memoryMb}Mb` : `${memoryMb}Mb${copy}`, {
        description: `stratolab executor, ${memoryMb} MB`,
        runtime: Runtime.NODEJS_22_X,
        handler: "index.handler",
        code: Code.fromAsset(props.code),
        architecture: props.architecture === "arm64" ? LambdaArchitecture.ARM_64 : LambdaArchitecture.X86_64,
        memorySize: memoryMb,
        ephemeralStorageSize: Size.mebibytes(ephemeralStorageMb),
        timeout: Duration.seconds(TIMEOUT_SECONDS),
        role: props.role,
        logGroup: props.logGroup,
        environment: {
          [ExecutorEnv.table]: props.table.tableName,
          [ExecutorEnv.bucket]: props.bucket.bucketName,
          [ExecutorEnv.memoryMb]: String(memoryMb),
        },
        // Retries are the scheduler's business: it counts attempts, and knows what each one showed.
        retryAttempts: 0,
        maxEventAge: Duration.hours(6),
        ...(reservedConcurrency !== undefined && {
          reservedConcurrentExecutions: wholeNumber("reservedConcurrency", reservedConcurrency, {
            from: 1,
            to: 1_000_000,
          }),
        }),
      }),
    });
    const created = sizes.flatMap((memoryMb) =>
      Array.from({ length: copies }, (_, index) => create(memoryMb, index + 1)),
    );

    this.functions = created.map(({ lambda }) => lambda);
    this.output = created.map(({ lambda, memoryMb }) => ({
      name: lambda.functionName,
      memoryMb,
      timeoutSeconds: TIMEOUT_SECONDS,
      ephemeralStorageMb,
    }));
    Validations.of(this).acknowledge({
      id: "AwsSolutions-L1",
      reason: "nodejs22.x is supported by AWS until April 2027, and is what the runtime is tested on.",
    });
  }
}

function checkedSizes(sizes: readonly number[]): readonly number[] {
  for (const size of sizes) wholeNumber("Each of lambdaSizes", size, { from: 128, to: 10_240 });
  if (sizes.length === 0 || new Set(sizes).size < sizes.length) {
    throw new Error(`lambdaSizes needs different sizes in MB. Got ${JSON.stringify(sizes)}. Name each once.`);
  }
  return sizes.toSorted((a, b) => a - b);
}

function checkedCopies(copies: number, sizes: number): number {
  wholeNumber("functionCopies", copies, { from: 1, to: MOST_FUNCTIONS });
  if (copies * sizes <= MOST_FUNCTIONS) return copies;
  throw new Error(
    `functionCopies times the number of lambdaSizes may be at most ${MOST_FUNCTIONS}. ` +
      `Got ${copies} × ${sizes} = ${copies * sizes}. Choose fewer copies or fewer sizes.`,
  );
}
