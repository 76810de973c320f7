import type { LambdaThrottleReason } from "../faults/rules.ts";
import type { AwsError } from "./answer.ts";

const RATE_EXCEEDED = "Rate exceeded";

/** How a service says that it is asked too fast. */
export function throttle(
  service: string,
  reason: LambdaThrottleReason = "ConcurrentInvocationLimitExceeded",
): AwsError {
  switch (service) {
    case "lambda":
      return {
        statusCode: 429,
        type: "TooManyRequestsException",
        message: "Rate Exceeded.",
        members: { Reason: reason, Type: "User" },
        headers: { "retry-after": "1" },
      };
    case "s3":
      // S3 knows no 429.
      return { statusCode: 503, type: "SlowDown", message: "Please reduce your request rate." };
    case "dynamodb":
      // Of a table on demand; a provisioned one says ProvisionedThroughputExceededException.
      return {
        statusCode: 400,
        type: "com.amazon.coral.availability#ThrottlingException",
        message:
          "Throughput exceeds the current capacity of your table or index. DynamoDB is automatically scaling your " +
          "table or index so please try again shortly.",
      };
    case "cloudformation":
    case "iam":
    case "sts":
      return { statusCode: 400, type: "Throttling", message: RATE_EXCEEDED };
    default:
      return { statusCode: 400, type: "ThrottlingException", message: RATE_EXCEEDED };
  }
}

/** A throttle that only the text of another exception tells, as services do that call others. */
export function hiddenThrottle(service: string, operation: string): AwsError {
  const message = `Unable to complete ${operation.split(":")[1]}: ThrottlingException: ${RATE_EXCEEDED}`;
  if (service === "lambda") {
    return { statusCode: 500, type: "ServiceException", message, members: { Type: "Service" } };
  }
  if (service === "s3") return { statusCode: 500, type: "InternalError", message };
  return { statusCode: 400, type: service === "dynamodb" ? "ValidationException" : "ClientException", message };
}

const SERVER_ERRORS: Readonly<Record<string, Readonly<Record<500 | 503, readonly [string, string]>>>> = {
  lambda: {
    500: ["ServiceException", "The AWS Lambda service encountered an internal error."],
    503: ["ServiceUnavailableException", "The request has failed due to a temporary failure of the server."],
  },
  s3: {
    500: ["InternalError", "We encountered an internal error. Please try again."],
    503: ["ServiceUnavailable", "Service is unable to handle request."],
  },
  dynamodb: {
    500: ["com.amazonaws.dynamodb.v20120810#InternalServerError", "An error occurred on the server side."],
    503: ["ServiceUnavailable", "The service is currently unavailable or busy."],
  },
  ecs: {
    500: ["ServerException", "Service Unavailable. Please try again later."],
    503: ["ServiceUnavailable", "The request has failed due to a temporary failure of the server."],
  },
};

const ANY_SERVER_ERROR: Readonly<Record<500 | 503, readonly [string, string]>> = {
  500: ["InternalFailure", "The request processing has failed because of an unknown error, exception or failure."],
  503: ["ServiceUnavailable", "The request has failed due to a temporary failure of the server."],
};

/** How a service says that it failed by itself. */
export function serverError(service: string, status: 500 | 503): AwsError {
  const [type, message] = (SERVER_ERRORS[service] ?? ANY_SERVER_ERROR)[status];
  return { statusCode: status, type, message, ...(service === "lambda" && { members: { Type: "Service" } }) };
}

/** Lambda's answer to a synchronous invocation whose payload is too large. */
export const requestTooLarge = (invokeBytes: number): AwsError => ({
  statusCode: 413,
  type: "RequestTooLargeException",
  message: `Request must be smaller than ${invokeBytes} bytes for the InvokeFunction operation`,
  members: { Type: "User" },
});
