/** Which operation of Lambda's REST API a path means. */
export function lambdaOperation(method: string, path: string): { operation?: string; functionName?: string } {
  const [, , collection, name, part] = path.split("/");
  if (collection === "account-settings") return { operation: "GetAccountSettings" };
  if (collection !== "functions") return {};
  if (!name) return { operation: method === "POST" ? "CreateFunction" : "ListFunctions" };
  const operation = OPERATIONS[`${method} ${part ?? ""}`];
  const functionName = nameOf(decodeURIComponent(name));
  return operation === undefined ? { functionName } : { operation, functionName };
}

const OPERATIONS: Readonly<Record<string, string>> = {
  "POST invocations": "Invoke",
  "GET ": "GetFunction",
  "DELETE ": "DeleteFunction",
  "GET configuration": "GetFunctionConfiguration",
  "PUT configuration": "UpdateFunctionConfiguration",
  "PUT code": "UpdateFunctionCode",
};

/** A function may be named by its ARN: `arn:aws:lambda:us-east-1:000000000000:function:name:alias`. */
const nameOf = (nameOrArn: string): string => /:function:([^:]+)/.exec(nameOrArn)?.[1] ?? nameOrArn.split(":")[0]!;
