import { randomUUID } from "node:crypto";
import type { Protocol } from "./aws-request.ts";

/** An answer that the proxy gives by itself. */
export interface Answer {
  readonly statusCode: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** An AWS error, before it is put into the words of a protocol. */
export interface AwsError {
  readonly statusCode: number;
  /** With a namespace where the service writes one: `com.amazon.coral.availability#ThrottlingException`. */
  readonly type: string;
  readonly message: string;
  /** Members beside the message, such as Lambda's `Reason`. */
  readonly members?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Writes an error as the protocol has it; each SDK client reads only its own. */
export function errorAnswer(protocol: Protocol, error: AwsError): Answer {
  const { statusCode, type, message, members = {} } = error;
  const requestId = randomUUID();
  switch (protocol) {
    case "rest-json":
      return {
        statusCode,
        headers: {
          "content-type": "application/json",
          "x-amzn-requestid": requestId,
          "x-amzn-errortype": type,
          ...error.headers,
        },
        body: JSON.stringify({ ...members, message }),
      };
    case "aws-json":
      return {
        statusCode,
        headers: { "content-type": "application/x-amz-json-1.0", "x-amzn-requestid": requestId, ...error.headers },
        body: JSON.stringify({ __type: type, ...members, message }),
      };
    case "s3-xml":
      return {
        statusCode,
        headers: { "content-type": "application/xml", "x-amz-request-id": requestId, ...error.headers },
        body:
          '<?xml version="1.0" encoding="UTF-8"?>\n' +
          `<Error><Code>${type}</Code><Message>${message}</Message>` +
          `<RequestId>${requestId}</RequestId><HostId>local-aws</HostId></Error>`,
      };
    case "query-xml":
      return {
        statusCode,
        headers: { "content-type": "text/xml", "x-amzn-requestid": requestId, ...error.headers },
        body:
          `<ErrorResponse><Error><Type>${statusCode < 500 ? "Sender" : "Receiver"}</Type><Code>${type}</Code>` +
          `<Message>${message}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`,
      };
  }
}
