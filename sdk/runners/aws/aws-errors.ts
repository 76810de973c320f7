import { LabError } from "../../wire/lab-error.ts";

/** What matters of an error of the AWS SDK. */
export interface AwsErrorFacts {
  readonly name: string;
  readonly message: string;
  readonly status: number | undefined;
}

export function factsOf(error: unknown): AwsErrorFacts {
  const {
    name = "Error",
    message = String(error),
    $metadata,
    code,
  } = error as {
    name?: string;
    message?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  // Errors of the network say more in their code than in their name.
  return {
    name: code && name === "Error" ? code : name,
    message: message || code || "",
    status: $metadata?.httpStatusCode,
  };
}

const NO_CREDENTIALS =
  /CredentialsProviderError|Could not load credentials|UnrecognizedClientException|InvalidClientTokenId|ExpiredToken|security token.*(expired|invalid)/i;
const NO_REGION = /Region is missing|region=""/i;
const DENIED = /AccessDenied|UnauthorizedOperation|not authorized/i;
const UNREACHABLE = /ECONNREFUSED|ENOTFOUND|EAI_AGAIN|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH/;

/**
 * What stands between a laptop and its stack, in words that say how to mend it; undefined for errors
 * that have nothing to do with that.
 *
 * @param doing What was being done: `look up the stack Stratolab`.
 */
export function explainAccess(error: unknown, doing: string): LabError | undefined {
  const { name, message } = factsOf(error);
  const text = `${name}: ${message}`;
  const explain = (kind: string, why: string) => new LabError(kind, `cannot ${doing}: ${why}`, { cause: error });
  if (NO_REGION.test(text))
    return explain("no-region", 'no AWS region is set. Set AWS_REGION, or give aws({ region: "us-east-1" })');
  if (NO_CREDENTIALS.test(text)) {
    return explain(
      "no-credentials",
      `AWS does not accept who you are (${message}). Run "aws configure" or "aws sso login", or set AWS_PROFILE`,
    );
  }
  if (DENIED.test(text)) {
    return explain(
      "not-permitted",
      `${message}. Attach the stack's DriverPolicyArn (an output of "npx cdk deploy") to your user or role`,
    );
  }
  if (UNREACHABLE.test(text) || name === "AggregateError") {
    const endpoint = process.env.AWS_ENDPOINT_URL;
    return endpoint
      ? explain(
          "unreachable",
          `nothing answers at AWS_ENDPOINT_URL ${endpoint}. Start the local AWS with "npm run localstack", or unset the variable`,
        )
      : explain("unreachable", `AWS cannot be reached (${message}). Check your network`);
  }
  return undefined;
}
