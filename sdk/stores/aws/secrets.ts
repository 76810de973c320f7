import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { GetParameterCommand, SSMClient } from "@aws-sdk/client-ssm";
import { LabError } from "../../wire/lab-error.ts";
import type { SecretRef } from "../../wire/runtime-env.ts";

/** Fetches each secret from where it lies. */
export async function fetchAwsSecrets(refs: readonly SecretRef[], region: string | undefined): Promise<string[]> {
  const config = { ...(region === undefined ? {} : { region }), maxAttempts: 5 };
  const secrets = new SecretsManagerClient(config);
  const parameters = new SSMClient(config);
  const fetchOne = async (ref: SecretRef): Promise<string | undefined> => {
    if ("parameter" in ref) {
      const found = await parameters.send(new GetParameterCommand({ Name: ref.parameter, WithDecryption: true }));
      return found.Parameter?.Value;
    }
    const { SecretString } = await secrets.send(new GetSecretValueCommand({ SecretId: ref.secret }));
    return ref.key === undefined ? SecretString : memberOf(SecretString, ref.key);
  };
  try {
    return await Promise.all(
      refs.map(async (ref) => {
        const value = await fetchOne(ref).catch((error) => {
          throw refused(ref, error);
        });
        if (value !== undefined) return value;
        const lack = "key" in ref ? `has no text under the key ${JSON.stringify(ref.key)}` : "has no text";
        throw new LabError("setup-failed", `${nameOf(ref)} ${lack}`);
      }),
    );
  } finally {
    secrets.destroy();
    parameters.destroy();
  }
}

/** What cannot be read as JSON is not shown: it is secret. */
function memberOf(text: string | undefined, key: string): string | undefined {
  try {
    const value = (JSON.parse(text ?? "") as Record<string, unknown> | null)?.[key];
    return typeof value === "string" ? value : undefined;
  } catch {
    return undefined;
  }
}

const nameOf = (ref: SecretRef) => ("secret" in ref ? `the secret ${ref.secret}` : `the parameter ${ref.parameter}`);

function refused(ref: SecretRef, error: unknown): LabError {
  const { name, message } = error as Error;
  const prop = "secret" in ref ? "readableSecrets" : "readableParameters";
  const advice = /AccessDenied/.test(name)
    ? `. On AWS the stack lets tasks read it: npx cdk deploy -c ${prop}=NAME`
    : "";
  return new LabError("setup-failed", `${nameOf(ref)} could not be read: ${name}: ${message}${advice}`, {
    cause: error,
  });
}
