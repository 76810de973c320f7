import type { SecretRef } from "../wire/runtime-env.ts";
import type { StoreAddress } from "../wire/store-address.ts";

/**
 * Fetches secrets with the credentials of this process. The client is loaded where there are some.
 *
 * @param address Says the region, on AWS; else it is that of the credentials.
 * @throws LabError that names the secret, what AWS said, and what mends it; never with a value.
 */
export async function fetchSecrets(refs: readonly SecretRef[], address: StoreAddress): Promise<string[]> {
  if (refs.length === 0) return [];
  const { fetchAwsSecrets } = await import("./aws/secrets.ts");
  return fetchAwsSecrets(refs, address.kind === "aws" ? address.region : undefined);
}
